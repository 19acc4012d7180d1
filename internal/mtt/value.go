package mtt

import (
	"math"
	"strconv"
	"time"
)

// duration reads seconds, whole or not, up to a week.
func duration(s string) (time.Duration, bool) {
	if s == "" { // the usual case: the error of ParseFloat would be slow
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || f < 0 || f > 7*24*3600 {
		return 0, false
	}
	return time.Duration(math.Round(f*1000)) * time.Millisecond, true
}

// statedTime is a startTime by itself, independently of the receive time: where the clock
// goes back and a local time occurs twice, always the same one, and without limits. It is
// zero where it cannot be read.
type statedTime struct {
	at    time.Time // UTC, whole milliseconds
	zoned bool      // it has a time zone
}

// parseStated reads "YYYY-MM-DD hh:mm:ss" in the integration's zone, and formats that the
// operator may use one day: RFC 3339, or Unix seconds or milliseconds.
func parseStated(s string, ctx Context) statedTime {
	t, zoned, ok := parseTime(s, ctx.zone())
	if !ok {
		return statedTime{}
	}
	return statedTime{t.UTC().Truncate(time.Millisecond), zoned}
}

// startTime is the stated time, made unambiguous by the receive time. It is zero
// outside 2000 … received + 2 days.
func startTime(s statedTime, ctx Context) time.Time {
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

// parseTime reads a time in any of the formats; zoned says that it has a time zone.
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

// nearest resolves a local time in the hour that occurs twice when clocks go back: to the
// later of the two times, unless that is more than half an hour after the
// receive time, which no delay explains. Any other time is returned unchanged.
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
