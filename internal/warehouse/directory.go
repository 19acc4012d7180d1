package warehouse

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// DirectoryKind is what a DirectoryRow is about; each is a table of its own.
type DirectoryKind string

const (
	DirectoryNumber    DirectoryKind = "number"    // ID: digits; Word: the operator's type
	DirectoryWorkplace DirectoryKind = "workplace" // ID: SIP id; Word: its name
	DirectoryTerminal  DirectoryKind = "terminal"  // ID: SIP id; Word: SIP id of its workplace
	DirectoryStaff     DirectoryKind = "staff"     // ID: SIP id of a workplace; Word: who sits there
	DirectoryLabel     DirectoryKind = "label"     // ID: digits of a number; Word: its name
)

// directoryTables are the tables with their columns for ID, Word, and the rest.
var directoryTables = map[DirectoryKind]struct{ table, id, word, more string }{
	DirectoryNumber:    {"directory_numbers", "number", "type", "raw, gone"},
	DirectoryWorkplace: {"directory_workplaces", "workplace", "name", "gone"},
	DirectoryTerminal:  {"directory_terminals", "terminal", "workplace", "gone"},
	DirectoryStaff:     {"directory_staff", "workplace", "employee", "department, source"},
	DirectoryLabel:     {"directory_number_names", "number", "name", "source"},
}

// DirectoryRow says what holds of something in the directory from a time on.
type DirectoryRow struct {
	Kind        DirectoryKind
	Integration string
	ID          string
	ValidFrom   time.Time
	Word        string
	Raw         string // of a number: as the operator spells it
	Department  string // of staff
	Source      string // of staff and labels: import or config
	Gone        bool   // not of staff and labels: the operator lists it no more
}

func (r DirectoryRow) values(written uint64) []any {
	head := []any{r.Integration, r.ID, clampTime(r.ValidFrom), r.Word}
	switch r.Kind {
	case DirectoryNumber:
		head = append(head, r.Raw, r.Gone)
	case DirectoryStaff:
		head = append(head, r.Department, r.Source)
	case DirectoryLabel:
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
func (db *DB) InsertDirectory(ctx context.Context, rows []DirectoryRow) error {
	written := uint64(time.Now().UnixMilli())
	err := db.do(ctx, "insert directory", InsertTimeout, func(ctx context.Context) error {
		for kind, t := range directoryTables {
			var of []DirectoryRow
			for _, r := range rows {
				if r.Kind == kind {
					of = append(of, r)
				}
			}
			columns := fmt.Sprintf("integration, %s, valid_from, %s, %s, version", t.id, t.word, t.more)
			err := db.insert(ctx, t.table, columns, len(of), func(b driver.Batch) error {
				for _, r := range of {
					if err := b.Append(r.values(written)...); err != nil {
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
		err := db.do(ctx, "load dictionary", readTimeout, func(ctx context.Context) error {
			return db.conn.Exec(ctx, "SYSTEM RELOAD DICTIONARY "+dictionary)
		})
		if err != nil {
			db.log.Warn("a dictionary of the directory could not be loaded at once", "dictionary", dictionary, "err", err)
		}
	}
	return nil
}

// Directory reads of everything in the directory the row that held at a time,
// those that are gone by then included; nothing of what began later.
func (db *DB) Directory(ctx context.Context, integration string, at time.Time) ([]DirectoryRow, error) {
	var out []DirectoryRow
	err := db.do(ctx, "read directory", readTimeout, func(ctx context.Context) error {
		for kind, t := range directoryTables {
			more := map[DirectoryKind]string{
				DirectoryNumber: "raw, '', '', gone", DirectoryStaff: "'', toString(department), toString(source), false", DirectoryLabel: "'', '', toString(source), false",
			}[kind]
			if more == "" {
				more = "'', '', '', gone"
			}
			err := db.query(ctx, fmt.Sprintf(`
				SELECT toString(integration), %[2]s, valid_from, toString(%[3]s), %[4]s FROM %[1]s FINAL
				WHERE (integration = ? OR ? = '') AND valid_from <= fromUnixTimestamp64Milli(?, 'UTC')
				ORDER BY integration, %[2]s, valid_from DESC LIMIT 1 BY integration, %[2]s`, t.table, t.id, t.word, more),
				[]any{integration, integration, clampTime(at).UnixMilli()}, func(rows driver.Rows) error {
					r := DirectoryRow{Kind: kind}
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

// Seat is who an account was within a span of time.
type Seat struct {
	Integration, Account, Workplace, Name, Employee, Department string
	From, Until                                                 time.Time // 1970 and 2200 where it has no begin or end
}

// Seats reads the timelines of all accounts, as the dictionary directory_account
// has them: ordered by integration, account and time, without a gap.
func (db *DB) Seats(ctx context.Context) ([]Seat, error) {
	var out []Seat
	err := db.do(ctx, "read seats", readTimeout, func(ctx context.Context) error {
		return db.query(ctx, `
			SELECT integration, account, workplace, name, employee, department, valid_from, valid_until
			FROM directory_account_history ORDER BY integration, account, valid_from`, nil, func(r driver.Rows) error {
			var s Seat
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
	lines := make(map[key][]Seat, len(seats))
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

// NumberName is what an external number was within a span of time.
type NumberName struct {
	Integration, Number, Type, Name string
	From, Until                     time.Time // as in Seat
}

// NumberNames reads the timelines of all external numbers, likewise.
func (db *DB) NumberNames(ctx context.Context) ([]NumberName, error) {
	var out []NumberName
	err := db.do(ctx, "read numbers", readTimeout, func(ctx context.Context) error {
		return db.query(ctx, `
			SELECT integration, number, type, name, valid_from, valid_until
			FROM directory_number_history ORDER BY integration, number, valid_from`, nil, func(r driver.Rows) error {
			var n NumberName
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
	err := db.do(ctx, "look for changes of the directory", readTimeout, func(ctx context.Context) error {
		return db.conn.QueryRow(ctx, "SELECT max(received) FROM (SELECT event_id, min(received_at) AS received FROM events WHERE integration = ? AND group_id = 0 AND kind = 'directory' GROUP BY event_id)",
			integration).Scan(&at)
	})
	return fromMilli(at), err
}
