package cdr_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/cdr"
	"fonoteka/internal/embedded/embeddedtest"
	"fonoteka/internal/mtt"
	"fonoteka/internal/warehouse/warehousetest"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

// counting counts what is written to the real warehouse.
type counting struct {
	*warehousetest.DB
	writes chan int
}

func (c counting) WriteCalls(ctx context.Context, w []cdr.CallWrite) error {
	if err := c.DB.WriteCalls(ctx, w); err != nil {
		return err
	}
	c.writes <- len(w)
	return nil
}

func openWarehouse(t *testing.T) *warehousetest.DB {
	t.Helper()
	return warehousetest.Open(t)
}

func start(t *testing.T, db *warehousetest.DB, settle time.Duration) (writes chan int, stop func()) {
	t.Helper()
	writes = make(chan int, 1000)
	d, err := cdr.New(cdr.Options{
		Store: counting{db, writes},
		Decode: func(integration string, body []byte, received time.Time) (call.Event, error) {
			return mtt.Decode(body, mtt.Context{Integration: integration, ReceivedAt: received})
		},
		Rules: func(string) call.Rules { return call.Rules{AbandonAfter: 5 * time.Second} },
		Every: 20 * time.Millisecond, Settle: settle, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = d.Run(ctx) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return writes, stop
}

func notification(state, at string, more string) string {
	if at != "" {
		at = fmt.Sprintf(`,"startTime":"2026-03-02 %s"`, at)
	}
	return fmt.Sprintf(`{"event":"callNotifications","result":{"callInfo":{"call":{"id":"c1~2o"},"state":%q,"type":"incoming","caller":{"accountId":"78124241500@pstn"},"callee":{"accountId":"883140777828301","centrexId":"1"}%s%s}}}`, state, at, more)
}

func insert(t *testing.T, db *warehousetest.DB, received time.Time, bodies ...string) {
	t.Helper()
	var rows []call.Notification
	for _, b := range bodies {
		e, err := mtt.Decode([]byte(b), mtt.Context{Integration: "main", ReceivedAt: received})
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, call.Notification{Integration: "main", GroupID: e.GroupID(), EventID: e.ID, ReceivedAt: received, Kind: e.Kind, State: string(e.State), Body: []byte(b)})
	}
	if err := db.InsertEvents(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
}

// eventually waits for the one live row of the call to fulfil ok.
func eventually(t *testing.T, db *warehousetest.DB, ok func(call.Record) bool) call.Record {
	t.Helper()
	key := call.GroupKey{Integration: "main", GroupID: call.ID("main", "c1")}
	var rows []cdr.StoredCall
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		stored, err := db.StoredCalls(t.Context(), []call.GroupKey{key})
		if err != nil {
			t.Fatal(err)
		}
		if rows = stored[key]; len(rows) == 1 && ok(rows[0].Record) {
			return rows[0].Record
		}
	}
	t.Fatalf("the call never became so: %+v", rows)
	return call.Record{}
}

func TestCallGrowsWithItsNotificationsAndKeepsOneRow(t *testing.T) {
	t.Parallel()
	db := openWarehouse(t)
	start(t, db, time.Hour)
	received := time.Now().UTC()
	insert(t, db, received, notification("connected", "10:00:08", ""))
	eventually(t, db, func(r call.Record) bool { return r.Outcome == call.Answered && r.EndedAt.IsZero() })
	insert(t, db, received.Add(time.Second), notification("finished", "", `,"duration":60`))
	eventually(t, db, func(r call.Record) bool { return r.Talk == time.Minute && !r.EndedAt.IsZero() })
	// The start moves, over the border of a month's partition and back in time.
	insert(t, db, received.Add(2*time.Second), notification("showing", "09:59:58", ""))
	r := eventually(t, db, func(r call.Record) bool { return r.Ring == 10*time.Second })
	if want := time.Date(2026, 3, 2, 9, 59, 58, 0, time.UTC); !r.StartedAt.Equal(want) || len(r.Legs) != 1 || r.Events != 3 {
		t.Errorf("record %+v", r)
	}
}

func TestWhatChangedNothingIsNotWritten(t *testing.T) {
	t.Parallel()
	db := openWarehouse(t)
	writes, stop := start(t, db, time.Millisecond) // everything settles at once, and is derived again
	received := time.Now().UTC().Add(-time.Minute)
	bodies := []string{notification("showing", "10:00:00", ""), notification("connected", "10:00:05", ""), notification("finished", "", `,"duration":60`)}
	insert(t, db, received, bodies...)
	eventually(t, db, func(r call.Record) bool { return r.Events == 3 })
	insert(t, db, received.Add(time.Hour), bodies...) // the same notifications again
	insert(t, db, received.Add(2*time.Hour), notification("showing", "10:00:01", ""))
	eventually(t, db, func(r call.Record) bool { return r.Events == 4 })
	if n := settled(t, db, writes); n != 2 {
		t.Errorf("%d writes, want 2: one for each change", n)
	}
	stop()
	writes, stop = start(t, db, time.Millisecond) // a restart derives what it may have missed
	insert(t, db, received.Add(3*time.Hour), notification("showing", "10:00:02", ""))
	eventually(t, db, func(r call.Record) bool { return r.Events == 5 })
	if n := settled(t, db, writes); n != 1 {
		t.Errorf("%d writes after the restart, want 1", n)
	}
	stop()
}

// settled counts the writes once all that was touched is derived for the second time: the
// position that the deriver keeps is that of the newest touch.
func settled(t *testing.T, db *warehousetest.DB, writes chan int) int {
	t.Helper()
	touches, err := db.Touched(t.Context(), time.Time{}, 1000)
	if err != nil || len(touches) == 0 {
		t.Fatalf("%d touches, %v", len(touches), err)
	}
	newest := touches[len(touches)-1].At
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		kept, err := db.Progress(t.Context(), "deriver")
		if err != nil {
			t.Fatal(err)
		}
		if at, err := time.Parse(time.RFC3339Nano, kept); err == nil && !at.Before(newest) {
			return len(writes)
		}
	}
	t.Fatalf("the deriver does not settle what was touched at %v", newest)
	return 0
}

func TestSilentCallIsEndedByInference(t *testing.T) {
	t.Parallel()
	db := openWarehouse(t)
	start(t, db, time.Hour)
	insert(t, db, time.Now().UTC().Add(-7*time.Hour), notification("connected", "10:00:08", ""))
	eventually(t, db, func(r call.Record) bool { return r.Partial && !r.EndedAt.IsZero() })
	// The truth arrives and wins.
	insert(t, db, time.Now().UTC(), notification("finished", "", `,"duration":30`))
	eventually(t, db, func(r call.Record) bool { return !r.Partial && r.Talk == 30*time.Second })
}

// busy is a Store whose feed never runs dry, or is empty, with a clock that can
// be set.
type busy struct {
	cdr.Store
	empty     bool
	mu        sync.Mutex
	now       time.Time
	kept      string
	positions []string
	asked     []time.Time // positions the feed was asked from
}

func (b *busy) ServerTime(context.Context) (time.Time, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(time.Second)
	return b.now, nil
}

func (b *busy) Touched(_ context.Context, after time.Time, _ int) ([]cdr.Touch, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, after)
	at := after.Add(time.Second)
	if after.IsZero() {
		at = b.now.Add(-time.Hour)
	}
	if b.empty || at.After(b.now) {
		return nil, nil
	}
	return []cdr.Touch{{GroupKey: call.GroupKey{Integration: "main", GroupID: 1}, At: at}}, nil
}

func (b *busy) Progress(context.Context, string) (string, error) { return b.kept, nil }

func (b *busy) SetProgress(_ context.Context, _, position string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.positions = append(b.positions, position)
	return nil
}

func (*busy) EventsOf(context.Context, []call.GroupKey) (map[call.GroupKey][]cdr.StoredEvent, error) {
	return nil, nil
}

func (*busy) StoredCalls(context.Context, []call.GroupKey) (map[call.GroupKey][]cdr.StoredCall, error) {
	return nil, nil
}

func (*busy) OpenCalls(context.Context, time.Time, int) ([]call.GroupKey, error) { return nil, nil }

func follow(t *testing.T, b *busy, passes int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d, err := cdr.New(cdr.Options{Store: b, Decode: func(string, []byte, time.Time) (call.Event, error) { return call.Event{}, nil }, Settle: 35 * time.Second, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(passes)*500*time.Millisecond)
		defer cancel()
		_ = d.Run(ctx)
	})
}

func TestSteadyTrafficDoesNotStarveSettling(t *testing.T) {
	t.Parallel()
	b := &busy{now: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)}
	follow(t, b, 200)
	if len(b.positions) < 100 {
		t.Errorf("the position was kept %d times in 200 passes", len(b.positions))
	}
}

func TestAClockThatIsSetBackLosesNoCall(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	b := &busy{now: now, kept: now.Add(time.Hour).Format(time.RFC3339Nano)} // kept when the clock was an hour ahead
	follow(t, b, 100)
	for _, after := range b.asked {
		if after.After(b.now) {
			t.Fatalf("the feed was asked from %v, when it was %v", after, b.now)
		}
	}
	if len(b.asked) < 100 || len(b.positions) == 0 {
		t.Errorf("the feed was asked %d times, the position kept %d times", len(b.asked), len(b.positions))
	}
}

// At night an installation does little else than ask: once a pass, and after
// half a minute every two seconds.
func TestAStillFeedIsAskedLess(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC)
	b := &busy{now: now, kept: now.Add(-time.Hour).Format(time.RFC3339Nano), empty: true}
	follow(t, b, 2*90)
	if n := len(b.asked); n < 85 || n > 95 {
		t.Errorf("in 90 s the feed was asked %d times, want 60 and 30", n)
	}
}
