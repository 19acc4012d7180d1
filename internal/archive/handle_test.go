package archive_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"fonoteka/internal/archive"
	"fonoteka/internal/blob"
	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
	"fonoteka/internal/queue"
)

func TestARecordingIsArchivedWithSidecarRowAndCustody(t *testing.T) {
	t.Parallel()
	mp3 := audio(t)
	reg := prometheus.NewRegistry()
	r := newRig(t, serve(mp3), change{opts: func(o *archive.Options) { o.Registerer = reg }})
	rec := r.recording("/records/15410/2026/02/28/A_B.mp3?signature=x")
	row := r.handle(t, rec, 0)
	key := "recordings/main/2026/02/28/" + rec.ID + ".mp3"
	want := call.RecordingStatus{
		Recording: rec, State: call.Archived, Attempt: 1, SHA256: digest(mp3), Size: int64(len(mp3)),
		Duration: 1152 * time.Millisecond, Bucket: r.bucket.Name(), Key: key, Format: "mp3", ArchivedAt: *r.now.Load(),
	}
	if diff := cmp.Diff(want, row); diff != "" {
		t.Error(diff)
	}
	if got := read(t, r.bucket, key); !bytes.Equal(got, mp3) {
		t.Errorf("%d bytes stored", len(got))
	}
	if o, err := r.bucket.Stat(t.Context(), key); err != nil || o.SHA256 != digest(mp3) {
		t.Errorf("stored as %+v, %v", o, err)
	}
	var side bucket.Sidecar
	if err := json.Unmarshal(read(t, r.bucket, strings.TrimSuffix(key, "mp3")+"json"), &side); err != nil {
		t.Fatal(err)
	}
	wantSide := bucket.Sidecar{
		Schema: 2, Recording: rec, Key: key, Format: "mp3", SHA256: digest(mp3), Size: int64(len(mp3)), DurationMS: 1152,
		Attempt: 1, FetchedAt: *r.now.Load(), StoredAt: *r.now.Load(),
	}
	if diff := cmp.Diff(wantSide, side); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"fetched", "stored", "sidecar", "archived"}, r.catalogue.names()); diff != "" {
		t.Error(diff)
	}
	if err := testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP fonoteka_archive_archived_total Rows written that say archived.
# TYPE fonoteka_archive_archived_total counter
fonoteka_archive_archived_total 1
# HELP fonoteka_archive_fetched_bytes_total Bytes of complete downloads.
# TYPE fonoteka_archive_fetched_bytes_total counter
fonoteka_archive_fetched_bytes_total 2304
`), "fonoteka_archive_archived_total", "fonoteka_archive_fetched_bytes_total"); err != nil {
		t.Error(err)
	}
	r.handle(t, rec, 0)
	if r.origin.Asked() != 1 || len(r.catalogue.steps) != 4 {
		t.Error("an archived recording was touched again")
	}
}

// TestAFileThatComesLateIsTriedOnSchedule plays the queue: each next job runs
// at its time.
func TestAFileThatComesLateIsTriedOnSchedule(t *testing.T) {
	t.Parallel()
	mp3 := audio(t)
	var n atomic.Int32
	r := newRig(t, func(w http.ResponseWriter, req *http.Request) {
		switch n.Add(1) {
		case 1:
			w.WriteHeader(404)
		case 2:
			w.WriteHeader(503)
		case 3:
			cut(mp3, true)(w, req)
		default:
			serve(mp3)(w, req)
		}
	})
	rec, start := r.recording("/a.mp3"), *r.now.Load()
	states, job := []call.RecordingState{}, queue.Job{Recording: rec}
	for {
		row := r.handle(t, job.Recording, job.Attempt)
		states = append(states, row.State)
		next := r.queue.take()
		if len(next) == 0 {
			break
		}
		if len(next) != 1 || !next[0].o.At.Equal(row.NextAttemptAt) || next[0].job.Attempt != row.Attempt || next[0].o.Urgent {
			t.Fatalf("enqueued %+v after %+v", next, row)
		}
		job = next[0].job
		r.setNow(next[0].o.At)
	}
	if diff := cmp.Diff([]call.RecordingState{call.Missing, call.Retrying, call.Retrying, call.Archived}, states); diff != "" {
		t.Error(diff)
	}
	if took := r.now.Load().Sub(start); took > 20*time.Second {
		t.Errorf("the fourth try came after %v", took)
	}
	if diff := cmp.Diff([]string{"failed", "failed", "failed", "fetched", "stored", "sidecar", "archived"}, r.catalogue.names()); diff != "" {
		t.Error(diff)
	}
}

func TestGivingUpNeedsTheServersOwnWordTwoWeeksAfterTheEstimate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		answer int
		after  time.Duration // since the expiry
		want   call.RecordingState
	}{
		{"404 before", 404, -day, call.Missing},
		{"410 before", 410, -day, call.Missing},
		{"404 after", 404, 13 * day, call.Missing},
		{"404 after two weeks", 404, 14 * day, call.Expired},
		{"410 after two weeks", 410, 15 * day, call.Expired},
		{"500 after two weeks", 500, 15 * day, call.Retrying},
		{"401 after two weeks", 401, 15 * day, call.Retrying},
		{"425 after two weeks", 425, 15 * day, call.Missing},
	} {
		r := newRig(t, status(c.answer))
		rec := r.recording("/a.mp3")
		r.setNow(rec.ExpiresAt.Add(c.after))
		r.handle(t, rec, 98) // a single one is not believed
		if c.after >= 14*day {
			r.setNow(r.now.Load().Add(day))
		}
		row := r.handle(t, rec, 99)
		if row.State != c.want || row.NextAttemptAt.IsZero() != (c.want == call.Expired) || row.Attempt != 100 || row.Reason() == "" {
			t.Errorf("%s: %+v", c.name, row)
		}
		if len(r.queue.take()) != 0 {
			t.Errorf("%s: a far try is in the queue", c.name)
		}
		if c.want == call.Expired {
			r.handle(t, rec, 0) // a replay of its notification
			if r.origin.Asked() != 2 {
				t.Errorf("%s: asked again", c.name)
			}
		}
	}
}

func TestRefusedRecordingsWaitForTheConfiguration(t *testing.T) {
	t.Parallel()
	r := newRig(t, serve(audio(t)))
	rec := recording("https://records.example.org/2026/02/28/a.mp3", *r.now.Load())
	row := r.handle(t, rec, 0)
	if row.State != call.Refused || row.NextAttemptAt.Sub(*r.now.Load()) != day || !strings.Contains(row.Reason(), "records.example.org") {
		t.Errorf("row %+v", row)
	}
	if diff := cmp.Diff([]string{"refused"}, r.catalogue.names()); diff != "" {
		t.Error(diff)
	}
	r.setNow(rec.ExpiresAt.Add(100 * day))
	if row = r.handle(t, rec, 1); row.State != call.Refused || row.NextAttemptAt.IsZero() {
		t.Errorf("long after the expiry: %+v", row)
	}
}

func TestUnauthorisedAsksForAFreshLogin(t *testing.T) {
	t.Parallel()
	var asked []string
	r := newRig(t, status(401), change{opts: func(o *archive.Options) {
		o.Refresh = func(_ context.Context, integration, host string) error {
			asked = append(asked, integration+" "+host)
			return errors.New("the login service is down")
		}
	}})
	row := r.handle(t, r.recording("/a.mp3"), 0)
	if row.State != call.Retrying || len(r.queue.take()) != 1 || len(asked) != 1 || asked[0] != "main "+r.origin.Addr() {
		t.Errorf("row %+v, asked %v", row, asked)
	}
}

func TestSettledAndOvertakenJobsDoNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		state   call.RecordingState
		attempt int
	}{{call.Archived, 0}, {call.Erased, 0}, {call.Quarantined, 3}, {call.Expired, 3}, {call.Retrying, 3}, {call.Refused, 3}} {
		r := newRig(t, serve(audio(t)))
		rec := r.recording("/a.mp3")
		row := call.RecordingStatus{Recording: rec, State: c.state, Attempt: c.attempt}
		r.catalogue.Save(t.Context(), row)
		r.handle(t, rec, max(c.attempt-1, 0))
		if r.origin.Asked() != 0 || len(keys(t, r.bucket)) != 0 {
			t.Errorf("%s: fetched or stored", c.state)
		}
		if got, _, _ := r.catalogue.Recording(t.Context(), "main", rec.ID); got.State != c.state {
			t.Errorf("%s became %s", c.state, got.State)
		}
	}
}

func TestTheEarliestAnnouncementStays(t *testing.T) {
	t.Parallel()
	r := newRig(t, serve(audio(t)))
	first := r.recording("/a.mp3?Expires=1&Signature=1")
	r.catalogue.Save(t.Context(), call.RecordingStatus{Recording: first, State: call.Announced})
	r.setNow(r.now.Load().Add(time.Hour))
	row := r.handle(t, r.recording("/a.mp3?Expires=1&Signature=2"), 0)
	if !row.AnnouncedAt.Equal(first.AnnouncedAt) || !row.ExpiresAt.Equal(first.ExpiresAt) || !strings.HasSuffix(row.URL, "=2") {
		t.Errorf("row %+v", row.Recording)
	}
}

func TestManyWorkersWithOneJobArchiveItOnce(t *testing.T) {
	t.Parallel()
	mp3 := audio(t)
	together := make(chan struct{})
	var n atomic.Int32
	r := newRig(t, func(w http.ResponseWriter, req *http.Request) {
		if n.Add(1) == 4 {
			close(together)
		}
		<-together // all four have seen that nothing is stored yet
		serve(mp3)(w, req)
	})
	rec := r.recording("/2026/02/28/a.mp3")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { r.handle(t, rec, 0) })
	}
	wg.Wait()
	r.checkArchived(t, rec, mp3)
	if row := r.handle(t, rec, 0); row.Reason() != "" {
		t.Errorf("reason %q", row.Reason())
	}
}

// checkArchived is the whole-system checker: row, object and sidecar agree,
// and there is nothing else.
func (r *rig) checkArchived(t *testing.T, rec call.Recording, mp3 []byte) {
	t.Helper()
	row, _, _ := r.catalogue.Recording(context.Background(), rec.Integration, rec.ID)
	key := bucket.Key(rec, "mp3")
	if row.State != call.Archived || row.Key != key || row.SHA256 != digest(mp3) || row.Size != int64(len(mp3)) || row.Duration == 0 || row.ArchivedAt.IsZero() {
		t.Errorf("row %+v", row)
	}
	if diff := cmp.Diff([]string{strings.TrimSuffix(key, "mp3") + "json", key}, keys(t, r.bucket)); diff != "" {
		t.Error(diff)
	}
	var side bucket.Sidecar
	if err := json.Unmarshal(read(t, r.bucket, strings.TrimSuffix(key, "mp3")+"json"), &side); err != nil || side.SHA256 != digest(mp3) || side.Recording.ID != rec.ID {
		t.Errorf("sidecar %+v, %v", side, err)
	}
	if !bytes.Equal(read(t, r.bucket, key), mp3) {
		t.Error("stored bytes differ")
	}
	names := strings.Join(r.catalogue.names(), " ")
	for _, step := range []string{"fetched", "stored", "sidecar", "archived"} {
		if !strings.Contains(names, step) {
			t.Errorf("custody lacks %s: %s", step, names)
		}
	}
}

// A link may be imported without its call, and announced with it later, or the
// other way round.
func TestTheCallIsTakenFromWhoKnowsIt(t *testing.T) {
	t.Parallel()
	for _, imported := range []string{"row", "job"} {
		r := newRig(t, serve(audio(t)))
		whole := r.recording("/a.mp3")
		bare := whole
		bare.GroupID, bare.PlatformCallID, bare.PlatformID, bare.AccountID = 0, "", "", ""
		row, job := whole, bare
		if imported == "row" {
			row, job = bare, whole
		}
		if err := r.catalogue.Save(t.Context(), call.RecordingStatus{Recording: row, State: call.Announced}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(whole, r.handle(t, job, 0).Recording); diff != "" {
			t.Errorf("the %s was imported: %s", imported, diff)
		}
	}
}

func TestP5AnotherFileUnderTheSameKeyIsKeptBeside(t *testing.T) {
	t.Parallel()
	first, second := audio(t), audio(t)
	second[200] ^= 1 // in a frame's data
	var r *rig
	r = newRig(t, func(w http.ResponseWriter, req *http.Request) {
		// While the second file is on its way, another worker stores the first.
		rec := r.recording("/a.mp3")
		if err := r.bucket.Put(context.Background(), bucket.Key(rec, "mp3"), bytes.NewReader(first), blob.Put{Size: int64(len(first)), SHA256: digest(first)}); err != nil {
			t.Error(err)
		}
		serve(second)(w, req)
	})
	rec := r.recording("/a.mp3")
	row := r.handle(t, rec, 0)
	base := strings.TrimSuffix(bucket.Key(rec, "mp3"), ".mp3")
	if row.State != call.Archived || row.Key != base+".mp3" || row.SHA256 != digest(first) || !strings.Contains(row.Reason(), "conflict") {
		t.Errorf("row %+v", row)
	}
	beside := base + "." + digest(second)[:16]
	if diff := cmp.Diff([]string{beside + ".json", beside + ".mp3", base + ".json", base + ".mp3"}, keys(t, r.bucket)); diff != "" {
		t.Error(diff)
	}
	if !bytes.Equal(read(t, r.bucket, base+".mp3"), first) || !bytes.Equal(read(t, r.bucket, beside+".mp3"), second) {
		t.Error("bytes are mixed up")
	}
}
