package export

import (
	"errors"
	"io"

	"fonoteka/internal/pack"
)

// pictures writes the calls once more, for people: as tables, and as a page. All of it is
// made from calls.jsonl and recordings.csv as they stand in the package.
func (r *run) pictures() error {
	t := &tables{zone: r.o.Zone, files: map[recordingKey]string{}}
	err := r.read(pack.FilesFile, func(f io.Reader) error {
		return pack.EachFile(f, func(row pack.File) error {
			if row.Role == pack.Played {
				t.files[recordingKey{row.Integration, row.RecordingID}] = row.Path
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	if err := r.write(pack.CallsCSV, func(w io.Writer) error { return r.writeCSV(w, t) }); err != nil {
		return err
	}
	if err := r.sheet(t); err != nil {
		return err
	}
	if err := r.index(t); err != nil {
		return err
	}
	return r.readmes()
}

func (r *run) eachCall(fn func(pack.Call) error) error {
	return r.read(pack.CallsFile, func(f io.Reader) error { return pack.EachLine(bounded{r.ctx, f}, fn) })
}

func (r *run) writeCSV(w io.Writer, t *tables) error {
	header := make([]string, len(columns))
	for i, c := range columns {
		header[i] = c.name
	}
	table, err := pack.NewCSV(w, header)
	if err != nil {
		return err
	}
	cells := make([]string, len(columns))
	err = r.eachCall(func(c pack.Call) error {
		for i, col := range columns {
			cells[i] = csvCell(col.cell(c, t))
		}
		return table.Write(cells)
	})
	return errors.Join(err, table.Flush())
}
