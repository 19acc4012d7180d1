package relay_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"fonoteka/internal/call"
	"fonoteka/internal/mtt"
	"fonoteka/internal/relay"
	"fonoteka/internal/spool"
)

// rowsTaken is a Warehouse that remembers the rows.
type rowsTaken struct {
	events    []call.Notification
	announced []call.Recording
	rejected  []relay.Rejected
	replayed  []relay.Rejected
	asked     relay.RejectedFilter
}

func (r *rowsTaken) InsertEvents(_ context.Context, rows []call.Notification) error {
	r.events = append(r.events, rows...)
	return nil
}

func (r *rowsTaken) AnnounceRecordings(_ context.Context, rows []call.Recording) error {
	r.announced = append(r.announced, rows...)
	return nil
}

func (r *rowsTaken) InsertRejected(_ context.Context, rows []relay.Rejected) error {
	r.rejected = append(r.rejected, rows...)
	return nil
}

func (r *rowsTaken) RejectedRows(_ context.Context, f relay.RejectedFilter) ([]relay.Rejected, error) {
	r.asked = f
	if f.AfterID != 0 {
		return nil, nil
	}
	rows := append([]relay.Rejected{}, r.rejected...)
	for i := range rows {
		rows[i].ID = uint64(i + 1)
	}
	return rows, nil
}

func (r *rowsTaken) MarkReplayed(_ context.Context, rows []relay.Rejected, _ time.Time) error {
	r.replayed = append(r.replayed, rows...)
	return nil
}

func decoder(body []byte, rec spool.Record) (call.Event, error) {
	return mtt.Decode(body, mtt.Context{Integration: rec.Integration, ReceivedAt: rec.ReceivedAt})
}

func linkLife(string) time.Duration { return 90 * 24 * time.Hour }

func toWarehouse(t *testing.T, rows *rowsTaken, d relay.Decoder) *relay.ToWarehouse {
	t.Helper()
	counter := relay.NewNotifications(nil)
	return &relay.ToWarehouse{Warehouse: rows, Catalogue: rows, Decode: d, LinkLife: linkLife, Log: slog.New(slog.DiscardHandler), Counter: counter}
}

func gzipped(t *testing.T, s string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const finished = `{"event":"callNotifications","result":{"callInfo":{"call":{"id":"a~1o"},"state":"finished"}}}`

// Of a record that cannot be read at all only its number is left, and the next spool
// counts from one again.
func TestDamagedRecordsOfTwoSpoolsAreTwoRows(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	o := spool.Options{Dir: "/spool", FS: fs, PutAside: true, ReserveBytes: 1}
	rows := &rowsTaken{}
	w := toWarehouse(t, rows, decoder)
	for range 3 {
		s, err := spool.Open(o)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Append(t.Context(), spool.Record{Body: []byte(finished)}); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		db, err := pebble.Open("/spool", &pebble.Options{FS: fs, FormatMajorVersion: pebble.FormatValueSeparation})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(db.Set([]byte("r\x00\x00\x00\x00\x00\x00\x00\x01"), nil, pebble.Sync), db.Close()); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the same again, after a restart
			if s, err = spool.Open(o); err != nil {
				t.Fatal(err)
			}
			recs, err := s.Read(t.Context(), 0, 0, 0)
			if err != nil || len(recs) != 1 || !errors.Is(recs[0].Err, spool.ErrDamaged) {
				t.Fatalf("%+v, %v", recs, err)
			}
			if _, err := w.Sink(t.Context(), recs); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if err := fs.Rename("/spool", fmt.Sprintf("/spool.damaged-2026030%dT120000Z", len(rows.rejected))); err != nil {
			t.Fatal(err)
		}
	}
	ids := map[uint64]int{}
	for _, r := range rows.rejected {
		ids[r.ID]++
	}
	if len(rows.rejected) != 6 || len(ids) != 3 {
		t.Errorf("%d rows have the ids %v, want three that come twice", len(rows.rejected), ids)
	}
}

func TestP7EveryRecordBecomesARowSomewhere(t *testing.T) {
	t.Parallel()
	rows := &rowsTaken{}
	batch := []spool.Record{
		{Body: []byte(finished)},
		{Body: gzipped(t, finished), ContentEncoding: "gzip"},
		{Body: []byte(`{"event":"callNotifications","result":{"callInfo":{"call":{"id":"a"},"state":"recorded","urlRecord":"https://openapi.mtt.ru/records/1/2026/03/01/A.mp3"}}}`)},
		{Body: []byte(`{"event":"somethingNew"}`)},
		{Body: []byte(`{"event":"vpbxNotifications","result":{"eventType":"numbersChanged"}}`)},
		{Body: []byte(`not json`)},
		{Body: []byte(`{"event":"callNot`), Truncated: "too large"},
		{Body: []byte("xx"), ContentEncoding: "gzip"},
		{Body: []byte("xx"), ContentEncoding: "br"},
		{Body: []byte("??"), Err: spool.ErrDamaged},
		{Err: spool.ErrErased},
	}
	for i := range batch {
		batch[i].Integration, batch[i].ReceivedAt = "main", time.Date(2026, 3, 2, 10, 0, i, 0, time.UTC)
	}
	if n, err := toWarehouse(t, rows, decoder).Sink(t.Context(), batch); err != nil || n != len(batch) {
		t.Fatal(n, err)
	}
	var kinds, reasons []string
	for _, e := range rows.events {
		kinds = append(kinds, string(e.Kind)+" "+e.State)
	}
	for _, r := range rows.rejected {
		reasons = append(reasons, r.Reason)
	}
	if diff := cmp.Diff([]string{"call finished", "call finished", "call recorded", "unknown somethingnew", "directory numbersChanged"}, kinds); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if rows.events[0].EventID != rows.events[1].EventID {
		t.Error("compression made another event of the same notification")
	}
	if diff := cmp.Diff([]string{"unreadable", "too large", "encoding", "encoding", "damaged"}, reasons); diff != "" {
		t.Errorf("rejected (-want +got):\n%s", diff)
	}
	want := []call.Recording{{
		Integration: "main", ID: call.RecordingID("main", "https://openapi.mtt.ru/records/1/2026/03/01/A.mp3"),
		URL: "https://openapi.mtt.ru/records/1/2026/03/01/A.mp3", GroupID: call.ID("main", "a"), PlatformCallID: "a", PlatformID: "a",
		AnnouncedAt: time.Date(2026, 3, 2, 10, 0, 2, 0, time.UTC), ExpiresAt: time.Date(2026, 5, 30, 0, 0, 0, 0, time.UTC),
	}}
	if diff := cmp.Diff(want, rows.announced); diff != "" {
		t.Errorf("announced (-want +got):\n%s", diff)
	}
}

func TestASenderInventsNoLabels(t *testing.T) {
	t.Parallel()
	w := toWarehouse(t, &rowsTaken{}, decoder)
	var batch []spool.Record
	for i := range 50 {
		odd := []byte("workplaceschanged")
		copy(odd, bytes.ToUpper(odd[:i%len(odd)]))
		for _, body := range []string{
			fmt.Sprintf(`{"event":"vpbxNotifications","result":{"eventType":%q}}`, odd),
			fmt.Sprintf(`{"event":"vpbxNotifications","result":{"eventType":"type%d"}}`, i),
			fmt.Sprintf(`{"event":"event%d"}`, i),
			fmt.Sprintf(`{"event":"callNotifications","result":{"callInfo":{"call":{"id":"a"},"state":"state%d"}}}`, i),
		} {
			batch = append(batch, spool.Record{Integration: "main", ReceivedAt: time.Now(), Body: []byte(body)})
		}
	}
	if n, err := w.Sink(t.Context(), batch); err != nil || n != len(batch) {
		t.Fatal(n, err)
	}
	if n := testutil.CollectAndCount(w.Counter); n != 2 {
		t.Errorf("%d series, want directory's and other", n)
	}
}

func TestRejectedRowsAreReplayedOnceTheyCanBeRead(t *testing.T) {
	t.Parallel()
	rows := &rowsTaken{rejected: []relay.Rejected{
		{Integration: "main", Body: []byte("not json"), ReceivedAt: time.Now()},
		{Integration: "main", Body: []byte(finished), ReceivedAt: time.Now()}, // refused by an older decoder
	}}
	var taken, still int
	err := toWarehouse(t, rows, decoder).ReplayRejected(t.Context(), rows, func(a, b int) { taken, still = a, b })
	if err != nil || taken != 1 || still != 1 || len(rows.events) != 1 || len(rows.replayed) != 1 || len(rows.rejected) != 2 {
		t.Errorf("taken %d, still rejected %d, events %d, marked %d: %v", taken, still, len(rows.events), len(rows.replayed), err)
	}
}

// Bodies that an older version could read no link in, or nothing at all.
func TestReplayBringsRecordingsBackThatWereRejected(t *testing.T) {
	t.Parallel()
	rows := &rowsTaken{}
	for _, callInfo := range []string{
		`"state":"recorded","urlRecord":"https://mtt.ru/1.mp3"`, `"call":{"id":""},"state":"recorded","urlRecord":"https://mtt.ru/2.mp3"`,
		`"call":"a~1o","state":"recorded","urlRecord":"https://mtt.ru/3.mp3"`, `"call":{"id":"a~1o"},"state":"recorded","urlRecord":["https://mtt.ru/4.mp3"]`,
		`"call":{"id":"a~1o"},"state":"recorded","urlRecord":{"url":"https://mtt.ru/5.mp3"}`, `"state":"recorded"`,
	} {
		rows.rejected = append(rows.rejected, relay.Rejected{
			Integration: "main", ReceivedAt: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC), Body: []byte(`{"event":"callNotifications","result":{"callInfo":{` + callInfo + `}}}`),
		})
	}
	w := toWarehouse(t, rows, decoder)
	var taken, still int
	if err := w.ReplayRejected(t.Context(), rows, func(a, b int) { taken, still = a, b }); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, r := range rows.announced {
		ids = append(ids, r.ID)
	}
	var want []string
	for i := range 5 {
		want = append(want, call.RecordingID("main", fmt.Sprintf("https://mtt.ru/%d.mp3", i+1)))
	}
	if diff := cmp.Diff(want, ids); diff != "" || taken != 5 || still != 1 || len(rows.replayed) != 5 || len(rows.events) != 5 {
		t.Errorf("taken %d, still rejected %d, %d events; recordings:\n%s", taken, still, len(rows.events), diff)
	}
}
