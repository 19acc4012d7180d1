package reports

import (
	"context"
	"reflect"
	"slices"
	"time"

	"fonoteka/internal/rollup"
	"fonoteka/internal/warehouse"
)

// settingsRow is one row of report_settings.
type settingsRow struct {
	Integration  string    `ch:"integration"`
	Since        time.Time `ch:"since"`
	Zone         string    `ch:"zone"`
	Offset       int32     `ch:"utc_offset_s"`
	WorkFrom     []uint16  `ch:"work_from"`
	WorkTo       []uint16  `ch:"work_to"`
	ShortDay     uint16    `ch:"short_day_minutes"`
	ServiceLevel uint16    `ch:"service_level_s"`
	CallbackDays uint16    `ch:"callback_days"`
	RepeatHours  uint16    `ch:"repeat_hours"`
	Version      uint64    `ch:"version"`
	Deleted      uint8     `ch:"is_deleted"`
}

const settingsColumns = "integration, since, zone, utc_offset_s, work_from, work_to, short_day_minutes, service_level_s, callback_days, repeat_hours, version, is_deleted"

// Offsets are known from the first second that a call can have to two years
// from now.
var settingsBegin = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)

// settingsRows has one row per change of the zone's offset.
func settingsRows(s rollup.ReportSettings, until time.Time) []settingsRow {
	minutes := func(all [7]time.Duration) []uint16 {
		var m []uint16
		for _, d := range all {
			m = append(m, uint16(d/time.Minute))
		}
		return m
	}
	if s.Zone == nil {
		s.Zone = time.UTC
	}
	var rows []settingsRow
	for since := settingsBegin; ; {
		_, offset := since.In(s.Zone).Zone()
		rows = append(rows, settingsRow{
			Integration: s.Integration, Since: since, Zone: s.Zone.String(), Offset: int32(offset),
			WorkFrom: minutes(s.WorkFrom), WorkTo: minutes(s.WorkTo),
			ShortDay: uint16(s.ShortDay / time.Minute), ServiceLevel: uint16(s.ServiceLevel / time.Second),
			CallbackDays: uint16(s.CallbackDays), RepeatHours: uint16(s.RepeatHours),
		})
		_, end := since.In(s.Zone).ZoneBounds()
		if end.IsZero() || end.After(until) {
			return rows
		}
		since = end.UTC()
	}
}

// SaveReportSettings makes report_settings say what the settings say, for their
// integrations; those of others stay. What is so already is not written. There
// must be one writer at a time.
func (db *DB) SaveReportSettings(ctx context.Context, all []rollup.ReportSettings, now time.Time) error {
	var want []settingsRow
	var names []string
	for _, s := range all {
		want = append(want, settingsRows(s, now.AddDate(2, 0, 0))...)
		names = append(names, s.Integration)
	}
	return db.Do(ctx, "write report settings", warehouse.InsertTimeout, func(ctx context.Context) error {
		var have []settingsRow
		if err := db.Select(ctx, &have, "SELECT "+settingsColumns+" FROM report_settings FINAL WHERE integration IN ?", names); err != nil {
			return err
		}
		rows := settingsChanges(have, want)
		return db.Insert(ctx, "report_settings", settingsColumns, len(rows), func(b warehouse.Batch) error {
			for i := range rows {
				if err := b.AppendStruct(&rows[i]); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// settingsChanges are the rows to write: what is not so yet, above what is
// stored, and tombstones of what shall be no more.
func settingsChanges(have, want []settingsRow) []settingsRow {
	version := uint64(1)
	for _, h := range have {
		version = max(version, h.Version+1)
	}
	same := func(a settingsRow) func(settingsRow) bool {
		return func(b settingsRow) bool {
			b.Version, b.Deleted, b.Since = a.Version, a.Deleted, b.Since.UTC()
			return reflect.DeepEqual(a, b)
		}
	}
	var rows []settingsRow
	for _, w := range want {
		if w.Version = version; !slices.ContainsFunc(have, same(w)) {
			rows = append(rows, w)
		}
	}
	for _, h := range have {
		if !slices.ContainsFunc(want, func(w settingsRow) bool { return w.Integration == h.Integration && w.Since.Equal(h.Since) }) {
			h.Version, h.Deleted = version, 1
			rows = append(rows, h)
		}
	}
	return rows
}

// Integrations are those that have calls.
func (db *DB) Integrations(ctx context.Context) ([]string, error) {
	var names []string
	err := db.Do(ctx, "read integrations", warehouse.ReadTimeout, func(ctx context.Context) error {
		return db.QueryRow(ctx, "SELECT groupUniqArray(toString(integration)) FROM calls").Scan(&names)
	})
	return names, err
}

// ReportBasis reads it.
func (db *DB) ReportBasis(ctx context.Context) (rollup.ReportBasis, error) {
	b := rollup.ReportBasis{Calendar: map[rollup.Day]string{}, OwnCalls: map[rollup.Day]uint64{}}
	err := db.Do(ctx, "read the basis of reports", warehouse.ReadTimeout, func(ctx context.Context) error {
		err := db.QueryRow(ctx, `SELECT
			(SELECT sum(cityHash64(integration, account, valid_from, workplace)) FROM directory_account WHERE workplace NOT IN ('', account)),
			(SELECT sum(fingerprint) FROM (SELECT DISTINCT cityHash64(integration, workplace, valid_from, department) AS fingerprint FROM directory_account WHERE department != ''))`).
			Scan(&b.Workplaces, &b.Departments)
		if err != nil {
			return err
		}
		err = db.Query(ctx, `SELECT since, cityHash64(integration, since, utc_offset_s, work_from, work_to, short_day_minutes, service_level_s, callback_days, repeat_hours)
			FROM report_settings FINAL`, nil, func(r warehouse.Rows) error {
			var d rollup.Dated
			err := r.Scan(&d.Since, &d.Fingerprint)
			b.Settings = append(b.Settings, d)
			return err
		})
		if err != nil {
			return err
		}
		err = db.Query(ctx, "SELECT day, kind FROM calendar FINAL", nil, func(r warehouse.Rows) error {
			var day time.Time
			var kind string
			err := r.Scan(&day, &kind)
			b.Calendar[rollup.DayOf(day)] = kind
			return err
		})
		if err != nil {
			return err
		}
		return db.Query(ctx, "SELECT toDate(started_at) AS day, sum(cityHash64(call_id)) FROM own_calls GROUP BY day", nil, func(r warehouse.Rows) error {
			var day time.Time
			var fingerprint uint64
			err := r.Scan(&day, &fingerprint)
			b.OwnCalls[rollup.DayOf(day)] = fingerprint
			return err
		})
	})
	return b, err
}

// Zones are the time zones of the integrations, as a running serve has noted them last.
// One whose zone this machine does not know, or that serve has not noted yet, is missing.
func (db *DB) Zones(ctx context.Context) (map[string]*time.Location, error) {
	zones := map[string]*time.Location{}
	err := db.Do(ctx, "read time zones", warehouse.ReadTimeout, func(ctx context.Context) error {
		return db.Query(ctx, "SELECT toString(integration), argMax(zone, since) FROM report_settings FINAL GROUP BY integration", nil, func(r warehouse.Rows) error {
			var integration, name string
			if err := r.Scan(&integration, &name); err != nil {
				return err
			}
			if zone, err := time.LoadLocation(name); err == nil {
				zones[integration] = zone
			}
			return nil
		})
	})
	return zones, err
}
