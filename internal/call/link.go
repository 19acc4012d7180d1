package call

import (
	"net/url"
	"strconv"
	"strings"
	"time"
)

// ParseLink reads a link as it is meant: a % that begins no escape stands for itself,
// as in 100%.mp3. It is left without a scheme where it has none, as in //host/path.
func ParseLink(link string) (*url.URL, error) {
	u, err := url.Parse(link)
	if err == nil {
		return u, nil
	}
	var b strings.Builder
	for i := range len(link) {
		b.WriteByte(link[i])
		if link[i] == '%' && (i+2 >= len(link) || !isHex(link[i+1]) || !isHex(link[i+2])) {
			b.WriteString("25")
		}
	}
	if b.Len() == len(link) {
		return nil, err
	}
	return url.Parse(b.String())
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// LinkDate reads the day a recording was made out of its link's path: the last
// "/yyyy/mm/dd/" that is a real date from 2000 on, as midnight UTC. The
// operator documents no zone for it, so it is a day, not a moment. It is false
// for a link without such a date.
func LinkDate(link string) (time.Time, bool) {
	u, err := ParseLink(link)
	if err != nil {
		return time.Time{}, false
	}
	parts := strings.Split(u.Path, "/")
	for i := len(parts) - 4; i >= 0; i-- {
		if day, ok := date(parts[i], parts[i+1], parts[i+2]); ok {
			return day, true
		}
	}
	return time.Time{}, false
}

// date reads four, two and two digits; time.Date would turn 31 February into March.
func date(yyyy, mm, dd string) (time.Time, bool) {
	if len(yyyy) != 4 || len(mm) != 2 || len(dd) != 2 {
		return time.Time{}, false
	}
	y, err1 := strconv.ParseUint(yyyy, 10, 16)
	m, err2 := strconv.ParseUint(mm, 10, 8)
	d, err3 := strconv.ParseUint(dd, 10, 8)
	if err1 != nil || err2 != nil || err3 != nil || y < 2000 {
		return time.Time{}, false
	}
	day := time.Date(int(y), time.Month(m), int(d), 0, 0, 0, 0, time.UTC)
	return day, day.Month() == time.Month(m) && day.Day() == int(d)
}

// Expiry estimates when the operator deletes a recording: life after the
// earlier of its first announcement and the date in its link. The operator
// names no start of its 90 days, and a notification may come late, so that the
// earlier of the two is the cautious reading. A zero announced counts as not
// known; where neither is known the result is zero.
func Expiry(announced time.Time, link string, life time.Duration) time.Time {
	start := announced
	if day, ok := LinkDate(link); ok && (start.IsZero() || day.Before(start)) {
		start = day
	}
	if start.IsZero() {
		return time.Time{}
	}
	return start.Add(life).UTC()
}
