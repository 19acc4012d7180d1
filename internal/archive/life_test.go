package archive_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/archive"
	"fonoteka/internal/blob"
	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
	"fonoteka/internal/queue"
)

// live plays clock, planner and queue for one recording until nothing is planned
// any more or the time is over, and returns the tries' times since the
// announcement.
func (r *rig) live(t *testing.T, rec call.Recording, until time.Duration) (tries []time.Duration, row call.RecordingStatus) {
	t.Helper()
	start, job := *r.now.Load(), queue.Job{Recording: rec}
	for {
		tries = append(tries, r.now.Load().Sub(start))
		row = r.handle(t, job.Recording, job.Attempt)
		if row.State == call.Archived || row.NextAttemptAt.IsZero() || row.NextAttemptAt.Sub(start) > until {
			return tries, row
		}
		r.queue.take()
		r.setNow(row.NextAttemptAt)
		job.Attempt = row.Attempt
	}
}

// TestTheWholeLifeOfALink simulates 115 days by the Archiver's clock.
func TestTheWholeLifeOfALink(t *testing.T) {
	t.Parallel()
	mp3 := audio(t)
	bad := append(bytes.Clone(mp3), bytes.Repeat([]byte("bad "), 200)...)
	from := func(day int, then, before http.HandlerFunc, r **rig) http.HandlerFunc {
		return func(w http.ResponseWriter, req *http.Request) {
			if (*r).now.Load().Sub((*r).start) < time.Duration(day)*24*time.Hour {
				before(w, req)
				return
			}
			then(w, req)
		}
	}
	never := 1000
	for name, c := range map[string]struct {
		day          int
		then, before http.HandlerFunc
		state        call.RecordingState
		within       time.Duration // of the day, for those that come
	}{
		"404 until day 89":      {89, serve(mp3), status(404), call.Archived, time.Hour},
		"425 until day 89":      {89, serve(mp3), status(425), call.Archived, time.Hour},
		"500 until day 89":      {89, serve(mp3), status(500), call.Archived, time.Hour},
		"401 until day 89":      {89, serve(mp3), status(401), call.Archived, time.Hour},
		"html until day 89":     {89, serve(mp3), serve([]byte("<html>")), call.Archived, time.Hour},
		"damaged until day 89":  {89, serve(mp3), serve(bad), call.Archived, time.Hour},
		"cut short till day 89": {89, serve(mp3), serve(mp3[:len(mp3)-50]), call.Archived, time.Hour},
		"410 until day 89":      {89, serve(mp3), status(410), call.Archived, 24 * time.Hour},
		"404 until day 103":     {103, serve(mp3), status(404), call.Archived, 24 * time.Hour},
		"500 until day 106":     {106, serve(mp3), status(500), call.Archived, 8 * 24 * time.Hour},
		"404 for ever":          {never, nil, status(404), call.Expired, 0},
		"410 for ever":          {never, nil, status(410), call.Expired, 0},
		"500, then 404 for ever": {
			95, status(404), status(500), call.Expired, 0,
		},
		"500 for ever":      {never, nil, status(500), call.Retrying, 0},
		"401 for ever":      {never, nil, status(401), call.Retrying, 0},
		"damaged for ever":  {never, nil, serve(bad), call.Quarantined, 0},
		"404 until day 105": {105, serve(mp3), status(404), call.Archived, 0}, // the first at the end, on day 104, is not believed
		"damaged, then 404 for ever": {
			50, status(404), serve(bad), call.Quarantined, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var r *rig
			r = newRig(t, func(w http.ResponseWriter, req *http.Request) { from(c.day, c.then, c.before, &r)(w, req) })
			r.start = *r.now.Load()
			tries, row := r.live(t, r.recording("/a.mp3"), 115*day)
			last := tries[len(tries)-1]
			if row.State != c.state {
				t.Fatalf("ends %s after %d tries, %v: %+v", row.State, len(tries), last, row)
			}
			switch {
			case c.state == call.Archived:
				if came := time.Duration(c.day) * day; last < came || last > came+c.within {
					t.Errorf("came on day %d, fetched after %v", c.day, last)
				}
				if got := read(t, r.bucket, row.Key); !bytes.Equal(got, mp3) {
					t.Errorf("%d bytes", len(got))
				}
			case strings.HasSuffix(name, "404 for ever"), strings.HasSuffix(name, "410 for ever"):
				if !row.Lost() || last < 105*day || !strings.Contains(row.Reason(), "given up") {
					t.Errorf("given up after %v: %s", last, row.Reason())
				}
			default:
				if row.NextAttemptAt.IsZero() {
					t.Errorf("given up without the server's word: %+v", row)
				}
			}
			if n := len(tries); n > 1 && (tries[1] > 2*time.Second || tries[2] > 8*time.Second || tries[3] > 20*time.Second) {
				t.Errorf("early tries at %v", tries[:4])
			}
			if len(tries) > 600 {
				t.Errorf("%d tries", len(tries))
			}
		})
	}
}

func TestDamagedAudioIsKeptOncePerDigestUntilAWholeFileComes(t *testing.T) {
	t.Parallel()
	mp3 := audio(t)
	bad := func(c string) []byte { return append(bytes.Clone(mp3), bytes.Repeat([]byte(c), 800)...) }
	answers := []http.HandlerFunc{serve(bad("x")), serve(bad("x")), serve(bad("y")), status(404), serve(bad("x")), serve(mp3)}
	n := 0
	locks := &lockWatch{locked: map[string]bool{}}
	r := newRig(t, func(w http.ResponseWriter, req *http.Request) { n++; answers[n-1](w, req) }, change{opts: func(o *archive.Options) {
		locks.Bucket = o.Store.(*blob.Bucket)
		o.Store = locks
	}})
	rec := r.recording("/2026/02/28/a.mp3")
	place := func(b []byte) string { return fmt.Sprintf("quarantine/main/%s/%s.mp3", rec.ID, digest(b)) }
	for i, want := range []struct {
		body  []byte // that the row tells of
		files int    // in quarantine
	}{{bad("x"), 1}, {bad("x"), 1}, {bad("y"), 2}, {bad("y"), 2}, {bad("x"), 2}} {
		row := r.handle(t, rec, i)
		if row.State != call.Quarantined || row.Key != place(want.body) || row.SHA256 != digest(want.body) || row.Attempt != i+1 || row.NextAttemptAt.IsZero() || !strings.Contains(row.Reason(), "quarantine") {
			t.Errorf("try %d: %+v", i+1, row)
		}
		if got := read(t, r.bucket, row.Key); !bytes.Equal(got, want.body) {
			t.Errorf("try %d: %d bytes", i+1, len(got))
		}
		if got := len(keys(t, r.bucket)); got != 2*want.files {
			t.Errorf("try %d: %d objects", i+1, got)
		}
		due, _ := r.catalogue.DueRecordings(t.Context(), row.NextAttemptAt, 1)
		if len(due) != 1 {
			t.Errorf("try %d: the planner does not see it", i+1)
		}
		r.setNow(row.NextAttemptAt)
	}
	row := r.handle(t, rec, 5)
	if row.State != call.Archived || row.SHA256 != digest(mp3) || row.Key != bucket.Key(rec, "mp3") || row.Reason() != "" {
		t.Errorf("in the end: %+v", row)
	}
	steps := r.catalogue.names()
	if got := len(slices.DeleteFunc(slices.Clone(steps), func(s string) bool { return s != "quarantined" })); got != 2 {
		t.Errorf("%d steps of quarantine: %v", got, steps)
	}
	for key, locked := range locks.locked { // what changes with every try must not fill the bucket for years
		if locked == strings.HasPrefix(key, bucket.Quarantine) {
			t.Errorf("%s is stored with the configured lock: %v", key, locked)
		}
	}
	if len(locks.locked) != 6 {
		t.Errorf("stored: %v", locks.locked)
	}
}

// lockWatch remembers what is stored under the configured lock.
type lockWatch struct {
	*blob.Bucket
	locked map[string]bool
}

func (s *lockWatch) Put(ctx context.Context, key string, body io.ReaderAt, p blob.Put) error {
	s.locked[key] = !p.Unretained
	return s.Bucket.Put(ctx, key, body, p)
}

func TestAFileWithoutItsEndIsKeptWhenItHadTimeToGrow(t *testing.T) {
	t.Parallel()
	short := audio(t)[:2000]
	r := newRig(t, serve(short))
	rec := r.recording("/a.mp3")
	for i := range 5 {
		row := r.handle(t, rec, i)
		if kept := row.State == call.Quarantined; kept != (i >= 3) {
			t.Errorf("try %d: %s", i+1, row.State)
		}
		r.setNow(row.NextAttemptAt)
	}
}

func TestOddFilesAreArchivedWithAWarning(t *testing.T) {
	t.Parallel()
	mp3 := audio(t) // 1.152 s
	unmeasured := func(w http.ResponseWriter, _ *http.Request) {
		c, buf, _ := w.(http.Hijacker).Hijack()
		defer c.Close()
		buf.WriteString("HTTP/1.0 200 OK\r\n\r\n")
		buf.Write(mp3)
		buf.Flush()
	}
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		talk    time.Duration
		known   bool
		err     error
		code    call.Code
		says    string
	}{
		"as long as the talk":   {serve(mp3), time.Second, true, nil, "", ""},
		"longer":                {serve(lasting(t, 7)), time.Second, true, nil, call.CodeTalkMismatch, "talk took 1s"},
		"shorter: the CDR says": {serve(mp3), time.Minute, true, nil, "", ""},
		"not known yet":         {serve(mp3), 0, false, nil, "", ""},
		"not to be had":         {serve(mp3), time.Minute, true, errInjected, "", ""},
		"no length":             {unmeasured, time.Second, true, nil, call.CodeUnmeasured, "did not say how long"},
	} {
		r := newRig(t, c.handler, change{opts: func(o *archive.Options) {
			o.TalkOf = func(context.Context, string, uint64) (time.Duration, bool, error) {
				return c.talk, c.known, c.err
			}
		}})
		row := r.handle(t, r.recording("/a.mp3"), 0)
		if row.State != call.Archived || row.Code() != c.code || c.says == "" && row.Reason() != "" || !strings.Contains(row.Reason(), c.says) {
			t.Errorf("%s: %s, %q", name, row.State, row.Reason())
		}
	}
}

// The link's end is an estimate, and the first try may come late.
func TestOneDenialIsNotBelieved(t *testing.T) {
	t.Parallel()
	bad := append(audio(t), bytes.Repeat([]byte("bad "), 200)...)
	for _, answers := range [][]int{
		{404, 500, 404, 500, 410, 404},
		{425, 404, 425, 404, 404},
		{200, 404, 404}, // 200: damaged
		{200, 500, 404, 200, 410, 500, 404, 404},
	} {
		n := 0
		r := newRig(t, func(w http.ResponseWriter, req *http.Request) {
			if n++; answers[n-1] == 200 {
				serve(bad)(w, req)
				return
			}
			w.WriteHeader(answers[n-1])
		})
		rec := r.recording("/a.mp3")
		r.setNow(rec.ExpiresAt.Add(40 * day))
		for i := range answers {
			row := r.handle(t, rec, i)
			if last := i == len(answers)-1; row.Lost() != last || row.NextAttemptAt.IsZero() != last {
				t.Fatalf("%v, after %d: %+v", answers, n, row)
			}
			r.setNow(row.NextAttemptAt)
		}
	}
}

// Somebody may wish for another try in between.
func TestADenialIsBelievedADayLaterHoweverOftenItIsAskedFor(t *testing.T) {
	t.Parallel()
	r := newRig(t, status(404))
	rec := r.recording("/a.mp3")
	start := rec.ExpiresAt.Add(40 * day)
	for i, hours := range []int{0, 1, 5, 23} {
		r.setNow(start.Add(time.Duration(hours) * time.Hour))
		if row := r.handle(t, rec, i); row.Lost() || row.NextAttemptAt.Sub(start).Round(time.Minute) != day {
			t.Fatalf("after %d hours: %+v", hours, row)
		}
	}
	r.setNow(start.Add(day))
	if row := r.handle(t, rec, 4); !row.Lost() {
		t.Errorf("after a day: %+v", row)
	}
}

func TestWhatWasGivenUpIsTriedAgainOnlyByWish(t *testing.T) {
	t.Parallel()
	answer := status(404)
	r := newRig(t, func(w http.ResponseWriter, req *http.Request) { answer(w, req) })
	rec := r.recording("/a.mp3")
	r.setNow(rec.ExpiresAt.Add(20 * day))
	r.handle(t, rec, 8)
	r.setNow(rec.ExpiresAt.Add(21 * day))
	if row := r.handle(t, rec, 9); row.State != call.Expired {
		t.Fatalf("%+v", row)
	}
	r.handle(t, rec, 0)
	if row := r.handle(t, rec, 10); r.origin.Asked() != 3 || row.State != call.Expired || row.Attempt != 11 || !row.NextAttemptAt.IsZero() {
		t.Errorf("%d requests, %+v", r.origin.Asked(), row)
	}
	answer = status(500) // says nothing about the file
	if row := r.handle(t, rec, 11); row.State != call.Expired || row.NextAttemptAt.IsZero() {
		t.Errorf("%+v", row)
	}
	answer = serve(audio(t))
	if row := r.handle(t, rec, 12); row.State != call.Archived {
		t.Errorf("%+v", row)
	}
}
