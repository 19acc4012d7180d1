package archive

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Bandwidth bounds what all downloads take together.
type Bandwidth struct {
	Limit   int64 // bytes a second; 0: no limit
	Working int64 // the same within Hours; 0: Limit holds then, too
	Hours   WorkingHours
}

// At returns the limit at a moment, bytes a second; 0: none.
func (b Bandwidth) At(t time.Time) int64 {
	if b.Working > 0 && b.Hours.Contain(t) {
		return b.Working
	}
	return b.Limit
}

// WorkingHours are a span of the day on some days of the week, by the clock on
// the wall of a place. One over midnight belongs to the day that it begins on.
type WorkingHours struct {
	days     [7]bool       // by time.Weekday
	from, to time.Duration // since midnight
	zone     *time.Location
}

// Contain reports whether a moment lies in the hours.
func (h WorkingHours) Contain(t time.Time) bool {
	if h.zone == nil {
		return false
	}
	t = t.In(h.zone)
	hour, minute, second := t.Clock()
	clock := time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second
	today := h.days[t.Weekday()]
	if h.from < h.to {
		return today && clock >= h.from && clock < h.to
	}
	yesterday := h.days[(t.Weekday()+6)%7]
	return today && clock >= h.from || yesterday && clock < h.to
}

var weekdays = []string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}

// ParseWorkingHours reads "Mon-Fri 09:00-18:00 Europe/Moscow": days (single
// ones and spans, comma between), hours, and a time zone; without one, zone holds.
func ParseWorkingHours(s string, zone *time.Location) (h WorkingHours, err error) {
	fields := strings.Fields(s)
	if len(fields) != 2 && len(fields) != 3 {
		return h, fmt.Errorf("%q does not look like Mon-Fri 09:00-18:00 Europe/Moscow", s)
	}
	for part := range strings.SplitSeq(fields[0], ",") {
		first, last, span := strings.Cut(part, "-")
		if !span {
			last = first
		}
		from, to := weekday(first), weekday(last)
		if from < 0 || to < 0 {
			return h, fmt.Errorf("%q is neither a day of the week (Mon, Tue, …) nor a span of them", part)
		}
		for d := from; ; d = (d + 1) % 7 {
			h.days[d] = true
			if d == to {
				break
			}
		}
	}
	from, to, span := strings.Cut(fields[1], "-")
	var okFrom, okTo bool
	h.from, okFrom = clock(from)
	h.to, okTo = clock(to)
	if !span || !okFrom || !okTo || h.from == h.to {
		return h, fmt.Errorf("%q is not a span of hours such as 09:00-18:00", fields[1])
	}
	h.zone = zone
	if len(fields) == 3 {
		if h.zone, err = time.LoadLocation(fields[2]); err != nil {
			return WorkingHours{}, fmt.Errorf("%q is not a time zone such as UTC or Europe/Moscow", fields[2])
		}
	}
	return h, nil
}

func weekday(s string) int {
	for i, name := range weekdays {
		if strings.EqualFold(s, name) {
			return i
		}
	}
	return -1
}

// clock reads 00:00 to 24:00.
func clock(s string) (time.Duration, bool) {
	hours, minutes, ok := strings.Cut(s, ":")
	h, errH := strconv.ParseUint(hours, 10, 8)
	m, errM := strconv.ParseUint(minutes, 10, 8)
	if !ok || len(hours) > 2 || len(minutes) != 2 || errH != nil || errM != nil || m > 59 || h*60+m > 24*60 {
		return 0, false
	}
	return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute, true
}

// ParseRate reads bytes a second: "20MB/s", "500 kB/s", "1.5MiB/s".
func ParseRate(s string) (int64, error) {
	size, ok := strings.CutSuffix(strings.TrimSpace(s), "/s")
	n, err := ParseSize(size)
	if !ok || err != nil {
		return 0, fmt.Errorf("%q is not a rate such as 20MB/s or 500kB/s", s)
	}
	return n, nil
}

// ParseSize reads bytes: "1GiB", "500 MB". Of the units, kB, MB and GB are
// decimal, KiB, MiB and GiB binary. Mb is none: it could mean bits.
func ParseSize(s string) (int64, error) {
	s = strings.TrimSpace(s)
	digits := strings.TrimRight(s, "BKMGkibmg ")
	unit, ok := map[string]float64{
		"B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30,
	}[strings.TrimSpace(s[len(digits):])]
	n, err := strconv.ParseFloat(digits, 64)
	if !ok || err != nil || !(n*unit >= 1 && n*unit <= 1e15) {
		return 0, fmt.Errorf("%q is not a size such as 1GiB or 500MB", s)
	}
	return int64(n * unit), nil
}

// throttle makes all downloads together keep to a Bandwidth. It is fair: who
// comes first goes on first.
type throttle struct {
	b   Bandwidth
	now func() time.Time

	mu  sync.Mutex
	set int64 // the limit that lim has
	lim *rate.Limiter
}

func newThrottle(b Bandwidth, now func() time.Time) *throttle {
	if b.Limit <= 0 && b.Working <= 0 {
		return nil
	}
	return &throttle{b: b, now: now, set: -1, lim: rate.NewLimiter(rate.Inf, 0)}
}

// wait returns when n bytes, which have just come, are paid for; at most
// readSize of them. ctx's end is the only error.
func (t *throttle) wait(ctx context.Context, n int) error {
	return waitFor(ctx, t.limiter(), n)
}

func (t *throttle) limiter() *rate.Limiter {
	t.mu.Lock()
	defer t.mu.Unlock()
	if limit := t.b.At(t.now()); limit != t.set {
		t.set = limit
		if limit == 0 {
			t.lim.SetLimit(rate.Inf)
		} else {
			t.lim.SetBurst(max(int(limit/20), readSize)) // a twentieth of a second, for the coarseness of timers
			t.lim.SetLimit(rate.Limit(limit))
		}
	}
	return t.lim
}
