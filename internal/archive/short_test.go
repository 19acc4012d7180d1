package archive_test

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/archive"
	"fonoteka/internal/blob"
	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
	"fonoteka/internal/embedded/embeddedtest"
	"fonoteka/internal/queue"
)

// lasting is a recording that plays for n times 1.152 s.
func lasting(t testing.TB, n int) []byte { return bytes.Repeat(audio(t), n) }

// finished does with the row what the CDR of a call with one leg of that talk does.
func (r *rig) finished(t *testing.T, rec call.Recording, talk time.Duration) call.RecordingStatus {
	t.Helper()
	row, _, _ := r.catalogue.Recording(t.Context(), rec.Integration, rec.ID)
	record := call.Record{Integration: rec.Integration, Legs: []call.Leg{{AccountID: rec.AccountID, Talk: talk, Finished: true}}}
	for _, judged := range record.Judged([]call.RecordingStatus{row}, *r.now.Load()) {
		if err := r.catalogue.Save(t.Context(), judged); err != nil {
			t.Fatal(err)
		}
		row = judged
	}
	return row
}

// due is planner, clock and worker until something is due, and returns the row then.
func (r *rig) due(t *testing.T, rec call.Recording) call.RecordingStatus {
	t.Helper()
	row, _, _ := r.catalogue.Recording(t.Context(), rec.Integration, rec.ID)
	if row.NextAttemptAt.IsZero() {
		t.Fatalf("nothing is planned: %+v", row)
	}
	r.setNow(row.NextAttemptAt)
	due, err := r.catalogue.DueRecordings(t.Context(), *r.now.Load(), 10)
	if err != nil || len(due) != 1 {
		t.Fatalf("the planner sees %d: %v", len(due), err)
	}
	if err := r.Handle(t.Context(), queue.Job{Recording: due[0].Recording, Attempt: due[0].Attempt, Due: due[0].NextAttemptAt}); err != nil {
		t.Fatal(err)
	}
	row, _, _ = r.catalogue.Recording(t.Context(), rec.Integration, rec.ID)
	return row
}

// answers serves one after the other; the last goes on.
func answers(handlers ...http.HandlerFunc) http.HandlerFunc {
	n := 0
	return func(w http.ResponseWriter, r *http.Request) {
		h := handlers[min(n, len(handlers)-1)]
		n++
		h(w, r)
	}
}

// The operator is asked before the file is whole: 21.9 s of 60 s.
func TestAShortRecordingIsFetchedAgainAndTheLongestIsPlayed(t *testing.T) {
	t.Parallel()
	short, whole := lasting(t, 19), lasting(t, 52)
	r := newRig(t, answers(serve(short), serve(whole)))
	rec := r.recording("/2026/02/28/a.mp3")
	start := *r.now.Load()
	r.handle(t, rec, 0)
	if row := r.finished(t, rec, time.Minute); row.Code() != call.CodeShort || !row.NextAttemptAt.Equal(start.Add(time.Hour)) {
		t.Fatalf("judged: %+v", row)
	}
	row := r.due(t, rec)
	beside := bucket.BesideKey(bucket.Key(rec, "mp3"), digest(whole))
	if row.Key != beside || row.SHA256 != digest(whole) || row.Size != int64(len(whole)) || row.Duration.Round(time.Second) != time.Minute || row.Attempt != 2 {
		t.Errorf("played is %+v", row)
	}
	if row.ShortTalk != 0 || !row.NextAttemptAt.IsZero() || row.State != call.Archived || row.Conflicts != 1 || row.Code() != call.CodeConflict {
		t.Errorf("it is short still: %s, %+v", row.Reason(), row)
	}
	for key, want := range map[string][]byte{bucket.Key(rec, "mp3"): short, beside: whole} {
		if got := read(t, r.bucket, key); !bytes.Equal(got, want) {
			t.Errorf("%s has %d bytes", key, len(got))
		}
		side, err := bucket.ReadSidecar(bytes.NewReader(read(t, r.bucket, bucket.SidecarKey(key))))
		if err != nil || side.SHA256 != digest(want) || side.Key != key {
			t.Errorf("sidecar of %s: %+v, %v", key, side, err)
		}
	}
	for _, body := range [][]byte{short, whole} {
		for _, step := range []string{"fetched", "stored", "sidecar"} {
			if !slices.ContainsFunc(r.catalogue.steps, func(s call.Custody) bool { return s.Step == step && s.SHA256 == digest(body) }) {
				t.Errorf("custody has no %s of %d bytes: %+v", step, len(body), r.catalogue.steps)
			}
		}
	}
	if n := r.origin.Asked(); n != 2 {
		t.Errorf("%d requests", n)
	}
}

// The same file, an hour apart: there is no other, and it is not asked for any more.
func TestWhatIsShortAtTheOperatorIsFetchedTwice(t *testing.T) {
	t.Parallel()
	r := newRig(t, serve(lasting(t, 19)))
	rec := r.recording("/2026/02/28/a.mp3")
	first := r.handle(t, rec, 0)
	r.finished(t, rec, time.Minute)
	row := r.due(t, rec)
	if !row.ShortAtOperator() || row.Code() != call.CodeShortAtOperator || !row.NextAttemptAt.IsZero() || row.ShortTalk != time.Minute {
		t.Errorf("%s, %+v", row.Reason(), row)
	}
	if row.Key != first.Key || row.SHA256 != first.SHA256 || row.ArchivedAt != first.ArchivedAt || row.Conflicts != 0 || len(keys(t, r.bucket)) != 2 {
		t.Errorf("%+v, %v", row, keys(t, r.bucket))
	}
	if again := r.finished(t, rec, time.Minute); again != row {
		t.Errorf("judged again: %+v", again)
	}
	r.setNow(r.now.Load().Add(48 * time.Hour))
	r.handle(t, rec, row.Attempt)
	if n := r.origin.Asked(); n != 2 {
		t.Errorf("%d requests", n)
	}
	if steps := r.catalogue.names(); !slices.Contains(steps, "refetched") {
		t.Errorf("custody: %v", steps)
	}
}

// A file that grows is followed: three more fetches, an hour, a day, and a day before
// its end.
func TestAFileThatGrowsIsFetchedThreeTimesMore(t *testing.T) {
	t.Parallel()
	r := newRig(t, answers(serve(lasting(t, 10)), serve(lasting(t, 20)), serve(lasting(t, 15)), serve(lasting(t, 30)), serve(lasting(t, 40))))
	rec := r.recording("/2026/02/28/a.mp3")
	start := *r.now.Load()
	r.handle(t, rec, 0)
	r.finished(t, rec, time.Minute)
	for i, want := range []struct {
		after time.Duration
		plays int // whose file is played
	}{{time.Hour, 20}, {day, 20}, {rec.ExpiresAt.Sub(start) - day, 30}} {
		row := r.due(t, rec)
		if at := r.now.Load().Sub(start); at != want.after || row.SHA256 != digest(lasting(t, want.plays)) || row.Conflicts != i+1 {
			t.Errorf("fetch %d after %v: %+v", i+1, at, row)
		}
		if row.NextAttemptAt.IsZero() != (i == 2) || row.ShortAtOperator() {
			t.Errorf("after fetch %d: %+v", i+1, row)
		}
	}
	row, _, _ := r.catalogue.Recording(t.Context(), rec.Integration, rec.ID)
	if row.Code() != call.CodeShort || r.origin.Asked() != 4 {
		t.Errorf("in the end %s, %d requests", row.Reason(), r.origin.Asked())
	}
}

// A recording whose files are of several formats: the longest is played, as what it is.
func TestAShortRecordingOfAnotherFormatIsMadeGood(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first, then   []byte
		format        string
		key, besideOf string // extensions
	}{
		"a wav that grows":   {pcm(20), pcm(60), "wav", ".wav", ".wav"},
		"an mp3, then wav":   {lasting(t, 19), pcm(60), "wav", ".mp3", ".wav"},
		"a wav, then an mp3": {pcm(20), lasting(t, 52), "mp3", ".wav", ".mp3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, answers(serve(c.first), serve(c.then)))
			rec := r.recording("/2026/02/28/a.mp3")
			if row := r.handle(t, rec, 0); row.Key != bucket.Stem(rec)+c.key {
				t.Fatalf("%+v", row)
			}
			r.finished(t, rec, time.Minute)
			row := r.due(t, rec)
			if want := bucket.BesideKey(bucket.Stem(rec)+c.besideOf, digest(c.then)); row.Key != want || row.Format != c.format || row.SHA256 != digest(c.then) || row.ShortTalk != 0 || row.Conflicts != 1 {
				t.Errorf("want %s: %+v", want, row)
			}
			if got := len(keys(t, r.bucket)); got != 4 || !bytes.Equal(read(t, r.bucket, row.Key), c.then) {
				t.Errorf("%d objects", got)
			}
		})
	}
}

// A WAV that is short for ever.
func TestAWAVThatIsShortAtTheOperator(t *testing.T) {
	t.Parallel()
	r := newRig(t, serve(pcm(20)))
	rec := r.recording("/2026/02/28/a.mp3")
	r.handle(t, rec, 0)
	r.finished(t, rec, time.Minute)
	if row := r.due(t, rec); !row.ShortAtOperator() || row.Format != "wav" || row.Conflicts != 0 || len(keys(t, r.bucket)) != 2 {
		t.Errorf("%+v", row)
	}
}

// pcm is a WAV of silence, 8 kHz, 16 bits.
func pcm(seconds int) []byte {
	const rate = 8000
	data := make([]byte, seconds*rate*2)
	b := []byte("RIFF")
	b = binary.LittleEndian.AppendUint32(b, uint32(36+len(data)))
	b = append(b, "WAVEfmt "...)
	b = binary.LittleEndian.AppendUint32(b, 16)
	for _, v := range []uint16{1, 1} { // PCM, mono
		b = binary.LittleEndian.AppendUint16(b, v)
	}
	b = binary.LittleEndian.AppendUint32(b, rate)
	b = binary.LittleEndian.AppendUint32(b, rate*2)
	for _, v := range []uint16{2, 16} {
		b = binary.LittleEndian.AppendUint16(b, v)
	}
	b = append(b, "data"...)
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(data))), data...)
}

// What came before comes again.
func TestAnOlderFileThatComesAgainSettlesIt(t *testing.T) {
	t.Parallel()
	r := newRig(t, answers(serve(lasting(t, 20)), serve(lasting(t, 19)), serve(lasting(t, 20))))
	rec := r.recording("/2026/02/28/a.mp3")
	first := r.handle(t, rec, 0)
	r.finished(t, rec, time.Minute)
	if row := r.due(t, rec); row.ShortAtOperator() || row.SHA256 != first.SHA256 || row.Conflicts != 1 {
		t.Errorf("another, shorter one: %+v", row)
	}
	if row := r.due(t, rec); !row.ShortAtOperator() || row.SHA256 != first.SHA256 || row.Conflicts != 1 {
		t.Errorf("the first one again: %+v", row)
	}
}

// Less than an hour apart proves nothing.
func TestTheSameFileWithinTheHourSettlesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, answers(serve(lasting(t, 19))))
	rec := r.recording("/2026/02/28/a.mp3")
	r.handle(t, rec, 0)
	row := r.finished(t, rec, time.Minute)
	row.NextAttemptAt = r.now.Load().Add(59 * time.Minute) // somebody's wish
	if err := r.catalogue.Save(t.Context(), row); err != nil {
		t.Fatal(err)
	}
	if row = r.due(t, rec); row.ShortAtOperator() || row.NextAttemptAt.IsZero() || row.Attempt != 2 {
		t.Errorf("%+v", row)
	}
	if row = r.due(t, rec); !row.ShortAtOperator() {
		t.Errorf("an hour after: %+v", row)
	}
}

// What fails leaves what is archived as it is, and the plan goes on.
func TestAFailedFetchOfAShortRecordingChangesNothingElse(t *testing.T) {
	t.Parallel()
	bad := append(lasting(t, 52), bytes.Repeat([]byte("bad "), 200)...)
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		next    []time.Duration // after the start
	}{
		"404":     {status(404), []time.Duration{day, 89 * day}},
		"500":     {status(500), []time.Duration{day, 2 * day, 3 * day}},
		"damaged": {serve(bad), []time.Duration{day, 2 * day}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, answers(serve(lasting(t, 19)), c.handler))
			rec := recording(r.origin.URL+"/a.mp3", *r.now.Load())
			start := *r.now.Load()
			first := r.handle(t, rec, 0)
			r.finished(t, rec, time.Minute)
			for i, want := range c.next {
				row := r.due(t, rec)
				if got := row.NextAttemptAt.Sub(start); got != want {
					t.Errorf("failure %d: next after %v, want %v", i+1, got, want)
				}
				if row.State != call.Archived || row.Key != first.Key || row.Attempt != i+2 || row.Code() != call.CodeShort || len(keys(t, r.bucket)) != 2 {
					t.Errorf("failure %d: %+v", i+1, row)
				}
			}
			if steps := r.catalogue.names(); !slices.Contains(steps, "failed") {
				t.Errorf("custody: %v", steps)
			}
		})
	}
}

// The talk is corrected down: there is nothing to fetch.
func TestACorrectedTalkEndsThePlan(t *testing.T) {
	t.Parallel()
	r := newRig(t, serve(lasting(t, 19)))
	rec := r.recording("/2026/02/28/a.mp3")
	first := r.handle(t, rec, 0)
	planned := r.finished(t, rec, time.Minute)
	if row := r.finished(t, rec, 23*time.Second); row != first {
		t.Errorf("%+v", row)
	}
	r.setNow(planned.NextAttemptAt)
	r.handle(t, rec, planned.Attempt) // a job that was in the queue already
	if n := r.origin.Asked(); n != 1 {
		t.Errorf("%d requests", n)
	}
}

// A crash between the writes, and the job again: one file more, and it is played.
func TestACrashWhileAShortRecordingIsFetchedAgain(t *testing.T) {
	t.Parallel()
	short, whole := lasting(t, 19), lasting(t, 52)
	for n := 1; ; n++ {
		f := &fault{}
		r := newRig(t, answers(serve(short), serve(whole)), change{opts: func(o *archive.Options) {
			o.Store = faultyStore{o.Store.(*blob.Bucket), f}
			o.Catalogue = faultyCatalogue{o.Catalogue.(*catalogue), f}
		}})
		rec := r.recording("/2026/02/28/a.mp3")
		r.handle(t, rec, 0)
		row := r.finished(t, rec, time.Minute)
		r.setNow(row.NextAttemptAt)
		job := queue.Job{Recording: rec, Attempt: row.Attempt}
		f.count, f.n = 0, n
		err := r.Handle(t.Context(), job)
		hit := f.hit
		if hit && err == nil {
			t.Errorf("write %d: Handle says nothing of it", n)
		}
		f.n, f.hit = 0, false
		for range 2 {
			if err := r.Handle(t.Context(), job); err != nil {
				t.Fatalf("write %d, again: %v", n, err)
			}
		}
		row, _, _ = r.catalogue.Recording(t.Context(), rec.Integration, rec.ID)
		if row.SHA256 != digest(whole) || row.ShortTalk != 0 || row.Conflicts != 1 || len(keys(t, r.bucket)) != 4 {
			t.Fatalf("write %d: %+v, %v", n, row, keys(t, r.bucket))
		}
		if !hit {
			if n < 3 {
				t.Errorf("only %d writes", n)
			}
			return
		}
	}
}

// Two different files of one recording, whyever: the longest is the recording.
func TestOfDifferentFilesTheLongestIsTheRecording(t *testing.T) {
	t.Parallel()
	r := newRig(t, answers(serve(lasting(t, 5)), serve(lasting(t, 9))))
	rec := r.recording("/2026/02/28/a.mp3")
	r.handle(t, rec, 0)
	delete(r.catalogue.rows, "main/"+rec.ID) // the catalogue is lost, and the announcement comes again
	row := r.handle(t, rec, 0)
	if row.SHA256 != digest(lasting(t, 9)) || row.Conflicts != 1 || !strings.Contains(row.Reason(), "the longest is the recording") {
		t.Errorf("%s: %+v", row.Reason(), row)
	}
}

// All files of a recording are kept as well as the one that is kept best: in a bucket
// with a retention, where somebody has laid a legal hold on the first file.
func TestAllFilesOfARecordingShareLockAndHold(t *testing.T) {
	t.Parallel()
	addr, key, secret := embeddedtest.MinIO(t)
	b, err := blob.Open(blob.Options{
		URL:       "s3://" + key + ":" + secret + "@" + addr + "/lock-" + strings.ToLower(rand.Text()[:16]) + "?secure=false",
		Retention: blob.Retention{Mode: blob.Governance, For: blob.Period{Years: 3}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	if err := b.EnsureBucket(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, answers(serve(lasting(t, 19)), serve(lasting(t, 52))), change{opts: func(o *archive.Options) { o.Store, o.Bucket = b, b.Name() }})
	rec := r.recording("/2026/02/28/a.mp3")
	first := r.handle(t, rec, 0)
	if err := b.SetHold(t.Context(), first.Key, "", true); err != nil {
		t.Fatal(err)
	}
	before, err := b.Lock(t.Context(), first.Key, "")
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Until(before.Until.AddDate(-3, 0, 0)) + time.Second) // the second file's own date is a later one
	r.finished(t, rec, time.Minute)
	if row := r.due(t, rec); row.SHA256 != digest(lasting(t, 52)) {
		t.Fatalf("%+v", row)
	}
	all := keys(t, b)
	locks := map[blob.Lock]int{}
	for _, key := range all {
		l, err := b.Lock(t.Context(), key, "")
		if err != nil {
			t.Fatal(err)
		}
		locks[l]++
		if !l.Held || l.Mode != blob.Governance || !l.Until.After(before.Until) {
			t.Errorf("%s: %+v", key, l)
		}
	}
	if len(all) != 4 || len(locks) != 1 {
		t.Errorf("%d objects, locks %v", len(all), locks)
	}
}
