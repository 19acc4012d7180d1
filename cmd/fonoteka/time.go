package main

import (
	"time"

	"fonoteka/internal/words"
)

// parseTime reads a moment – in UTC, or in the zone that it names, as lists show times –
// or a span of time before now. Empty is zero.
func parseTime(flag, s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02", words.LocalLayout} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return now.Add(-d).UTC(), nil
	}
	return time.Time{}, usage("--%s: %q is neither a time (2026-03-02 or 2026-03-02T10:00:00 in UTC, or with a zone: 2026-03-02T13:00:00+03:00) nor a span before now (24h)", flag, s)
}
