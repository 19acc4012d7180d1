package reports

import (
	"context"
	"time"

	"fonoteka/internal/rollup"
	"fonoteka/internal/warehouse"
)

// CalendarDay is a day that differs from its weekday.
type CalendarDay struct {
	Day  time.Time // midnight UTC
	Kind string    // holiday, working or short
}

// SaveCalendar makes a year's days what they are given as; the year's others are
// as their weekdays again. Until the reports are worked out by it, report_pending has a row.
func (db *DB) SaveCalendar(ctx context.Context, year int, days []CalendarDay) error {
	err := db.Do(ctx, "write the calendar", warehouse.InsertTimeout, func(ctx context.Context) error {
		var version uint64
		if err := db.QueryRow(ctx, "SELECT max(version) + 1 FROM calendar").Scan(&version); err != nil {
			return err
		}
		all := map[rollup.Day]string{}
		err := db.Query(ctx, "SELECT day FROM calendar FINAL WHERE toYear(day) = ?", []any{year}, func(r warehouse.Rows) error {
			var day time.Time
			err := r.Scan(&day)
			all[rollup.DayOf(day)] = ""
			return err
		})
		if err != nil {
			return err
		}
		for _, d := range days {
			all[rollup.DayOf(d.Day)] = d.Kind
		}
		return db.Insert(ctx, "calendar", "day, kind, version, is_deleted", len(all), func(b warehouse.Batch) error {
			for day, kind := range all {
				if err := b.Append(day.Start(), kind, version, warehouse.Deleted(kind == "")); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	return db.SetProgress(ctx, rollup.ProgressCalendar, time.Now().UTC().Format(time.RFC3339Nano))
}

// Calendar lists the days from a day on that differ from their weekdays.
func (db *DB) Calendar(ctx context.Context, from time.Time) ([]CalendarDay, error) {
	var days []CalendarDay
	err := db.Do(ctx, "read the calendar", warehouse.ReadTimeout, func(ctx context.Context) error {
		return db.Query(ctx, "SELECT day, kind FROM calendar FINAL WHERE day >= toDate(?) ORDER BY day", []any{from.Format(time.DateOnly)}, func(r warehouse.Rows) error {
			var d CalendarDay
			err := r.Scan(&d.Day, &d.Kind)
			d.Day = d.Day.UTC()
			days = append(days, d)
			return err
		})
	})
	return days, err
}
