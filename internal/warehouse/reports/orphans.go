package reports

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"fonoteka/internal/rollup"
	"fonoteka/internal/warehouse"
)

// RecordingDays are the days (UTC) of the calls whose recordings were written
// to the catalogue at since or later.
func (db *DB) RecordingDays(ctx context.Context, since time.Time) ([]rollup.Day, error) {
	var days []rollup.Day
	err := db.Do(ctx, "read days of recordings", warehouse.ReadTimeout, func(ctx context.Context) error {
		return db.Query(ctx, `
			SELECT DISTINCT toDate(started_at) FROM call_keys
			WHERE (integration, group_id) IN (
				SELECT integration, group_id FROM recordings WHERE updated_at >= fromUnixTimestamp64Milli(?, 'UTC'))`,
			[]any{warehouse.ToMilli(since).UnixMilli()}, func(r warehouse.Rows) error {
				var day time.Time
				err := r.Scan(&day)
				days = append(days, rollup.DayOf(day))
				return err
			})
	})
	return days, err
}

// MarkRecordingsWithoutCall brings orphan_recordings up to date with what was written to the
// catalogue at since or later, and with the calls that have come since for what
// was an orphan. Where since is the zero time all of the catalogue is looked at,
// in parts that fit into memory.
func (db *DB) MarkRecordingsWithoutCall(ctx context.Context, since time.Time, version uint64) error {
	parts := []string{fmt.Sprintf("updated_at >= fromUnixTimestamp64Milli(%d, 'UTC') OR (integration, recording_id) IN (SELECT integration, recording_id FROM orphan_recordings FINAL)", warehouse.ToMilli(since).UnixMilli())}
	if since.IsZero() {
		parts = parts[:0]
		for p := range 64 {
			parts = append(parts, fmt.Sprintf("recording_id >= '%02x' AND recording_id < '%02x'", 4*p, 4*p+4))
		}
		parts[63] = "recording_id >= 'fc'"
	}
	return db.Do(ctx, "mark orphan recordings", warehouse.WorkTimeout, func(ctx context.Context) error {
		statements, _ := db.Statements("orphan_recordings")
		for _, part := range parts {
			fill := strings.NewReplacer("{version}", strconv.FormatUint(version, 10), "{which}", part)
			for _, statement := range statements {
				if err := db.Exec(ctx, fill.Replace(statement)); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
