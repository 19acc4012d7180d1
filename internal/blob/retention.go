package blob

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Mode is how strictly the store protects an object until its date.
type Mode string

// The modes of Object Lock.
const (
	NoRetention Mode = ""           // nothing is set on the object
	Governance  Mode = "GOVERNANCE" // accounts with a special permission may delete it before the date
	Compliance  Mode = "COMPLIANCE" // nobody may, not even the store's administrator
)

// ParseMode reads off, governance or compliance; the empty string is off.
func ParseMode(s string) (Mode, error) {
	switch strings.ToLower(s) {
	case "", "off":
		return NoRetention, nil
	case "governance":
		return Governance, nil
	case "compliance":
		return Compliance, nil
	}
	return NoRetention, fmt.Errorf("%q is none of off, governance, compliance", s)
}

// Period is a span of calendar time: a year ends on the same date.
type Period struct{ Years, Months, Days int }

// maxYears is the longest retention that S3 takes.
const maxYears = 100

var periodForm = regexp.MustCompile(`^(?:(\d{1,6})y)?(?:(\d{1,6})mo)?(?:(\d{1,6})d)?$`)

// ParsePeriod reads years, months and days, in this order: 3y, 18mo, 1095d,
// 1y6mo. The empty string is no time at all.
func ParsePeriod(s string) (Period, error) {
	m := periodForm.FindStringSubmatch(s)
	if m == nil {
		return Period{}, fmt.Errorf("%q is not a span such as 3y (years), 6mo (months), 1095d (days) or 1y6mo", s)
	}
	var n [3]int
	for i, digits := range m[1:] {
		n[i], _ = strconv.Atoi("0" + digits)
	}
	p := Period{n[0], n[1], n[2]}
	if s != "" && p == (Period{}) {
		return p, fmt.Errorf("%q is no time at all", s)
	}
	epoch := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	if p.After(epoch).After(epoch.AddDate(maxYears, 0, 0)) {
		return p, fmt.Errorf("%q is more than %d years", s, maxYears)
	}
	return p, nil
}

// After is the moment at which the period that begins at t ends, UTC.
func (p Period) After(t time.Time) time.Time { return t.UTC().AddDate(p.Years, p.Months, p.Days) }

// String is what ParsePeriod reads.
func (p Period) String() string {
	var b strings.Builder
	for _, part := range []struct {
		n    int
		unit string
	}{{p.Years, "y"}, {p.Months, "mo"}, {p.Days, "d"}} {
		if part.n != 0 {
			fmt.Fprint(&b, part.n, part.unit)
		}
	}
	return b.String()
}

// Retention is the rule by which Put locks each object, counted from the time
// of storing. The zero value locks nothing.
//
// It is set on the object, not as a default of the bucket: others may change a
// default, and it applies to objects of others, too.
type Retention struct {
	Mode Mode
	For  Period
}

func (r Retention) validate() error {
	switch {
	case r.Mode == NoRetention && r.For != (Period{}):
		return errors.New("retention: a time without a mode")
	case r.Mode != NoRetention && r.For == (Period{}):
		return errors.New("retention: a mode without a time")
	case r.Mode != NoRetention && r.Mode != Governance && r.Mode != Compliance:
		return fmt.Errorf("retention: unknown mode %q", r.Mode)
	}
	return nil
}

// from is the lock of an object that is stored at now. The date is rounded up: the
// header has whole seconds.
func (r Retention) from(now time.Time) Lock {
	if r.Mode == NoRetention {
		return Lock{}
	}
	return Lock{Mode: r.Mode, Until: r.For.After(now).Add(time.Second - 1).Truncate(time.Second)}
}

// LockNow is the lock that Put sets, by the Options, on an object that is stored under the
// key now. A caller that passes it to Put for several objects knows it, and has them all
// locked until the same time.
func (b *Bucket) LockNow(key string) Lock { return b.retentionOf(key).from(time.Now()) }

// retentionOf is the rule for an object under the key.
func (b *Bucket) retentionOf(key string) Retention {
	for prefix, rule := range b.under {
		if strings.HasPrefix(key, prefix) {
			return rule
		}
	}
	return b.retention
}

// anyRetention is a rule that locks objects, if there is one: what the bucket
// must be able to do.
func (b *Bucket) anyRetention() Retention {
	for _, rule := range b.under {
		if b.retention.Mode == NoRetention && rule.Mode != NoRetention {
			return rule
		}
	}
	return b.retention
}
