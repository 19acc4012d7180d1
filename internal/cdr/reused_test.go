package cdr_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/cdr"
	"fonoteka/internal/mtt"
	"fonoteka/internal/warehouse/warehousetest"
)

// keeping keeps what is written to the real warehouse, insert by insert.
type keeping struct {
	*warehousetest.DB
	mu     *sync.Mutex
	writes *[][]cdr.CallWrite
}

func (k keeping) WriteCalls(ctx context.Context, w []cdr.CallWrite) error {
	k.mu.Lock()
	*k.writes = append(*k.writes, w)
	k.mu.Unlock()
	return k.DB.WriteCalls(ctx, w)
}

// Two calls under one id of a border controller, of which the first becomes known
// last: the second moves to another key, and the row under the old one is buried in
// the insert that writes it anew.
func TestACallThatMovesIsBuriedInTheSameInsert(t *testing.T) {
	t.Parallel()
	db := openWarehouse(t)
	k := keeping{db, new(sync.Mutex), new([][]cdr.CallWrite)}
	d, err := cdr.New(cdr.Options{
		Store: k, Every: 20 * time.Millisecond, Settle: time.Hour, Log: slog.New(slog.DiscardHandler),
		Decode: func(integration string, body []byte, received time.Time) (call.Event, error) {
			return mtt.Decode(body, mtt.Context{Integration: integration, ReceivedAt: received})
		},
		Rules: func(string) call.Rules { return call.Rules{AbandonAfter: 5 * time.Second} },
	})
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = d.Run(t.Context()) }()
	day := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	row := func(at time.Time, number, state, more string) call.Notification {
		body := fmt.Sprintf(`{"event":"callNotifications","result":{"callInfo":{"call":{"id":"SD1@127.0.0.1"},"state":%q,"type":"outgoing","caller":{"accountId":"883140777828301","centrexId":"1"},"callee":{"id":%q}%s}}}`, state, number, more)
		e, err := mtt.Decode([]byte(body), mtt.Context{Integration: "main", ReceivedAt: at})
		if err != nil {
			t.Fatal(err)
		}
		return call.Notification{Integration: "main", GroupID: e.GroupID(), EventID: e.ID, ReceivedAt: at, Kind: e.Kind, State: string(e.State), Body: []byte(body)}
	}
	// tell has a call told in one insert: of its beginning alone nobody knows yet that
	// it was over when the other began.
	tell := func(hour int, number string) {
		at := day.Add(time.Duration(hour) * time.Hour)
		if err := db.InsertEvents(t.Context(), []call.Notification{
			row(at, number, "trying", fmt.Sprintf(`,"startTime":"%s"`, at.Format(time.DateTime))),
			row(at.Add(30*time.Second), number, "finished", `,"duration":0`),
		}); err != nil {
			t.Fatal(err)
		}
	}
	key := call.GroupKey{Integration: "main", GroupID: call.ID("main", "SD1@127.0.0.1")}
	rows := func(want int) (rows []cdr.StoredCall) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			stored, err := db.StoredCalls(t.Context(), []call.GroupKey{key})
			if err != nil {
				t.Fatal(err)
			}
			if rows = stored[key]; len(rows) == want && !rows[want-1].Record.EndedAt.IsZero() {
				return rows
			}
		}
		t.Fatalf("rows %+v", rows)
		return nil
	}
	tell(15, "79161234567")
	moves := rows(1)[0].Record
	tell(10, "78124241500")
	now := rows(2)
	if now[0].Record.CallID != moves.CallID || now[1].Record.CallID == moves.CallID || now[0].Record.ClientNumber.Digits != "78124241500" || now[1].Record.ClientNumber.Digits != "79161234567" {
		t.Errorf("rows %+v", now)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, insert := range *k.writes {
		buried, written := false, false
		for _, w := range insert {
			buried = buried || w.Deleted && w.Record.CallID == moves.CallID && w.Record.StartedAt.Equal(moves.StartedAt)
			written = written || !w.Deleted && w.Record.CallID != moves.CallID
		}
		if buried != written {
			t.Errorf("buried %v and written anew %v in one insert: %+v", buried, written, insert)
		}
	}
}
