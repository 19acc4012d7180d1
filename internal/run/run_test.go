package run_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"fonoteka/internal/run"
)

func TestSleepEndsWithItsTimeOrItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		run.Sleep(t.Context(), time.Minute)
		if took := time.Since(began); took != time.Minute {
			t.Errorf("slept %s", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began = time.Now()
		run.Sleep(ctx, time.Hour)
		if took := time.Since(began); took != time.Second {
			t.Errorf("slept %s after its context was done", took-time.Second)
		}
	})
}

func TestBackoffDoublesUpToItsMaximum(t *testing.T) {
	t.Parallel()
	b := run.Backoff{First: 100 * time.Millisecond, Max: 500 * time.Millisecond}
	var got []time.Duration
	for range 5 {
		got = append(got, b.Next()/time.Millisecond)
	}
	if want := []time.Duration{100, 200, 400, 500, 500}; !slices.Equal(got, want) {
		t.Errorf("pauses of %v ms, want %v", got, want)
	}
	b.Reset()
	if p := b.Next(); p != b.First {
		t.Errorf("after a success the pause is %s", p)
	}
}

func TestAnOutageIsLoggedWhenItBeginsAndWhenItIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		reg := prometheus.NewRegistry()
		o := run.NewOutage("thing", logger(&out), reg)
		other := run.NewOutage("other", nil, reg)
		other.Note(nil)
		o.Note(nil)
		for range 3 {
			o.Note(errors.New("no answer"), "integration", "main")
			time.Sleep(time.Second)
		}
		if !o.Failing() || other.Failing() {
			t.Error("it is not known which one fails")
		}
		failing(t, reg, "1")
		o.Note(nil)
		o.Note(nil)
		failing(t, reg, "0")
		const want = `level=WARN msg="stage failed, retrying" stage=thing err="no answer" integration=main
level=INFO msg="stage recovered" stage=thing took=3s
`
		if out.String() != want {
			t.Errorf("logged\n%swant\n%s", out.String(), want)
		}
	})
}

func TestAShortOutageIsNotLoggedWhereThatIsWanted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		o := run.NewOutage("thing", logger(&out), nil)
		o.After = time.Minute
		o.Note(errors.New("not up yet"))
		time.Sleep(59 * time.Second)
		o.Note(errors.New("not up yet"))
		o.Note(nil)
		if out.Len() > 0 {
			t.Errorf("logged %s", out.String())
		}
		o.Note(errors.New("away"))
		time.Sleep(time.Minute)
		o.Note(errors.New("still away"))
		if !strings.Contains(out.String(), "still away") {
			t.Errorf("a minute of failures is not logged: %s", out.String())
		}
	})
}

func failing(t *testing.T, reg *prometheus.Registry, value string) {
	t.Helper()
	want := `# HELP fonoteka_stage_failing 1 while the last try of a stage failed; it is retried.
# TYPE fonoteka_stage_failing gauge
fonoteka_stage_failing{stage="other"} 0
fonoteka_stage_failing{stage="thing"} ` + value + "\n"
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}

// logger writes lines without times.
func logger(out *bytes.Buffer) *slog.Logger {
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}
