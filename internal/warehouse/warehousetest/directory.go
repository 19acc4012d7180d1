package warehousetest

import (
	"testing"

	"fonoteka/internal/directory"
)

// Two workplaces, a terminal that moves from one to the other, and an external number.
const (
	Seat1  = "883140000000010"
	Seat2  = "883140000000020"
	Phone1 = "883140000000011"
	Line1  = "74950000001"
)

// FillDirectory gives them a history in March of 2026.
func FillDirectory(t testing.TB, db *DB) {
	t.Helper()
	row := func(kind directory.Kind, id, from, word string) directory.Row {
		return directory.Row{Kind: kind, Integration: "main", ID: id, ValidFrom: At(from), Word: word}
	}
	sales := row(directory.Staff, Seat1, "2026-03-05 00:00:00", "")
	sales.Department, sales.Source = "Sales", "import"
	support := row(directory.Staff, Seat2, "2026-03-05 00:00:00", "Anna")
	support.Department, support.Source = "Support", "import"
	gone := row(directory.Workplace, Seat2, "2026-03-20 00:00:00", "Smirnova")
	gone.Gone = true
	Must(t, db.InsertDirectory(t.Context(), []directory.Row{
		row(directory.Workplace, Seat1, "2026-03-01 00:00:00", "Ivanov"),
		row(directory.Workplace, Seat1, "2026-03-10 12:00:00", "Petrov"),
		row(directory.Workplace, Seat2, "2026-03-01 00:00:00", "Smirnova"), gone,
		row(directory.Terminal, Phone1, "2026-03-01 00:00:00", Seat1),
		row(directory.Terminal, Phone1, "2026-03-12 00:00:00", Seat2),
		row(directory.Number, Line1, "2026-03-01 00:00:00", "multichannel"),
		row(directory.Label, Line1, "2026-03-15 00:00:00", "Advertisement"),
		sales, support,
	}))
}
