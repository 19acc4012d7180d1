package export_test

import (
	"path/filepath"
	"testing"

	"github.com/xuri/excelize/v2"

	"fonoteka/internal/export/exporttest"
	"fonoteka/internal/pack"
)

// Times and durations are numbers that a spreadsheet reckons with; numbers of telephones
// and calls are text, so that no digit is lost; what looks like a formula is text, too.
func TestTheSheetHasTypedCells(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	o := s.options(exporttest.New())
	run(t, o)
	f, err := excelize.OpenFile(filepath.Join(o.Dir, pack.CallsXLSX))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sheet := f.GetSheetName(0)
	rows, err := f.GetRows(sheet)
	if err != nil || len(rows) != 11 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for cell, want := range map[string]struct {
		kind  excelize.CellType
		shown string
	}{
		"A1":  {excelize.CellTypeInlineString, "Начало (Europe/Moscow) / Started"},
		"A2":  {excelize.CellTypeUnset, "2026-03-02 10:00:00"},
		"B2":  {excelize.CellTypeUnset, "2026-03-02 07:00:00"},
		"C2":  {excelize.CellTypeInlineString, "входящий / incoming"},
		"E2":  {excelize.CellTypeInlineString, "79160000000"},
		"G10": {excelize.CellTypeInlineString, exporttest.New().CallLines[8].Employee},
		"L2":  {excelize.CellTypeUnset, "0:00:30"},
		"V2":  {excelize.CellTypeInlineString, "1000000000000000000"},
	} {
		kind, err := f.GetCellType(sheet, cell)
		if err != nil {
			t.Fatal(err)
		}
		shown, err := f.GetCellValue(sheet, cell)
		if err != nil || kind != want.kind || shown != want.shown {
			t.Errorf("%s: type %d, %q, %v; want %d, %q", cell, kind, shown, err, want.kind, want.shown)
		}
	}
	if formula, err := f.GetCellFormula(sheet, "G10"); err != nil || formula != "" {
		t.Errorf("a formula: %q, %v", formula, err)
	}
}
