package archive_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fonoteka/internal/archive"
	"fonoteka/internal/blob"
	"fonoteka/internal/call"
	"fonoteka/internal/embedded/embeddedtest"
	"fonoteka/internal/fetch"
	"fonoteka/internal/fetch/fetchtest"
	"fonoteka/internal/queue"
)

var (
	audio     = fetchtest.MP3
	digest    = fetchtest.Digest
	gzipped   = fetchtest.Gzipped
	hosts     = fetchtest.Hosts
	newOrigin = fetchtest.NewOrigin
	serve     = fetchtest.Serve
	status    = fetchtest.Status
	answer    = fetchtest.Answer
	stall     = fetchtest.Stall
	cut       = fetchtest.Cut
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

// catalogue keeps rows as the warehouse does: the highest version shows.
type catalogue struct {
	mu    sync.Mutex
	rows  map[string]call.RecordingStatus
	steps []call.Custody
}

func newCatalogue(rows ...call.RecordingStatus) *catalogue {
	c := &catalogue{rows: map[string]call.RecordingStatus{}}
	for _, r := range rows {
		c.rows[r.Integration+"/"+r.ID] = r
	}
	return c
}

func (c *catalogue) Save(_ context.Context, row call.RecordingStatus, steps ...call.Custody) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old, ok := c.rows[row.Integration+"/"+row.ID]; !ok || row.Version() >= old.Version() {
		c.rows[row.Integration+"/"+row.ID] = row
	}
	for _, s := range steps {
		if !slices.Contains(c.steps, s) {
			c.steps = append(c.steps, s)
		}
	}
	return nil
}

func (c *catalogue) Recording(_ context.Context, integration, id string) (call.RecordingStatus, bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	row, ok := c.rows[integration+"/"+id]
	return row, ok, nil
}

func (c *catalogue) Whole(ctx context.Context, integration, id string) (call.RecordingStatus, bool, error) {
	return c.Recording(ctx, integration, id)
}

func (c *catalogue) DueRecordings(_ context.Context, now time.Time, limit int) (due []call.RecordingStatus, _ error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.rows {
		if (r.State.Rank() <= 1 || r.State == call.Quarantined || r.State == call.Archived) && (r.State == call.Announced || !r.NextAttemptAt.IsZero()) && !r.NextAttemptAt.After(now) {
			due = append(due, r)
		}
	}
	slices.SortFunc(due, func(a, b call.RecordingStatus) int { return a.ExpiresAt.Compare(b.ExpiresAt) })
	return due[:min(len(due), limit)], nil
}

func (c *catalogue) RefusedRecordings(_ context.Context, limit int) (refused []call.RecordingStatus, _ error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.rows {
		if r.State == call.Refused {
			refused = append(refused, r)
		}
	}
	return refused[:min(len(refused), limit)], nil
}

func (c *catalogue) names() (steps []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.steps {
		steps = append(steps, s.Step)
	}
	return steps
}

// jobs is a queue that only remembers.
type jobs struct {
	mu   sync.Mutex
	list []entry
}

type entry struct {
	job queue.Job
	o   queue.Options
}

func (q *jobs) Enqueue(_ context.Context, job queue.Job, o queue.Options) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.list = append(q.list, entry{job, o})
	return nil
}

func (q *jobs) take() []entry {
	q.mu.Lock()
	defer q.mu.Unlock()
	defer func() { q.list = nil }()
	return q.list
}

// rig is an archiver on a real store, with a server to fetch from.
type rig struct {
	*archive.Archiver
	catalogue *catalogue
	queue     *jobs
	bucket    *blob.Bucket
	origin    *fetchtest.Origin
	now       atomic.Pointer[time.Time]
	start     time.Time
}

type change struct {
	fetch func(o *fetch.Options, self string) // self is the origin's address
	opts  func(*archive.Options)
}

func newRig(t *testing.T, handler http.HandlerFunc, changes ...change) *rig {
	t.Helper()
	r := &rig{catalogue: newCatalogue(), queue: &jobs{}, bucket: newBucket(t), origin: newOrigin(t, handler)}
	r.setNow(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	fo := fetch.Options{Hosts: hosts(t, r.origin.Addr()), TempDir: t.TempDir()}
	o := archive.Options{
		Catalogue: r.catalogue, Store: r.bucket, Bucket: r.bucket.Name(), Queue: r.queue, Parallel: 4,
		Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return *r.now.Load() },
	}
	for _, c := range changes {
		if c.fetch != nil {
			c.fetch(&fo, r.origin.Addr())
		}
	}
	f, err := fetch.New(fo)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	o.Fetcher = f
	for _, c := range changes {
		if c.opts != nil {
			c.opts(&o)
		}
	}
	if r.Archiver, err = archive.New(o); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) setNow(t time.Time) { r.now.Store(&t) }

// recording is one on the rig's server, announced now.
func (r *rig) recording(path string) call.Recording {
	return recording(r.origin.URL+path, *r.now.Load())
}

func recording(link string, announced time.Time) call.Recording {
	return call.Recording{
		Integration: "main", ID: call.RecordingID("main", link), URL: link, GroupID: 1<<63 + 5, PlatformCallID: "abc", PlatformID: "abc~1o",
		AccountID: "883140000000001", AnnouncedAt: announced, ExpiresAt: call.Expiry(announced, link, 90*24*time.Hour),
	}
}

func (r *rig) handle(t *testing.T, rec call.Recording, attempt int) call.RecordingStatus {
	t.Helper()
	if err := r.Handle(t.Context(), queue.Job{Recording: rec, Attempt: attempt}); err != nil {
		t.Fatalf("Handle: %v", err)
	}
	row, _, _ := r.catalogue.Recording(t.Context(), rec.Integration, rec.ID)
	return row
}

func newBucket(t testing.TB, retention ...blob.Retention) *blob.Bucket {
	t.Helper()
	addr, key, secret := embeddedtest.S3(t)
	o := blob.Options{URL: "s3://" + key + ":" + secret + "@" + addr + "/a-" + strings.ToLower(rand.Text()[:16]) + "?secure=false"}
	if len(retention) > 0 {
		o.Retention = retention[0]
	}
	b, err := blob.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	if err := b.EnsureBucket(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b
}

func read(t testing.TB, b *blob.Bucket, key string) []byte {
	t.Helper()
	r, _, err := b.Get(context.Background(), key)
	if err != nil {
		t.Errorf("reading %s: %v", key, err)
		return nil
	}
	defer r.Close()
	body, err := io.ReadAll(r)
	if err != nil {
		t.Error(err)
	}
	return body
}

func keys(t testing.TB, b *blob.Bucket) (out []string) {
	t.Helper()
	if err := b.List(context.Background(), "", func(o blob.Object) bool { out = append(out, o.Key); return true }); err != nil {
		t.Error(err)
	}
	return out
}

var errInjected = errors.New("injected")
