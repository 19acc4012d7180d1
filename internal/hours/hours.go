// Package hours reads working hours as people write them, for every setting that has
// some:
//
//	Mon-Fri 09:00-18:00
//	Mon-Thu 09:00-18:00, Fri 09:00-16:45
//	Mon-Thu,Sat 22:00-06:00 Asia/Omsk
//
// The grammar, in which spaces around a comma mean nothing:
//
//	hours = span {"," span} [zone]
//	span  = days clock "-" clock
//	days  = range {"," range}
//	range = day ["-" day]
//	day   = "Mon" | "Tue" | "Wed" | "Thu" | "Fri" | "Sat" | "Sun", in any case
//	clock = one or two digits of the hour ":" two of the minute, at most 24:00
//
// A range of days may go over the end of the week (Sat-Mon). A span whose end is before
// its begin goes over midnight, and belongs to the day that it begins on. A day that is
// not named is free. The zone is a name of the IANA database.
//
// Rejected: cron expressions and RFC 5545's rules, which nobody writes without looking
// them up, and which name moments, not spans.
package hours

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Hours are spans of the day on days of the week, by the clock on the wall of a place.
// The zero Hours contain no moment.
type Hours struct {
	spans []span
	zone  *time.Location
}

// span is from a time of the day to another, on some days.
type span struct {
	days     [7]bool       // Monday first
	from, to time.Duration // since midnight; to < from: over midnight
}

var weekdays = []string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}

// Parse reads hours. Where they name no zone, zone holds.
func Parse(s string, zone *time.Location) (Hours, error) {
	spans, named, err := parse(s)
	if err != nil {
		return Hours{}, err
	}
	if named != "" {
		if zone, err = time.LoadLocation(named); err != nil {
			return Hours{}, fmt.Errorf("%q is not a time zone such as UTC or Europe/Moscow", named)
		}
	}
	return Hours{spans, zone}, nil
}

// Contain reports whether a moment lies in the hours.
func (h Hours) Contain(t time.Time) bool {
	if h.zone == nil {
		return false
	}
	t = t.In(h.zone)
	hour, minute, second := t.Clock()
	clock := time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second
	return slices.ContainsFunc(h.spans, func(s span) bool { return s.contains(t.Weekday(), clock) })
}

func (s span) contains(day time.Weekday, clock time.Duration) bool {
	n := (int(day) + 6) % 7 // Monday first
	today, yesterday := s.days[n], s.days[(n+6)%7]
	if s.from < s.to {
		return today && clock >= s.from && clock < s.to
	}
	return today && clock >= s.from || yesterday && clock < s.to
}

// ParseWeek reads hours of which each day has one span at most, which ends on the same
// day: from and to are times since midnight, Monday first, both zero on a free day. The
// zone is the caller's to know: one that is named here is refused.
func ParseWeek(s string) (from, to [7]time.Duration, err error) {
	spans, zone, err := parse(s)
	if err != nil {
		return from, to, err
	}
	if zone != "" {
		return from, to, fmt.Errorf("%q: the zone of these hours is a setting of its own", zone)
	}
	for _, span := range spans {
		if span.to <= span.from {
			return [7]time.Duration{}, [7]time.Duration{}, fmt.Errorf("%s-%s: these hours must end on the day that they begin on, at 24:00 at the latest", clockString(span.from), clockString(span.to))
		}
		for day, works := range span.days {
			switch {
			case works && to[day] != 0:
				return [7]time.Duration{}, [7]time.Duration{}, fmt.Errorf("%s is named twice, and these hours have one span a day", weekdays[day])
			case works:
				from[day], to[day] = span.from, span.to
			}
		}
	}
	return from, to, nil
}

func clockString(d time.Duration) string {
	return fmt.Sprintf("%02d:%02d", d/time.Hour, d%time.Hour/time.Minute)
}

// parse reads spans, and the zone behind them; "": none is named. The zone is not looked
// up.
func parse(s string) (spans []span, zone string, err error) {
	var next span // whose days have been read, but not its times
	parts := strings.Split(s, ",")
	for i, part := range parts {
		fields := strings.Fields(part)
		switch last := i == len(parts)-1; {
		case len(fields) == 1 && !last: // more days follow behind the comma
		case len(fields) == 2:
		case len(fields) == 3 && last:
			zone = fields[2]
		default:
			return nil, "", fmt.Errorf("%q does not look like Mon-Thu 09:00-18:00, Fri 09:00-16:45 or Mon-Fri 09:00-18:00 Europe/Moscow", s)
		}
		if err := next.addDays(fields[0]); err != nil {
			return nil, "", err
		}
		if len(fields) == 1 {
			continue
		}
		if next.from, next.to, err = parseClocks(fields[1]); err != nil {
			return nil, "", err
		}
		spans, next = append(spans, next), span{}
	}
	return spans, zone, nil
}

// addDays reads a day, or the days from one to another.
func (s *span) addDays(text string) error {
	first, last, isRange := strings.Cut(text, "-")
	if !isRange {
		last = first
	}
	from, to := weekday(first), weekday(last)
	if from < 0 || to < 0 {
		return fmt.Errorf("%q is neither a day of the week (Mon, Tue, …) nor a range of them (Mon-Fri)", text)
	}
	for d := from; ; d = (d + 1) % 7 {
		s.days[d] = true
		if d == to {
			return nil
		}
	}
}

func weekday(s string) int {
	return slices.IndexFunc(weekdays, func(name string) bool { return strings.EqualFold(s, name) })
}

// parseClocks reads 09:00-18:00.
func parseClocks(s string) (from, to time.Duration, err error) {
	begin, end, _ := strings.Cut(s, "-")
	from, errFrom := parseClock(begin)
	to, errTo := parseClock(end)
	if errFrom != nil || errTo != nil || from == to || from-to == 24*time.Hour {
		return 0, 0, fmt.Errorf("%q are not times such as 09:00-18:00, from 00:00 to 24:00", s)
	}
	return from, to, nil
}

var errClock = errors.New("not a time of the day")

func parseClock(s string) (time.Duration, error) {
	hours, minutes, ok := strings.Cut(s, ":")
	h, errH := strconv.ParseUint(hours, 10, 8)
	m, errM := strconv.ParseUint(minutes, 10, 8)
	if !ok || len(hours) > 2 || len(minutes) != 2 || errH != nil || errM != nil || m > 59 || h*60+m > 24*60 {
		return 0, errClock
	}
	return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute, nil
}
