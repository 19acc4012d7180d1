package seed

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// directory writes who sits where and what the external numbers are for, so
// that reports have names. A tenth of the workplaces changes hands in the middle
// of the time.
func (s *seeder) directory(ctx context.Context) error {
	began, middle := s.o.History.From, s.o.History.From.Add(s.o.History.To.Sub(s.o.History.From)/2)
	var places, terminals, staff, numbers, labels rowsOf
	for i, p := range s.history.Places() {
		places.add(s.row(began, row{"workplace": p.SIP, "name": p.Name}))
		staff.add(s.row(began, row{"workplace": p.SIP, "employee": p.Employee, "department": p.Department, "source": "import"}))
		if i%10 == 7 {
			staff.add(s.row(middle, row{"workplace": p.SIP, "employee": "Преемник " + p.SIP[len(p.SIP)-4:], "department": p.Department, "source": "import"}))
		}
		for _, t := range p.Terminals {
			terminals.add(s.row(began, row{"terminal": t, "workplace": p.SIP}))
		}
	}
	externals, names := s.history.Externals()
	for i, n := range externals {
		numbers.add(s.row(began, row{"number": n, "raw": n, "type": ""}))
		labels.add(s.row(began, row{"number": n, "name": names[i], "source": "import"}))
	}
	for table, rows := range map[string]*rowsOf{
		"directory_workplaces": &places, "directory_terminals": &terminals, "directory_staff": &staff,
		"directory_numbers": &numbers, "directory_number_names": &labels,
	} {
		if rows.err != nil {
			return fmt.Errorf("seed: encode the directory: %w", rows.err)
		}
		if err := s.server.do(ctx, "INSERT INTO "+table+" FORMAT JSONEachRow", nil, &rows.text); err != nil {
			return err
		}
	}
	// Reports and rollups see it at once: else all days would be rolled up again
	// when the engine starts the next time.
	for _, dictionary := range []string{"directory_account", "directory_number"} {
		if err := s.exec(ctx, "SYSTEM RELOAD DICTIONARY %s", dictionary); err != nil {
			return err
		}
	}
	return nil
}

type row = map[string]any

func (s *seeder) row(from time.Time, r row) row {
	r["integration"], r["valid_from"], r["version"] = s.o.Integration, from.Format(time.DateTime), s.o.History.To.UnixMilli()
	return r
}

// rowsOf are rows as JSON, one after the other.
type rowsOf struct {
	text bytes.Buffer
	err  error
}

func (b *rowsOf) add(r row) {
	if err := json.NewEncoder(&b.text).Encode(r); err != nil {
		b.err = err
	}
}
