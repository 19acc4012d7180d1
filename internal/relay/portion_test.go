package relay_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/relay"
	"fonoteka/internal/spool"
)

// held is a Warehouse that remembers how much it was given at a time.
type held struct {
	rowsTaken
	mu                     sync.Mutex // kinds of rows come at once
	most, events, rejected int
}

func (h *held) InsertEvents(_ context.Context, rows []call.Notification) error {
	n := 0
	for _, r := range rows {
		n += len(r.Body)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.most, h.events = max(h.most, n), h.events+len(rows)
	return nil
}

func (h *held) InsertRejected(_ context.Context, rows []relay.Rejected) error {
	n := 0
	for _, r := range rows {
		n += len(r.Body)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.most, h.rejected = max(h.most, n), h.rejected+len(rows)
	return nil
}

// padded is a notification of so many bytes, compressed.
func padded(t *testing.T, n, size int) []byte {
	t.Helper()
	begin := strings.Replace(finished, "a~1o", fmt.Sprintf("call-%d~1o", n), 1)
	return gzipped(t, strings.Repeat(" ", size-len(begin))+begin)
}

func zippedRecord(body []byte) spool.Record {
	return spool.Record{Integration: "main", ReceivedAt: time.Now(), ContentEncoding: "gzip", Body: body}
}

// drain gives a batch to a sink until all of it is taken, and returns in how many
// portions.
func drain(t *testing.T, sink func(context.Context, []spool.Record) (int, error), batch []spool.Record) (portions int) {
	t.Helper()
	for ; len(batch) > 0; portions++ {
		n, err := sink(t.Context(), batch)
		if err != nil || n < 1 || n > len(batch) {
			t.Fatalf("%d of %d taken: %v", n, len(batch), err)
		}
		batch = batch[n:]
	}
	return portions
}

func TestABatchIsHeldAPortionAtATime(t *testing.T) {
	t.Parallel()
	const megabyte, bound = 1 << 20, 9 << 20 // 8 MiB, and the last body
	var large, small, broken []spool.Record
	for n := range 40 {
		large = append(large, zippedRecord(padded(t, n, megabyte)))
		small = append(small, zippedRecord(padded(t, n, 1000)))
		broken = append(broken, spool.Record{Body: bytes.Repeat([]byte("x"), megabyte)})
	}
	for name, c := range map[string]struct {
		batch            []spool.Record
		events, rejected int
		portions         int // 0: several
	}{
		"a thousand times as long":     {large, 40, 0, 0},
		"as they come from day to day": {small, 40, 0, 1},
		"plain, and not readable":      {broken, 0, 40, 0},
	} {
		h := &held{}
		w := toWarehouse(t, &h.rowsTaken, decoder)
		w.Warehouse = h
		portions := drain(t, w.Sink, c.batch)
		if h.events != c.events || h.rejected != c.rejected || h.most > bound || c.portions == 0 && portions < 5 || c.portions > 0 && portions != c.portions {
			t.Errorf("%s: %d events, %d rejected, %d portions, %d bytes at a time", name, h.events, h.rejected, portions, h.most)
		}
	}
}

// What is thrown away costs work: the cursor moves before a thousand bombs are read.
func TestBothCursorsMoveAmidBombs(t *testing.T) {
	t.Parallel()
	bomb := gzipped(t, strings.Repeat(" ", 2<<20))
	valid := padded(t, 1, 1<<20)
	var bombs, valids []spool.Record
	for range 130 {
		bombs, valids = append(bombs, zippedRecord(bomb)), append(valids, zippedRecord(valid))
	}
	rows := &rowsTaken{}
	if n := drain(t, toWarehouse(t, rows, decoder).Sink, bombs); n != 3 || len(rows.rejected) != 130 {
		t.Errorf("rows: %d portions, %d rejected", n, len(rows.rejected))
	}
	for _, batch := range [][]spool.Record{bombs, valids} {
		q := relay.ToQueue{Decode: decoder, LinkLife: linkLife, Enqueue: func(context.Context, call.Recording) error { return nil }}
		if n := drain(t, q.Sink, batch); n != 3 {
			t.Errorf("jobs: %d portions", n)
		}
	}
}

// The body of what is rejected is kept as it came, so that it can be replayed: never
// inflated.
func TestWhatIsRejectedIsKeptAsItCame(t *testing.T) {
	t.Parallel()
	for reason, c := range map[string]struct{ body, says string }{
		"too large":  {strings.Repeat(" ", 1<<20) + finished, "inflates to more than 1 MiB"},
		"unreadable": {strings.Repeat(" ", 1000) + "no json", "not JSON"},
	} {
		rows, body := &rowsTaken{}, gzipped(t, c.body)
		if _, err := toWarehouse(t, rows, decoder).Sink(t.Context(), []spool.Record{zippedRecord(body)}); err != nil {
			t.Fatal(err)
		}
		if len(rows.rejected) != 1 || len(rows.events) != 0 {
			t.Fatalf("%s: %d rejected, %d events", reason, len(rows.rejected), len(rows.events))
		}
		r := rows.rejected[0]
		if r.Reason != reason || !strings.Contains(r.Detail, c.says) || !bytes.Equal(r.Body, body) || r.ContentEncoding != "gzip" || r.ID != call.EventID(body) {
			t.Errorf("%s, want %s: %q; a body of %d bytes, want %d; %s", r.Reason, reason, r.Detail, len(r.Body), len(body), r.ContentEncoding)
		}
	}
}

// Rejected bodies are read again a few megabytes at a time, and may be what an older
// version inflated before it kept them.
func TestReplayHoldsAPageAtATime(t *testing.T) {
	t.Parallel()
	h := &held{}
	for n := range 40 {
		h.rowsTaken.rejected = append(h.rowsTaken.rejected, relay.Rejected{Integration: "main", ContentEncoding: "gzip", Body: padded(t, n, 1<<20), ReceivedAt: time.Now()})
	}
	h.rowsTaken.rejected = append(h.rowsTaken.rejected,
		relay.Rejected{Integration: "main", ContentEncoding: "gzip", Body: []byte(finished), ReceivedAt: time.Now()},
		relay.Rejected{Integration: "main", ContentEncoding: "gzip", Body: gzipped(t, strings.Repeat(" ", 20<<20)), ReceivedAt: time.Now()})
	w := toWarehouse(t, &h.rowsTaken, decoder)
	w.Warehouse = h
	var taken, still int
	err := w.ReplayRejected(t.Context(), &h.rowsTaken, func(a, b int) { taken, still = a, b })
	if err != nil || taken != 41 || still != 1 || h.events != 41 || len(h.replayed) != 41 || h.rejected != 0 || h.most > 9<<20 {
		t.Errorf("taken %d, still rejected %d, %d events, %d marked, %d rejected anew, %d bytes at a time: %v",
			taken, still, h.events, len(h.replayed), h.rejected, h.most, err)
	}
	if h.asked.MaxBytes <= 0 || h.asked.MaxBytes > 16<<20 {
		t.Errorf("pages of %d bytes were asked for", h.asked.MaxBytes)
	}
}
