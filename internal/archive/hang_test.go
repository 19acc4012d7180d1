package archive_test

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/archive"
	"fonoteka/internal/blob"
	"fonoteka/internal/call"
	"fonoteka/internal/embedded/embeddedtest"
	"fonoteka/internal/queue"
)

// hanging is a store whose first write hangs, whatever its context says, and
// takes effect when it is let go.
type hanging struct {
	*blob.Bucket
	first atomic.Bool
	letGo chan struct{}
}

func (s *hanging) Put(ctx context.Context, key string, body io.ReaderAt, p blob.Put) error {
	if s.first.CompareAndSwap(false, true) {
		<-s.letGo
		ctx = context.WithoutCancel(ctx)
	}
	return s.Bucket.Put(ctx, key, body, p)
}

// A worker may hang on a dead disk or in a library: its time runs out, another
// one does the job, and what the first does when it comes to itself, hours
// later perhaps, changes nothing.
func TestP3AWorkerThatHangsPastItsTimeIsReplaced(t *testing.T) {
	t.Parallel()
	store := &hanging{letGo: make(chan struct{})}
	letGo := sync.OnceFunc(func() { close(store.letGo) })
	mp3 := audio(t)
	r := newRig(t, serve(mp3), change{opts: func(o *archive.Options) {
		store.Bucket = o.Store.(*blob.Bucket)
		o.Store = store
	}})
	rec := r.recording("/2026/02/28/a.mp3")
	ended := hungJob(t, r, rec)
	defer letGo()
	state := func() call.RecordingState {
		row, _, _ := r.catalogue.Recording(t.Context(), "main", rec.ID)
		return row.State
	}
	eventually(t, "another worker archives it", func() bool { return state() == call.Archived })
	if n := ended.Load(); n > 1 {
		t.Errorf("%d tries have ended: the first does not hang", n)
	}
	before, _, _ := r.catalogue.Recording(t.Context(), "main", rec.ID)
	letGo()
	eventually(t, "the first one ends", func() bool { return ended.Load() == 2 })
	r.checkArchived(t, rec, mp3)
	after, _, _ := r.catalogue.Recording(t.Context(), "main", rec.ID)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the row changed when the first worker woke: %s", diff)
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(30 * time.Second); !ok(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("not in half a minute: %s", what)
		}
	}
}

// hungJob works rec off by a real queue whose jobs have a second, and counts the
// tries that have ended.
func hungJob(t *testing.T, r *rig, rec call.Recording) *atomic.Int32 {
	t.Helper()
	addr, password := embeddedtest.Redis(t)
	url := "redis://:" + password + "@" + addr + "/0"
	client, err := queue.NewClient(queue.ClientOptions{URL: url, JobTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	returned := &atomic.Int32{}
	server, err := queue.NewServer(queue.ServerOptions{URL: url, Concurrency: 2, Handler: func(ctx context.Context, j queue.Job) error {
		defer returned.Add(1)
		return r.Handle(ctx, j)
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-ended })
	if err := client.Enqueue(t.Context(), queue.Job{Recording: rec}, queue.Options{}); err != nil {
		t.Fatal(err)
	}
	return returned
}
