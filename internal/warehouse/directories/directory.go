package directories

import (
	"context"
	"fmt"
	"time"

	"fonoteka/internal/directory"
	"fonoteka/internal/warehouse"
)

// directoryTables are the tables with their columns for ID, Word, and the rest.
var directoryTables = map[directory.Kind]struct{ table, id, word, more string }{
	directory.Number:    {"directory_numbers", "number", "type", "raw, gone"},
	directory.Workplace: {"directory_workplaces", "workplace", "name", "gone"},
	directory.Terminal:  {"directory_terminals", "terminal", "workplace", "gone"},
	directory.Staff:     {"directory_staff", "workplace", "employee", "department, source"},
	directory.Label:     {"directory_number_names", "number", "name", "source"},
}

// values are those of the columns of its table.
func values(r directory.Row, written uint64) []any {
	head := []any{r.Integration, r.ID, warehouse.ClampTime(r.ValidFrom), r.Word}
	switch r.Kind {
	case directory.Number:
		head = append(head, r.Raw, r.Gone)
	case directory.Staff:
		head = append(head, r.Department, r.Source)
	case directory.Label:
		head = append(head, r.Source)
	default:
		head = append(head, r.Gone)
	}
	return append(head, written)
}

// InsertDirectory adds rows to the history; one with the key and time of an
// older one takes its place. Queries see it when the dictionaries were loaded
// again, which this asks for; a server that refuses that does so by itself
// within 90 s, and so does every other node of a cluster.
func (db *DB) InsertDirectory(ctx context.Context, rows []directory.Row) error {
	written := uint64(time.Now().UnixMilli())
	err := db.Do(ctx, "insert directory", warehouse.InsertTimeout, func(ctx context.Context) error {
		for kind, t := range directoryTables {
			var of []directory.Row
			for _, r := range rows {
				if r.Kind == kind {
					of = append(of, r)
				}
			}
			columns := fmt.Sprintf("integration, %s, valid_from, %s, %s, version", t.id, t.word, t.more)
			err := db.Insert(ctx, t.table, columns, len(of), func(b warehouse.Batch) error {
				for _, r := range of {
					if err := b.Append(values(r, written)...); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || len(rows) == 0 {
		return err
	}
	for _, dictionary := range []string{"directory_account", "directory_number"} {
		err := db.Do(ctx, "load dictionary", warehouse.ReadTimeout, func(ctx context.Context) error {
			return db.Exec(ctx, "SYSTEM RELOAD DICTIONARY "+dictionary)
		})
		if err != nil {
			db.Log().Warn("a dictionary of the directory could not be loaded at once", "dictionary", dictionary, "err", err)
		}
	}
	return nil
}

// Directory reads of everything in the directory the row that held at a time,
// those that are gone by then included; nothing of what began later.
func (db *DB) Directory(ctx context.Context, integration string, at time.Time) ([]directory.Row, error) {
	var out []directory.Row
	err := db.Do(ctx, "read directory", warehouse.ReadTimeout, func(ctx context.Context) error {
		for kind, t := range directoryTables {
			more := map[directory.Kind]string{
				directory.Number: "raw, '', '', gone", directory.Staff: "'', toString(department), toString(source), false", directory.Label: "'', '', toString(source), false",
			}[kind]
			if more == "" {
				more = "'', '', '', gone"
			}
			err := db.Query(ctx, fmt.Sprintf(`
				SELECT toString(integration), %[2]s, valid_from, toString(%[3]s), %[4]s FROM %[1]s FINAL
				WHERE (integration = ? OR ? = '') AND valid_from <= fromUnixTimestamp64Milli(?, 'UTC')
				ORDER BY integration, %[2]s, valid_from DESC LIMIT 1 BY integration, %[2]s`, t.table, t.id, t.word, more),
				[]any{integration, integration, warehouse.ClampTime(at).UnixMilli()}, func(rows warehouse.Rows) error {
					r := directory.Row{Kind: kind}
					err := rows.Scan(&r.Integration, &r.ID, &r.ValidFrom, &r.Word, &r.Raw, &r.Department, &r.Source, &r.Gone)
					r.ValidFrom = r.ValidFrom.UTC()
					out = append(out, r)
					return err
				})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// Seats reads the timelines of all accounts, as the dictionary directory_account
// has them: ordered by integration, account and time, without a gap.
func (db *DB) Seats(ctx context.Context) ([]directory.Seat, error) {
	var out []directory.Seat
	err := db.Do(ctx, "read seats", warehouse.ReadTimeout, func(ctx context.Context) error {
		return db.Query(ctx, `
			SELECT integration, account, workplace, name, employee, department, valid_from, valid_until
			FROM directory_account_history ORDER BY integration, account, valid_from`, nil, func(r warehouse.Rows) error {
			var s directory.Seat
			err := r.Scan(&s.Integration, &s.Account, &s.Workplace, &s.Name, &s.Employee, &s.Department, &s.From, &s.Until)
			s.From, s.Until = s.From.UTC(), s.Until.UTC()
			out = append(out, s)
			return err
		})
	})
	return out, err
}

// SeatOf returns a function that tells at which workplace an account was at a
// moment: its SIP id, or the account itself where nothing is known of it.
func (db *DB) SeatOf(ctx context.Context) (func(integration, account string, at time.Time) string, error) {
	seats, err := db.Seats(ctx)
	type key struct{ integration, account string }
	lines := make(map[key][]directory.Seat, len(seats))
	for _, s := range seats {
		k := key{s.Integration, s.Account}
		lines[k] = append(lines[k], s)
	}
	return func(integration, account string, at time.Time) string {
		for _, s := range lines[key{integration, account}] {
			if !at.After(s.Until) {
				return s.Workplace
			}
		}
		return account
	}, err
}

// NumberNames reads the timelines of all external numbers, likewise.
func (db *DB) NumberNames(ctx context.Context) ([]directory.NumberName, error) {
	var out []directory.NumberName
	err := db.Do(ctx, "read numbers", warehouse.ReadTimeout, func(ctx context.Context) error {
		return db.Query(ctx, `
			SELECT integration, number, type, name, valid_from, valid_until
			FROM directory_number_history ORDER BY integration, number, valid_from`, nil, func(r warehouse.Rows) error {
			var n directory.NumberName
			err := r.Scan(&n.Integration, &n.Number, &n.Type, &n.Name, &n.From, &n.Until)
			n.From, n.Until = n.From.UTC(), n.Until.UTC()
			out = append(out, n)
			return err
		})
	})
	return out, err
}

// DirectoryChanged is when the newest notification of a change of the directory
// arrived; zero if none did. Equal ones of one minute count as the first of them.
func (db *DB) DirectoryChanged(ctx context.Context, integration string) (time.Time, error) {
	var at time.Time
	err := db.Do(ctx, "look for changes of the directory", warehouse.ReadTimeout, func(ctx context.Context) error {
		return db.QueryRow(ctx, "SELECT max(received) FROM (SELECT event_id, min(received_at) AS received FROM events WHERE integration = ? AND group_id = 0 AND kind = 'directory' GROUP BY event_id)",
			integration).Scan(&at)
	})
	return warehouse.FromMilli(at), err
}
