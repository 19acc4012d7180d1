package warehouse

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// CalendarDay is a day that differs from its weekday.
type CalendarDay struct {
	Day  time.Time // midnight UTC
	Kind string    // holiday, working or short
}

// SaveCalendar makes a year's days what they are given as; the year's others are
// as their weekdays again.
func (db *DB) SaveCalendar(ctx context.Context, year int, days []CalendarDay) error {
	return db.do(ctx, "write the calendar", InsertTimeout, func(ctx context.Context) error {
		var version uint64
		if err := db.conn.QueryRow(ctx, "SELECT max(version) + 1 FROM calendar").Scan(&version); err != nil {
			return err
		}
		all := map[Day]string{}
		err := db.query(ctx, "SELECT day FROM calendar FINAL WHERE toYear(day) = ?", []any{year}, func(r driver.Rows) error {
			var day time.Time
			err := r.Scan(&day)
			all[DayOf(day)] = ""
			return err
		})
		if err != nil {
			return err
		}
		for _, d := range days {
			all[DayOf(d.Day)] = d.Kind
		}
		return db.insert(ctx, "calendar", "day, kind, version, is_deleted", len(all), func(b driver.Batch) error {
			for day, kind := range all {
				if err := b.Append(day.Start(), kind, version, deleted(kind == "")); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// Calendar lists the days from a day on that differ from their weekdays.
func (db *DB) Calendar(ctx context.Context, from time.Time) ([]CalendarDay, error) {
	var days []CalendarDay
	err := db.do(ctx, "read the calendar", readTimeout, func(ctx context.Context) error {
		return db.query(ctx, "SELECT day, kind FROM calendar FINAL WHERE day >= toDate(?) ORDER BY day", []any{from.Format(time.DateOnly)}, func(r driver.Rows) error {
			var d CalendarDay
			err := r.Scan(&d.Day, &d.Kind)
			d.Day = d.Day.UTC()
			days = append(days, d)
			return err
		})
	})
	return days, err
}
