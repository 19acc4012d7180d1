package reports

import (
	"context"
	"fmt"
	"strings"
	"time"

	"fonoteka/internal/rollup"
	"fonoteka/internal/warehouse"
)

// fill fills the span's values into a statement: times are written as numbers,
// so that nothing needs quoting.
func fill(s rollup.Span, statement string) string {
	moment := func(t time.Time) string { return fmt.Sprintf("toDateTime64(%d, 3, 'UTC')", t.Unix()) }
	from, to := s.From.Start(), s.To.Start()
	back := time.Duration(s.CallbackDays) * 24 * time.Hour
	return strings.NewReplacer(
		"{from}", moment(from), "{to}", moment(to),
		"{back}", moment(from.Add(-back)), "{ahead}", moment(to.Add(back)),
		"{before}", moment(from.Add(-24*time.Hour-time.Duration(s.RepeatHours)*time.Hour)),
		"{version}", fmt.Sprint(s.Version),
	).Replace(statement)
}

// CallDays is a fingerprint of the calls of each day (UTC) from since on: it
// changes with every row of calls that is written. Half a second of a core for
// ten million calls.
func (db *DB) CallDays(ctx context.Context, since rollup.Day) (map[rollup.Day]uint64, error) {
	days := map[rollup.Day]uint64{}
	err := db.Do(ctx, "read days", warehouse.ReadTimeout, func(ctx context.Context) error {
		return db.Query(ctx, `
			SELECT toDate(started_at) AS day, sum(cityHash64(call_id, version))
			FROM calls FINAL
			WHERE started_at >= fromUnixTimestamp64Milli(?, 'UTC')
			GROUP BY day`, []any{since.Start().UnixMilli()}, func(r warehouse.Rows) error {
			var day time.Time
			var fingerprint uint64
			err := r.Scan(&day, &fingerprint)
			days[rollup.DayOf(day)] = fingerprint
			return err
		})
	})
	return days, err
}

// RolledDays are all days that were ever rolled up.
func (db *DB) RolledDays(ctx context.Context) ([]rollup.Rolled, error) {
	var all []rollup.Rolled
	err := db.Do(ctx, "read rolled days", warehouse.ReadTimeout, func(ctx context.Context) error {
		return db.Query(ctx, "SELECT name, day, fingerprint, version FROM rollup_days FINAL", nil, func(r warehouse.Rows) error {
			var d rollup.Rolled
			var day time.Time
			err := r.Scan(&d.Name, &day, &d.Fingerprint, &d.Version)
			d.Day = rollup.DayOf(day)
			all = append(all, d)
			return err
		})
	})
	return all, err
}

// SaveRolled notes that days were rolled up.
func (db *DB) SaveRolled(ctx context.Context, days []rollup.Rolled) error {
	return db.Do(ctx, "note rolled days", warehouse.InsertTimeout, func(ctx context.Context) error {
		return db.Insert(ctx, "rollup_days", "name, day, fingerprint, version", len(days), func(b warehouse.Batch) error {
			for _, d := range days {
				if err := b.Append(d.Name, d.Day.Start(), d.Fingerprint, d.Version); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// roll works tables out for a span, one after the other; each can be repeated.
func (db *DB) roll(ctx context.Context, op string, s rollup.Span, tables ...string) error {
	return db.Do(ctx, op, warehouse.WorkTimeout, func(ctx context.Context) error {
		for _, table := range tables {
			statements, known := db.Statements(table)
			if !known {
				return fmt.Errorf("nothing fills %s", table)
			}
			for _, statement := range statements {
				if err := db.Exec(ctx, fill(s, statement)); err != nil {
					return fmt.Errorf("%s: %w", table, err)
				}
			}
		}
		return nil
	})
}

// RollCalls works out for a span what follows from its calls alone: hours, local
// days, workplaces, departments, durations, waits, missed calls, and the earlier
// missed calls of whoever called or was called in it. Until it returns nil,
// readers may see hours of before and after. The accounts come first: a directory
// that changes meanwhile then differs from what they say.
func (db *DB) RollCalls(ctx context.Context, s rollup.Span) error {
	return db.roll(ctx, "roll up calls", s, "daily_accounts",
		"hourly_calls", "hourly_starts", "daily_calls", "daily_durations",
		"hourly_workplaces", "daily_workplaces", "hourly_departments",
		"longest_waits", "missed_calls", "hourly_callbacks")
}

// RollDepartments works out hourly_departments for a span, by the departments
// that the directory names now.
func (db *DB) RollDepartments(ctx context.Context, s rollup.Span) error {
	return db.roll(ctx, "roll up departments", s, "hourly_departments")
}

// MovedDays are the days (UTC) that were rolled up with other workplaces of some
// account than the directory has for it now. A workplace that an account had only
// between its first and its last call of a day escapes it.
func (db *DB) MovedDays(ctx context.Context) ([]rollup.Day, error) {
	differs := func(at string) string {
		return strings.ReplaceAll(`workplace != if(known(at) = '', toString(account_id), known(at))`, "known(at)",
			"dictGet('directory_account', 'workplace', (toString(integration), toString(account_id)), "+at+")")
	}
	query := "SELECT DISTINCT utc_day FROM daily_accounts FINAL WHERE " + differs("first_at") + " OR " + differs("last_at")
	var days []rollup.Day
	err := db.Do(ctx, "read moved days", warehouse.ReadTimeout, func(ctx context.Context) error {
		return db.Query(ctx, query, nil, func(r warehouse.Rows) error {
			var day time.Time
			err := r.Scan(&day)
			days = append(days, rollup.DayOf(day))
			return err
		})
	})
	return days, err
}

// RollCallers works out hourly_callers for a span. Calls change what callers
// count later, too: the days after the span that have been rolled up before must
// be rolled up again.
func (db *DB) RollCallers(ctx context.Context, s rollup.Span) error {
	return db.roll(ctx, "roll up callers", s, "hourly_callers")
}

// RollRecordings works out hourly_recordings for a span.
func (db *DB) RollRecordings(ctx context.Context, s rollup.Span) error {
	return db.roll(ctx, "roll up recordings", s, "hourly_recordings")
}
