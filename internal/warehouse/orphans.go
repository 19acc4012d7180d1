package warehouse

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// RecordingDays are the days (UTC) of the calls whose recordings were written
// to the catalogue at since or later.
func (db *DB) RecordingDays(ctx context.Context, since time.Time) ([]Day, error) {
	var days []Day
	err := db.do(ctx, "read days of recordings", readTimeout, func(ctx context.Context) error {
		return db.query(ctx, `
			SELECT DISTINCT toDate(started_at) FROM call_keys
			WHERE (integration, group_id) IN (
				SELECT integration, group_id FROM recordings WHERE updated_at >= fromUnixTimestamp64Milli(?, 'UTC'))`,
			[]any{toMilli(since).UnixMilli()}, func(r driver.Rows) error {
				var day time.Time
				err := r.Scan(&day)
				days = append(days, DayOf(day))
				return err
			})
	})
	return days, err
}

// MarkOrphans brings orphan_recordings up to date with what was written to the
// catalogue at since or later, and with the calls that have come since for what
// was an orphan. Where since is the zero time all of the catalogue is looked at,
// in parts that fit into memory.
func (db *DB) MarkOrphans(ctx context.Context, since time.Time, version uint64) error {
	parts := []string{fmt.Sprintf("updated_at >= fromUnixTimestamp64Milli(%d, 'UTC') OR (integration, recording_id) IN (SELECT integration, recording_id FROM orphan_recordings FINAL)", toMilli(since).UnixMilli())}
	if since.IsZero() {
		parts = parts[:0]
		for p := range 64 {
			parts = append(parts, fmt.Sprintf("recording_id >= '%02x' AND recording_id < '%02x'", 4*p, 4*p+4))
		}
		parts[63] = "recording_id >= 'fc'"
	}
	return db.do(ctx, "mark orphan recordings", rollTimeout, func(ctx context.Context) error {
		for _, part := range parts {
			fill := strings.NewReplacer("{version}", strconv.FormatUint(version, 10), "{which}", part)
			for _, statement := range db.schema.Rollups["orphan_recordings"].Statements {
				if err := db.conn.Exec(ctx, fill.Replace(statement)); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
