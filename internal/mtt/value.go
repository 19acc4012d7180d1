package mtt

import (
	"math"
	"strconv"
	"time"
)

// duration reads seconds, whole or not, up to a week.
func duration(s string) (time.Duration, bool) {
	if s == "" { // as most: the error of ParseFloat takes longer than to look
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || f < 0 || f > 7*24*3600 {
		return 0, false
	}
	return time.Duration(math.Round(f*1000)) * time.Millisecond, true
}

// said is what a startTime says, whenever it came: of two moments always the same, and
// within no limits. It is zero for what cannot be read.
type said struct {
	at    time.Time // UTC, whole milliseconds
	zoned bool      // it names its zone
}

// saidTime reads "YYYY-MM-DD hh:mm:ss" in the integration's zone, and what an
// operator may one day send instead: RFC 3339, or Unix seconds or milliseconds.
func saidTime(s string, ctx Context) said {
	t, zoned, ok := parseTime(s, ctx.zone())
	if !ok {
		return said{}
	}
	return said{t.UTC().Truncate(time.Millisecond), zoned}
}

// startTime is the moment that was said, as far as it fits the receipt. It is zero
// outside 2000 … received + 2 days.
func startTime(s said, ctx Context) time.Time {
	t := s.at
	if !t.IsZero() && !s.zoned {
		t = nearest(t, ctx.zone(), ctx.ReceivedAt).UTC()
	}
	if t.Year() < 2000 || t.After(ctx.ReceivedAt.Add(48*time.Hour)) {
		return time.Time{}
	}
	return t
}

func (c Context) zone() *time.Location {
	if c.Zone == nil {
		return time.UTC
	}
	return c.Zone
}

// parseTime reads a time in any of the spellings; zoned tells that it names its zone.
func parseTime(s string, zone *time.Location) (t time.Time, zoned, ok bool) {
	for i, layout := range []string{"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", time.RFC3339} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t, i >= 2, true
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return time.Time{}, false, false
	}
	if n > 1e11 {
		return time.UnixMilli(n), true, true
	}
	return time.Unix(n, 0), true, true
}

// nearest settles a time of the hour that comes twice when clocks go back: the
// later of the two moments, unless it is more than half an hour after the
// receipt, which no delay explains. Any other time stays as it is.
func nearest(t time.Time, zone *time.Location, received time.Time) time.Time {
	if zone == time.UTC {
		return t
	}
	_, offset := t.In(zone).Zone()
	_, before := t.Add(-12 * time.Hour).In(zone).Zone()
	_, after := t.Add(12 * time.Hour).In(zone).Zone()
	if before <= after {
		return t
	}
	twin := func(its int) time.Time {
		moment := t.Add(time.Duration(offset-its) * time.Second)
		if _, is := moment.In(zone).Zone(); is != its {
			return t
		}
		return moment
	}
	if later := twin(after); !later.After(received.Add(30 * time.Minute)) {
		return later
	}
	return twin(before)
}
