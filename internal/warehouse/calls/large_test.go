package calls_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"testing"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/cdr"
	"fonoteka/internal/relay"
	"fonoteka/internal/warehouse/warehousetest"
)

// peak is the most live memory that do took above what there was, in bytes.
func peak(do func()) uint64 {
	defer debug.SetGCPercent(debug.SetGCPercent(5))
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	runtime.GC()
	before, most := heap(), uint64(0)
	stop := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				most = max(most, heap())
			}
		}
	})
	do()
	close(stop)
	watch.Wait()
	if most < before {
		return 0
	}
	return most - before
}

// large are events of a megabyte each, some of one call and the others of one each.
func large(n, ofOne int) (rows []call.Notification, keys []call.GroupKey) {
	random := rand.NewChaCha8([32]byte{})
	seen := map[uint64]bool{}
	for i := range n {
		body := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
		_, _ = random.Read(body[:1<<10])
		id := call.ID("main", fmt.Sprint("call ", max(i-ofOne, 0)))
		rows = append(rows, call.Notification{
			Integration: "main", GroupID: id, EventID: call.EventID(body), ReceivedAt: at("2026-11-20 10:00:00").Add(time.Duration(i) * time.Second),
			Kind: call.KindCall, State: "trying", Body: body,
		})
		if !seen[id] {
			seen[id] = true
			keys = append(keys, call.GroupKey{Integration: "main", GroupID: id})
		}
	}
	return rows, keys
}

// insertLarge makes some parts of them, as portions of a batch do.
func insertLarge(t *testing.T, db *warehousetest.DB, rows []call.Notification) {
	t.Helper()
	for some := range slices.Chunk(rows, 8) {
		must(t, db.InsertEvents(t.Context(), some))
	}
}

// These are not run beside others: they measure the memory of the process.

func TestOfManyLargeEventsAFewAreHeldAtATime(t *testing.T) {
	db := open(t)
	rows, keys := large(150, 30)
	insertLarge(t, db, rows)
	giant, others := keys[0], keys[1:]
	for name, keys := range map[string][]call.GroupKey{"all": keys, "one of 30 MiB": {giant}, "many of 1 MiB": others[:17]} {
		var err error
		took := peak(func() { _, err = db.EventsOf(t.Context(), keys) })
		if !errors.Is(err, cdr.ErrTooMuch) || took > 100<<20 {
			t.Errorf("%s: %v; %d MB of memory", name, err, took>>20)
		}
	}
	if failures, err := db.Health(); failures > 0 {
		t.Errorf("the server is taken for ill: %v", err)
	}
	got, err := db.EventsOf(t.Context(), others[:16])
	must(t, err)
	for i, k := range others[:16] {
		if want := rows[31+i]; len(got[k]) != 1 || got[k][0].ID != want.EventID || !bytes.Equal(got[k][0].Body, want.Body) || !got[k][0].ReceivedAt.Equal(want.ReceivedAt) {
			t.Errorf("call %d: %d events", i, len(got[k]))
		}
	}
}

func TestEachCallHoldsOneCallAtATime(t *testing.T) {
	db := open(t)
	rows, _ := large(150, 30)
	usual := event(7, at("2026-11-20 10:00:00"), "usual")
	insertLarge(t, db, append(rows, usual))
	insertLarge(t, db, rows[:40]) // again: not merged yet
	bodies, seen, unread, last := map[uint64][]byte{}, 0, 0, uint64(0)
	for _, r := range append(rows[31:], usual) {
		bodies[r.EventID] = r.Body
	}
	took := peak(func() {
		must(t, db.EachCall(t.Context(), cdr.Range{Integration: "main", To: math.MaxUint64}, func(group uint64, events []cdr.StoredEvent) error {
			if group <= last {
				t.Errorf("call %d after %d", group, last)
			}
			last = group
			seen++
			switch {
			case events == nil:
				unread++
			case len(events) != 1 || !bytes.Equal(events[0].Body, bodies[events[0].ID]):
				t.Errorf("call %d: %d events", group, len(events))
			}
			return nil
		}))
	})
	if seen != 121 || unread != 1 {
		t.Errorf("%d calls, %d of them without their events", seen, unread)
	}
	if took > 64<<20 {
		t.Errorf("%d MB of memory", took>>20)
	}
	t.Logf("%d MB of memory", took>>20)
}

func TestEachAnnouncementHoldsOneLargeBodyAtATime(t *testing.T) {
	db := open(t)
	rows, _ := large(150, 0)
	for i := range rows {
		rows[i].State = string(call.Recorded)
	}
	insertLarge(t, db, rows)
	bodies := map[uint64][]byte{}
	for _, r := range rows {
		bodies[r.EventID] = r.Body
	}
	took := peak(func() {
		must(t, db.EachAnnouncement(t.Context(), func(r call.Notification) error {
			if !bytes.Equal(r.Body, bodies[r.EventID]) {
				t.Errorf("event %d has another body of %d bytes, or comes twice", r.EventID, len(r.Body))
			}
			delete(bodies, r.EventID)
			return nil
		}))
	})
	if len(bodies) != 0 || took > 64<<20 {
		t.Errorf("%d did not come; %d MB of memory", len(bodies), took>>20)
	}
	t.Logf("%d MB of memory", took>>20)
}

func TestASampleHasNoLargeBodies(t *testing.T) {
	db := open(t)
	rows, _ := large(10, 0)
	usual := rows[3]
	usual.Body = []byte("usual")
	usual.EventID = call.EventID(usual.Body)
	insertLarge(t, db, append(rows, usual))
	var writes []cdr.CallWrite
	for _, r := range rows {
		writes = append(writes, cdr.CallWrite{Version: 1, Record: call.Record{Integration: "main", GroupID: r.GroupID, CallID: r.GroupID, StartedAt: r.ReceivedAt}})
	}
	must(t, db.WriteCalls(t.Context(), writes))
	got, err := db.RecentNotifications(t.Context(), "trying", rows[0].ReceivedAt.Add(-time.Hour), 200)
	if err != nil || len(got) != 1 || string(got[0].Body) != "usual" {
		t.Errorf("%d notifications: %v", len(got), err)
	}
}

func TestRejectedRowsComeInPagesOfSoManyBytes(t *testing.T) {
	db := open(t)
	var rows []relay.Rejected
	for i := range 20 {
		rows = append(rows, relay.Rejected{
			Integration: "main", ID: uint64(i) << 59, ReceivedAt: at("2026-11-20 10:00:00"), Reason: "unreadable", Body: bytes.Repeat([]byte{byte(i)}, 1<<20),
		})
	}
	rows[0].ID = 1
	also := rows[10] // another integration's with the same id
	also.Integration = "other"
	for some := range slices.Chunk(append(rows, also), 8) {
		must(t, db.InsertRejected(t.Context(), some))
	}
	for bytes, pages := range map[int][]int{4 << 20: {4, 4, 4, 4, 4, 1}, 3<<20 + 1: {3, 3, 3, 3, 3, 3, 3}, 1: {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1}} {
		var got []int
		for after := uint64(0); ; {
			page, err := db.RejectedRows(t.Context(), relay.RejectedFilter{AfterID: after, Limit: 1000, MaxBytes: bytes})
			must(t, err)
			if len(page) == 0 {
				break
			}
			got, after = append(got, len(page)), page[len(page)-1].ID
		}
		if !slices.Equal(got, pages) {
			t.Errorf("pages of %d bytes have %v rows, want %v", bytes, got, pages)
		}
	}
}
