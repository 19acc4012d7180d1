package rollup_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/rollup"
	"fonoteka/internal/warehouse/warehousetest"
)

// faulty is a warehouse whose n-th rolling or noting fails; it took effect or not.
type faulty struct {
	*warehousetest.DB
	n     int
	after bool
}

var errDown = errors.New("down")

func (f *faulty) step(do func() error) error {
	f.n--
	if f.n == 0 && !f.after {
		return errDown
	}
	if err := do(); err != nil || f.n != 0 {
		return err
	}
	return errDown
}

func (f *faulty) RollCalls(ctx context.Context, s rollup.Span) error {
	return f.step(func() error { return f.DB.RollCalls(ctx, s) })
}

func (f *faulty) RollCallers(ctx context.Context, s rollup.Span) error {
	return f.step(func() error { return f.DB.RollCallers(ctx, s) })
}

func (f *faulty) SaveRolled(ctx context.Context, days []rollup.Rolled) error {
	return f.step(func() error { return f.DB.SaveRolled(ctx, days) })
}

// Whatever changes and whatever fails in between: the rollups are what the calls
// say, and a pass over nothing new writes nothing.
func TestRollupsAreWhatTheCallsSay(t *testing.T) {
	t.Parallel()
	o := open(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	var live []call.Record
	random := func() call.Record {
		at := moscow("2026-03-01 00:00:00").Add(time.Duration(r.IntN(36*3600)) * time.Second).In(time.FixedZone("", 3*3600)).Format("2006-01-02 15:04:05")
		who := []string{anna, boris}[r.IntN(2)]
		wait := time.Duration(r.IntN(60)) * time.Second
		switch r.IntN(4) {
		case 0:
			return unanswered(at, call.Missed, number(r.IntN(6)), wait, who)
		case 1:
			return answered(at, call.Outgoing, number(r.IntN(6)), who, wait, time.Minute)
		case 2:
			return unanswered(at, call.Abandoned, "", time.Second, anna, boris)
		}
		return answered(at, call.Incoming, number(r.IntN(6)), who, wait, time.Minute)
	}
	for round := range 3 {
		for range 15 {
			c := random()
			o.is(c)
			live = append(live, c)
		}
		for range round { // some become another call, some are no more
			i := r.IntN(len(live))
			o.isGone(live[i])
			if r.IntN(2) == 0 {
				moved := random()
				moved.CallID, moved.GroupID = live[i].CallID, live[i].GroupID
				o.is(moved)
				live[i] = moved
			} else {
				live = append(live[:i], live[i+1:]...)
			}
		}
		f := &faulty{DB: o.db, n: 1 + r.IntN(6), after: r.IntN(2) == 0}
		broken, err := rollup.New(rollup.Options{Store: f, Settings: settings, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		if err := broken.Pass(t.Context()); err != nil && !errors.Is(err, errDown) {
			t.Fatal(err)
		}
		o.pass()
		for _, table := range []string{
			"hourly_calls", "hourly_starts", "daily_calls", "daily_durations", "hourly_workplaces", "daily_workplaces", "hourly_departments", "daily_accounts", "longest_waits", "hourly_callbacks",
		} {
			const without = "* EXCEPT (version, is_deleted)"
			o.want(fmt.Sprintf("SELECT count() FROM (SELECT %s FROM %s FINAL EXCEPT SELECT * FROM live_%s)", without, table, table), "0")
			o.want(fmt.Sprintf("SELECT count() FROM (SELECT * FROM live_%s EXCEPT SELECT %s FROM %s FINAL)", table, without, table), "0")
		}
		o.want("SELECT sum(calls + hidden), (SELECT count() FROM report_missed) FROM report_callers",
			o.ask("SELECT countIf(direction = 'incoming'), countIf(direction = 'incoming' AND outcome = 'missed') FROM calls"))
		o.want("SELECT sum(new_callers) FROM report_callers", o.ask(`SELECT count() FROM (
			SELECT argMin(direction, started_at) AS first FROM calls WHERE client_number != '' GROUP BY client_number HAVING first = 'incoming')`))
	}
	before := o.ask("SELECT sum(version), count() FROM rollup_days")
	o.pass()
	o.want("SELECT sum(version), count() FROM rollup_days", before)
}

// A time filter reaches the key of what is read, so that years behind it are not read.
func TestTimeFiltersPrune(t *testing.T) {
	t.Parallel()
	o := open(t)
	for month := 4; month <= 8; month++ {
		o.is(
			answered(fmt.Sprintf("2025-%02d-10 12:00:00", month), call.Incoming, client, anna, time.Second, time.Second),
			unanswered(fmt.Sprintf("2025-%02d-10 13:00:00", month), call.Missed, client, time.Minute, anna),
		)
	}
	orphan := call.Recording{Integration: "main", ID: "0123456789abcdef0123456789abcdef", GroupID: 1, PlatformCallID: "nobody's", AnnouncedAt: moscow("2025-06-10 12:00:00")}
	if err := o.db.AnnounceRecordings(t.Context(), []call.Recording{orphan}); err != nil {
		t.Fatal(err)
	}
	o.pass()
	for _, view := range []string{
		"report_calls", "report_volume", "report_heatmap", "report_service_level", "report_abandonment", "report_durations", "report_missed",
		"report_callbacks", "report_callers", "report_daily", "report_employees", "report_employees_daily", "report_departments", "report_longest_waits", "report_recordings", "report_data_quality",
	} {
		plan := o.ask("EXPLAIN indexes = 1 SELECT count() FROM " + view + " WHERE started_at >= toDateTime('2025-06-01 00:00:00', 'UTC') AND started_at < toDateTime('2025-07-01 00:00:00', 'UTC')")
		if !strings.Contains(plan, "Parts: 1/5") {
			t.Errorf("%s reads all parts:\n%s", view, plan)
		}
	}
	// About now, whatever is asked for: nothing of a year ago is read.
	if plan := o.ask("EXPLAIN indexes = 1 SELECT * FROM report_callbacks_open"); !strings.Contains(plan, "Parts: 0/5") {
		t.Errorf("report_callbacks_open reads what is long over:\n%s", plan)
	}
	// A silence may have begun long before: only the hours' first and last calls are read.
	if plan := o.ask("EXPLAIN SELECT * FROM report_silence"); !strings.Contains(plan, ".hourly_starts)") || strings.Contains(plan, "calls)") {
		t.Errorf("report_silence reads calls:\n%s", plan)
	}
	// The catalogue is kept by id, and is asked for those few that have no call.
	if plan := o.ask("EXPLAIN indexes = 1 SELECT * FROM report_recordings_without_call WHERE announced_at >= '2025-06-01'"); !strings.Contains(plan, "recording_id) in ") || !strings.Contains(plan, "-element set") {
		t.Errorf("report_recordings_without_call reads the whole catalogue:\n%s", plan)
	}
}
