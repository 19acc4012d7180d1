package archive_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
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
	"fonoteka/internal/queue"
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
	origin    *origin
	now       atomic.Pointer[time.Time]
	start     time.Time
}

type change struct {
	fetch func(o *archive.FetchOptions, self string) // self is the origin's address
	opts  func(*archive.Options)
}

func newRig(t *testing.T, handler http.HandlerFunc, changes ...change) *rig {
	t.Helper()
	r := &rig{catalogue: newCatalogue(), queue: &jobs{}, bucket: newBucket(t), origin: newOrigin(t, handler)}
	r.setNow(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	fo := archive.FetchOptions{Hosts: hosts(t, r.origin.addr()), TempDir: t.TempDir()}
	o := archive.Options{
		Catalogue: r.catalogue, Store: r.bucket, Bucket: r.bucket.Name(), Queue: r.queue, Parallel: 4,
		Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return *r.now.Load() },
	}
	for _, c := range changes {
		if c.fetch != nil {
			c.fetch(&fo, r.origin.addr())
		}
	}
	f, err := archive.NewFetcher(fo)
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

func hosts(t testing.TB, entries ...string) archive.Hosts {
	t.Helper()
	h, err := archive.ParseHosts(entries...)
	if err != nil {
		t.Fatal(err)
	}
	return h
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

// origin is the operator's server.
type origin struct {
	*httptest.Server
	mu       sync.Mutex
	requests []*http.Request
	quiet    bool // remembers no requests
}

func newOrigin(t testing.TB, h http.HandlerFunc) *origin {
	t.Helper()
	o := &origin{}
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		if !o.quiet {
			o.requests = append(o.requests, r)
		}
		o.mu.Unlock()
		h(w, r)
	}))
	t.Cleanup(o.Close)
	return o
}

func (o *origin) addr() string { return strings.TrimPrefix(o.URL, "http://") }

func (o *origin) asked() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.requests)
}

func audio(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("../mp3/testdata/mpeg25-8khz.mp3")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func serve(body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "audio/mpeg")
		w.Write(body)
	}
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
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
