package correlate_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/correlate"
)

// asked is a store without calls that notes which spans it is asked for.
type asked struct {
	err   error
	tries int
	spans [][2]time.Duration // from and to, before the moment of asking
}

func (a *asked) Actions(context.Context, time.Time, time.Time) ([]correlate.Action, error) {
	return nil, nil
}

func (a *asked) LinkCandidates(context.Context, time.Time, time.Time, []correlate.Action) ([]call.Record, error) {
	time.Sleep(100 * time.Millisecond)
	a.tries++
	return nil, a.err
}

func (a *asked) Links(_ context.Context, from, to time.Time) ([]correlate.Link, error) {
	a.spans = append(a.spans, [2]time.Duration{time.Since(from), time.Since(to)})
	return nil, nil
}

func (a *asked) WriteLinks(context.Context, []correlate.Link, []correlate.Link) error { return nil }

func (a *asked) SeatOf(context.Context) (func(string, string, time.Time) string, error) {
	return nil, nil
}

// run passes for so long and returns what was asked.
func run(t *testing.T, a *asked, d time.Duration) {
	t.Helper()
	p, err := correlate.NewPasser(correlate.PasserOptions{Store: a, SeatOf: a.SeatOf, Forwarders: func(context.Context, []call.Record) ([][]string, error) { return nil, nil }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	if err := p.Run(ctx); err != nil {
		t.Error(err)
	}
}

func TestOlderDaysDoNotHoldUpWhatIsNew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &asked{}
		run(t, a, 10*time.Minute)
		recent, oldest := 0, time.Duration(0)
		for _, s := range a.spans {
			if s[1] < 0 {
				recent++
			}
			oldest = max(oldest, s[0])
		}
		if recent < 45 || recent > 61 {
			t.Errorf("%d passes over the last minutes in 10 minutes", recent)
		}
		if oldest < 100*24*time.Hour {
			t.Errorf("looked back %v only", oldest)
		}
		if n := len(a.spans); n > 170 {
			t.Errorf("%d passes of 100 ms in 10 minutes: more than a twentieth of the time", n)
		}
	})
}

func TestAWarehouseThatIsAwayIsNotStormed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &asked{err: errors.New("away")}
		run(t, a, time.Minute)
		if a.tries < 3 || a.tries > 8 {
			t.Errorf("%d tries in a minute", a.tries)
		}
	})
}
