package archive_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"fonoteka/internal/archive"
	"fonoteka/internal/blob"
	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
	"fonoteka/internal/queue"
)

// fault breaks the n-th write, before or after it took effect, and everything
// after it, as a crash does.
type fault struct {
	n     int
	after bool
	once  bool // only this write, as a lost answer does
	count int
	hit   bool
}

func (f *fault) write(do func() error) error {
	f.count++
	switch {
	case f.count == f.n:
		f.hit = true
		if f.after {
			do()
		}
		return errInjected
	case f.count > f.n && f.hit && !f.once:
		return errInjected
	}
	return do()
}

type faultyStore struct {
	*blob.Bucket
	f *fault
}

func (s faultyStore) Put(ctx context.Context, key string, body io.ReaderAt, p blob.Put) error {
	return s.f.write(func() error { return s.Bucket.Put(ctx, key, body, p) })
}

type faultyCatalogue struct {
	*catalogue
	f *fault
}

func (c faultyCatalogue) Save(ctx context.Context, row call.RecordingStatus, steps ...call.Custody) error {
	return c.f.write(func() error { return c.catalogue.Save(ctx, row, steps...) })
}

type faultyQueue struct {
	*jobs
	f *fault
}

func (q faultyQueue) Enqueue(ctx context.Context, job queue.Job, o queue.Options) error {
	return q.f.write(func() error { return q.jobs.Enqueue(ctx, job, o) })
}

func TestP4ACrashAtAnyWriteEndsArchivedOnce(t *testing.T) {
	t.Parallel()
	mp3 := audio(t)
	for n := 1; ; n++ {
		reached := false
		for _, after := range []bool{false, true} {
			for _, once := range []bool{false, true} {
				name := fmt.Sprintf("write %d, took effect %v, once %v", n, after, once)
				f := &fault{n: n, after: after, once: once}
				r := newRig(t, serve(mp3), change{opts: func(o *archive.Options) {
					o.Store = faultyStore{o.Store.(*blob.Bucket), f}
					o.Catalogue = faultyCatalogue{o.Catalogue.(*catalogue), f}
					o.Queue = faultyQueue{o.Queue.(*jobs), f}
				}})
				job := queue.Job{Recording: r.recording("/2026/02/28/a.mp3")}
				err := r.Handle(t.Context(), job)
				if f.hit && err == nil {
					t.Errorf("%s: Handle says nothing of it", name)
				}
				reached = reached || f.hit
				f.n, f.hit = 0, false // up again
				for range 2 {
					if err := r.Handle(t.Context(), job); err != nil {
						t.Errorf("%s: again: %v", name, err)
					}
				}
				r.checkArchived(t, job.Recording, mp3)
				if t.Failed() {
					t.Fatal(name)
				}
			}
		}
		if !reached {
			if n != 4 {
				t.Errorf("the protocol has %d writes, want mp3, sidecar, row", n-1)
			}
			return
		}
	}
}

// TestWhileTheCatalogueIsOut: files reach the bucket, the row follows; a file
// that is missing is asked for by the schedule and not more often.
func TestWhileTheCatalogueIsOut(t *testing.T) {
	t.Parallel()
	mp3 := audio(t)
	out := &fault{n: 1}
	catalogueOut := change{opts: func(o *archive.Options) { o.Catalogue = deafCatalogue{o.Catalogue.(*catalogue), out} }}

	r := newRig(t, serve(mp3), catalogueOut)
	job := queue.Job{Recording: r.recording("/a.mp3")}
	for range 3 {
		if err := r.Handle(t.Context(), job); err == nil {
			t.Error("a job without its row is done")
		}
	}
	if got := read(t, r.bucket, bucket.Key(job.Recording, "mp3")); string(got) != string(mp3) || r.origin.Asked() != 1 {
		t.Errorf("%d bytes stored after %d requests", len(got), r.origin.Asked())
	}
	out.n, out.hit = 0, false
	r.handle(t, job.Recording, 0)
	r.checkArchived(t, job.Recording, mp3)

	out = &fault{n: 1}
	r = newRig(t, status(404), catalogueOut)
	job = queue.Job{Recording: r.recording("/a.mp3")}
	for attempt := range 8 {
		if err := r.Handle(t.Context(), job); err != nil {
			t.Fatal(err)
		}
		next := r.queue.take()
		if len(next) != 1 || next[0].job.Attempt != attempt+1 || !next[0].o.At.After(*r.now.Load()) {
			t.Fatalf("after try %d: %+v", attempt+1, next)
		}
		job = next[0].job
		r.setNow(next[0].o.At)
	}
}

// deafCatalogue neither reads nor writes while the fault lasts.
type deafCatalogue struct {
	*catalogue
	f *fault
}

func (c deafCatalogue) Recording(ctx context.Context, integration, id string) (call.RecordingStatus, bool, error) {
	if c.f.n > 0 {
		return call.RecordingStatus{}, false, errInjected
	}
	return c.catalogue.Recording(ctx, integration, id)
}

func (c deafCatalogue) Save(ctx context.Context, row call.RecordingStatus, steps ...call.Custody) error {
	if c.f.n > 0 {
		return errInjected
	}
	return c.catalogue.Save(ctx, row, steps...)
}

func TestWhileTheStoreIsOutTheServerIsAskedOnce(t *testing.T) {
	t.Parallel()
	dead, err := blob.Open(blob.Options{URL: "s3://k:s@127.0.0.1:1/bucket?secure=false"})
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, serve(audio(t)), change{opts: func(o *archive.Options) { o.Store = dead }})
	// The first job finds the outage out; after it nobody asks the server in vain.
	for range 3 {
		if err := r.Handle(t.Context(), queue.Job{Recording: r.recording("/a.mp3")}); err == nil || r.origin.Asked() != 1 {
			t.Errorf("%v after %d requests", err, r.origin.Asked())
		}
	}
}

// brokenFor fails on one recording only.
type brokenFor struct {
	*blob.Bucket
	id     *string
	panics bool
}

func (s brokenFor) Put(ctx context.Context, key string, body io.ReaderAt, p blob.Put) error {
	switch {
	case !strings.Contains(key, *s.id):
		return s.Bucket.Put(ctx, key, body, p)
	case s.panics:
		panic("no idea")
	}
	return errInjected
}

func TestWhatOnlyFailsIsPutOffWhereOthersAreArchived(t *testing.T) {
	t.Parallel()
	for _, panics := range []bool{false, true} {
		id := ""
		r := newRig(t, serve(audio(t)), change{opts: func(o *archive.Options) {
			o.Store = brokenFor{o.Store.(*blob.Bucket), &id, panics}
		}})
		bad, good := r.recording("/bad.mp3"), r.recording("/good.mp3")
		id = bad.ID
		failed := func(failures int) (err error) {
			defer func() {
				if v := recover(); v != nil { // the queue's to tell of, and to try again
					err = fmt.Errorf("panic: %v", v)
				}
			}()
			return r.Handle(t.Context(), queue.Job{Recording: bad, Failures: failures})
		}
		if failed(0) == nil || failed(40) == nil {
			t.Errorf("panics %v: put off in an outage", panics)
		}
		if row := r.handle(t, good, 0); row.State != call.Archived {
			t.Fatalf("%+v", row)
		}
		if failed(3) == nil {
			t.Errorf("panics %v: put off after three failures", panics)
		}
		if _, known, _ := r.catalogue.Recording(t.Context(), "main", bad.ID); known {
			t.Errorf("panics %v: the catalogue knows of it", panics)
		}
		if err := failed(40); err != nil {
			t.Errorf("panics %v: %v", panics, err)
		}
		row, _, _ := r.catalogue.Recording(t.Context(), "main", bad.ID)
		if row.State != call.Retrying || row.Attempt != 1 || !strings.Contains(row.Reason(), "failed on this recording 41 times") || row.NextAttemptAt.IsZero() {
			t.Errorf("panics %v: %+v", panics, row)
		}
	}
}
