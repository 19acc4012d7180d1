// Package words tells numbers, spans and times in English, as commands print them.
package words

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Count is a number of things: "1 call", "2 calls".
func Count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// Grouped writes 1234567 as 1,234,567.
func Grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Clock is a moment in UTC, to the second.
func Clock(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}

// LocalLayout is how Local writes a moment.
const LocalLayout = "2006-01-02 15:04:05 -07:00"

// Local is a moment in a time zone, nil for UTC, to the second and with its offset.
func Local(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return "-"
	}
	if zone == nil {
		zone = time.UTC
	}
	return t.In(zone).Format(LocalLayout)
}

// Roughly is a span of time in its two largest units.
func Roughly(d time.Duration) string {
	d = d.Round(time.Second)
	var parts []string
	for _, u := range []struct {
		name string
		is   time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"min", time.Minute}, {"s", time.Second}} {
		if n := d / u.is; n > 0 || len(parts) > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, u.name))
			d -= n * u.is
		}
		if len(parts) == 2 {
			break
		}
	}
	if len(parts) == 0 {
		return "0 s"
	}
	return strings.Join(parts, " ")
}

// RecordingsAre begins a sentence: "1 recording is", "2 recordings are".
func RecordingsAre(n int) string {
	if n == 1 {
		return "1 recording is"
	}
	return fmt.Sprintf("%d recordings are", n)
}

// Ends says in how much time something ends, or how long ago it ended.
func Ends(left time.Duration) string {
	if left <= 0 {
		return "ended " + Roughly(-left) + " ago"
	}
	return "ends in " + Roughly(left)
}
