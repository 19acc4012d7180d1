package export

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/xuri/excelize/v2"

	"fonoteka/internal/pack"
)

// maxSheet is how many rows a sheet takes, the header with them.
const maxSheet = 1 << 20

// sheet writes calls.xlsx, or none where there are more calls than a sheet takes.
func (r *run) sheet(t *tables) error {
	if r.fixed.Counts.Calls+1 > maxSheet {
		r.res.SheetFull = true
		return nil
	}
	return r.write(pack.CallsXLSX, func(w io.Writer) error { return r.writeSheet(w, t) })
}

// writeSheet streams rows through a temporary file of the work folder, so that memory
// does not grow with them. One sheet alone is streamed: of several, the order in the file
// would be another each time.
func (r *run) writeSheet(w io.Writer, t *tables) (err error) {
	f := excelize.NewFile(excelize.Options{TmpDir: r.work.dir})
	defer func() { err = errors.Join(err, f.Close()) }()
	const name = "Звонки – calls"
	if err := f.SetSheetName("Sheet1", name); err != nil {
		return err
	}
	s, err := newStyles(f)
	if err != nil {
		return err
	}
	sw, err := f.NewStreamWriter(name)
	if err != nil {
		return err
	}
	for i, c := range columns {
		if err := sw.SetColWidth(i+1, i+1, c.width); err != nil {
			return err
		}
	}
	if err := sw.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return err
	}
	header := make([]any, len(columns))
	for i, c := range columns {
		ru, en := c.ru, c.en
		if c.name == "started_at_local" {
			ru += " (" + t.zone.String() + ")"
		}
		header[i] = excelize.Cell{StyleID: s.header, Value: ru + " / " + en}
	}
	if err := sw.SetRow("A1", header, excelize.RowOpts{Height: 32}); err != nil {
		return err
	}
	row := 1
	err = r.eachCall(func(c pack.Call) error {
		row++
		cells := make([]any, len(columns))
		for i, col := range columns {
			cells[i] = s.cell(col.cell(c, t))
		}
		return sw.SetRow(fmt.Sprintf("A%d", row), cells)
	})
	if err != nil {
		return err
	}
	last, err := excelize.CoordinatesToCellName(len(columns), max(row, 2))
	if err != nil {
		return err
	}
	stripes := true
	if err := sw.AddTable(&excelize.Table{Range: "A1:" + last, Name: "calls", StyleName: "TableStyleLight1", ShowRowStripes: &stripes}); err != nil {
		return err
	}
	if err := sw.Flush(); err != nil {
		return err
	}
	if err := f.SetDocProps(&excelize.DocProperties{Creator: "Fonoteka", Created: r.plan.FixedAt.UTC().Format(time.RFC3339), Modified: r.plan.FixedAt.UTC().Format(time.RFC3339), Title: r.query.Case}); err != nil {
		return err
	}
	return f.Write(w)
}

// styles of cells.
type styles struct{ header, moment, lasting, text int }

func newStyles(f *excelize.File) (s styles, err error) {
	moment, lasting, text := "yyyy-mm-dd hh:mm:ss", "[h]:mm:ss", "@"
	for _, style := range []struct {
		into *int
		is   *excelize.Style
	}{
		{&s.header, &excelize.Style{Font: &excelize.Font{Bold: true}, Alignment: &excelize.Alignment{WrapText: true, Vertical: "center"}}},
		{&s.moment, &excelize.Style{CustomNumFmt: &moment}},
		{&s.lasting, &excelize.Style{CustomNumFmt: &lasting}},
		{&s.text, &excelize.Style{CustomNumFmt: &text}},
	} {
		if *style.into, err = f.NewStyle(style.is); err != nil {
			return s, err
		}
	}
	return s, nil
}

// cell is a typed one: numbers of telephones and calls are text, since a spreadsheet
// rounds what is long.
func (s styles) cell(v any) any {
	switch v := v.(type) {
	case string:
		if word, ok := words[v]; ok {
			v = word
		}
		if v == "" {
			return nil
		}
		return excelize.Cell{StyleID: s.text, Value: v}
	case time.Time: // by the clock that it shows
		return excelize.Cell{StyleID: s.moment, Value: time.Date(v.Year(), v.Month(), v.Day(), v.Hour(), v.Minute(), v.Second(), 0, time.UTC)}
	case time.Duration:
		return excelize.Cell{StyleID: s.lasting, Value: v.Truncate(time.Second).Hours() / 24}
	}
	return v
}
