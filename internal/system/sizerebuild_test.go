package system

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"syscall"
	"testing"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/cdr"
	"fonoteka/internal/warehouse/calls"
	"fonoteka/internal/warehouse/catalogue"
)

// shown is a checksum of what calls and legs show, by month: a sum, which no
// order of reading changes. A hash of several values is null where one of them
// is, and the sum would leave that row out; a hash of one tuple never is.
const shown = `SELECT toYYYYMM(started_at) AS month, count(), sum(cityHash64(tuple(* EXCEPT (version, is_deleted)))) FROM %s FINAL
	GROUP BY month ORDER BY month SETTINGS do_not_merge_across_partitions_select_final = 1, max_threads = 2`

func (s *sized) shown(t *testing.T) string {
	t.Helper()
	return askTSV(t, s.db, fmt.Sprintf(shown, "calls")) + "\n" + askTSV(t, s.db, fmt.Sprintf(shown, "legs"))
}

// TestRebuildAtSize derives all calls again as fonoteka rebuild does: where nothing
// has changed, and where a month's calls and legs are lost. Both must leave what
// was there. It does so in a database of its own, with the installation's rows.
func TestRebuildAtSize(t *testing.T) {
	s := openSize(t, *sizeLarge).beside(t)
	began := time.Now()
	before := s.shown(t)
	fmt.Printf("checksums of calls and legs by month in %v\n", time.Since(began).Round(100*time.Millisecond))
	unchanged := s.rebuild(t, "nothing changed")
	s.compare(t, "rebuild where nothing changed", before)
	verdict(t, unchanged.Differ > 0, "rebuild where nothing changed: calls that differed", "0", "%d", unchanged.Differ)

	month := s.now.AddDate(0, -3, 0).Format("200601")
	for _, table := range []string{"calls", "legs"} {
		changeAt(t, s.options.HTTPAddr, s.options.User, s.options.Password, fmt.Sprintf("ALTER TABLE %s.%s DROP PARTITION %s", s.options.Database, table, month))
	}
	if s.shown(t) == before {
		t.Error("the checksums do not tell that a month is lost")
	}
	s.rebuild(t, "a month of calls and legs lost")
	s.compare(t, "rebuild after the loss of a month", before)
}

// compare says whether calls and legs show what they showed before.
func (s *sized) compare(t *testing.T, what, before string) {
	t.Helper()
	is := "as before"
	now := s.shown(t)
	if now != before {
		is = "others"
	}
	verdict(t, now != before, what+": checksums of calls and legs", "as before", "%s", is)
}

// rebuild prints what it took.
func (s *sized) rebuild(t *testing.T, when string) cdr.Rebuilt {
	t.Helper()
	d, err := cdr.New(cdr.Options{
		Store: calls.New(s.db), Decode: decode, Rules: rules, EndAfter: 6 * time.Hour, Log: slog.New(slog.DiscardHandler),
		Derived: func(ctx context.Context, records []call.Record) error {
			_, err := catalogue.New(s.db).JudgeShort(ctx, records, time.Now())
			return err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	began, engine, own := time.Now(), s.spent(t), ownCPU(t)
	r, err := d.Rebuild(t.Context(), calls.New(s.db), cdr.RebuildOptions{Restart: true}, nil)
	if err := errors.Join(err, t.Context().Err()); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	fmt.Printf("== rebuild of %d calls, %s: %v; processor time %v of the engine and %v of its own; %d calls written; %.0f calls/s\n", r.Calls, when, took.Round(100*time.Millisecond),
		(s.spent(t) - engine).Round(100*time.Millisecond), (ownCPU(t) - own).Round(100*time.Millisecond), r.Written, float64(r.Calls)/took.Seconds())
	return r
}

// ownCPU is the processor time of this process.
func ownCPU(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
