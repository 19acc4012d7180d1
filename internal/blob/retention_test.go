package blob_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fonoteka/internal/blob"
)

func TestPeriodsAreCalendarTime(t *testing.T) {
	t.Parallel()
	from := time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
	for s, want := range map[string]time.Time{
		"3y": time.Date(2030, 3, 1, 12, 0, 0, 0, time.UTC), "1095d": time.Date(2030, 2, 28, 12, 0, 0, 0, time.UTC),
		"6mo": time.Date(2027, 9, 1, 12, 0, 0, 0, time.UTC), "1y6mo2d": time.Date(2028, 9, 3, 12, 0, 0, 0, time.UTC), "": from,
		"100y": time.Date(2127, 3, 1, 12, 0, 0, 0, time.UTC),
	} {
		p, err := blob.ParsePeriod(s)
		if err != nil || !p.After(from).Equal(want) || p.String() != s {
			t.Errorf("%q = %v (%q), %v; want %v", s, p.After(from), p, err, want)
		}
	}
	for s, want := range map[string]string{
		"3": "not a span", "3 y": "not a span", "-3y": "not a span", "3Y": "not a span", "90m": "not a span", "24h": "not a span", "6mo1y": "not a span",
		"0d": "no time at all", "101y": "more than 100 years", "36600d": "more than 100 years", "9999999y": "not a span",
	} {
		if _, err := blob.ParsePeriod(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", s, err, want)
		}
	}
}

func TestPeriodsReadBackAsWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := blob.Period{Years: rapid.IntRange(0, 50).Draw(t, "y"), Months: rapid.IntRange(0, 100).Draw(t, "mo"), Days: rapid.IntRange(1, 5000).Draw(t, "d")}
		if got, err := blob.ParsePeriod(p.String()); err != nil || got != p {
			t.Errorf("%v became %v, %v", p, got, err)
		}
	})
}

func TestLockForbidsUntilItsDateAndWhileHeld(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, c := range map[string]struct {
		lock blob.Lock
		want string
	}{
		"nothing":        {blob.Lock{}, ""},
		"before":         {blob.Lock{Mode: blob.Governance, Until: now.Add(time.Second)}, "GOVERNANCE until"},
		"after":          {blob.Lock{Mode: blob.Compliance, Until: now.Add(-time.Second)}, ""},
		"held afterward": {blob.Lock{Mode: blob.Compliance, Until: now.Add(-time.Second), Held: true}, "legal hold"},
		"held only":      {blob.Lock{Held: true}, "legal hold"},
	} {
		err := c.lock.Forbids(now)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSettingsAreReadStrictly(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]blob.Mode{"": blob.NoRetention, "off": blob.NoRetention, "governance": blob.Governance, "COMPLIANCE": blob.Compliance} {
		if got, err := blob.ParseMode(s); err != nil || got != want {
			t.Errorf("mode %q = %q, %v", s, got, err)
		}
	}
	for s, want := range map[string]string{"": "none", "none": "none", "s3": "s3", "kms": "kms", "kms:arn:aws:kms:eu:1:key/2": "kms:arn:aws:kms:eu:1:key/2"} {
		if got, err := blob.ParseEncryption(s); err != nil || got.String() != want {
			t.Errorf("encryption %q = %q, %v", s, got, err)
		}
	}
	for _, s := range []string{"AES256", "kms:", "s3:key", "none:x", "on"} {
		if got, err := blob.ParseEncryption(s); err == nil {
			t.Errorf("encryption %q = %q", s, got)
		}
	}
	if _, err := blob.ParseMode("strict"); err == nil {
		t.Error("mode strict is taken")
	}
	const url = "s3://k:s@h/b"
	for _, r := range []blob.Retention{{Mode: blob.Governance}, {For: blob.Period{Days: 1}}, {Mode: "X", For: blob.Period{Days: 1}}} {
		if _, err := blob.Open(blob.Options{URL: url, Retention: r}); err == nil {
			t.Errorf("%+v is taken", r)
		}
	}
}
