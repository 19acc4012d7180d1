package rollup

import "time"

// Day is a day of the calendar, as whole days since 1970-01-01: a Date of ClickHouse.
// It is what maps are keyed by, and compares and adds as a number does. Keys of type
// time.Time were rejected: of two for one day they differ by their location.
type Day int32

// DayOf is the day of a moment in UTC.
func DayOf(t time.Time) Day {
	s := t.Unix()
	return Day((s - (s%secondsOfDay+secondsOfDay)%secondsOfDay) / secondsOfDay)
}

const secondsOfDay = 24 * 60 * 60

// Start is the moment, in UTC, when the day begins.
func (d Day) Start() time.Time { return time.Unix(int64(d)*secondsOfDay, 0).UTC() }

// String is the day as 2026-03-02.
func (d Day) String() string { return d.Start().Format(time.DateOnly) }
