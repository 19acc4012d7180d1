package fixity_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"fonoteka/internal/blob"
	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
	"fonoteka/internal/fixity"
)

// memory is bucket, catalogue and position in memory, on which time can be
// simulated. The real ones are under test with the program.
type memory struct {
	mu      sync.Mutex
	objects map[string][]byte
	rows    map[string]call.RecordingStatus
	steps   []call.Custody
	places  map[string]string
	down    bool
	locks   map[string]blob.Lock
	rule    blob.Lock       // of what is put now
	shared  [][]string      // keys that were to have one lock
	broken  map[string]bool // keys that the store has and does not give back
}

func newMemory() *memory {
	return &memory{objects: map[string][]byte{}, rows: map[string]call.RecordingStatus{}, places: map[string]string{}, broken: map[string]bool{}, locks: map[string]blob.Lock{}}
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// archive adds a whole recording.
func (m *memory) archive(n int, body []byte) call.RecordingStatus {
	id := fmt.Sprintf("%032x", n)
	at := time.Now().UTC()
	side := bucket.Sidecar{
		Schema: bucket.SidecarSchema, Key: "recordings/main/2026/11/20/" + id + ".mp3", SHA256: digest(body), Size: int64(len(body)),
		Recording: call.Recording{Integration: "main", ID: id, AnnouncedAt: at, ExpiresAt: at.AddDate(0, 0, 90)}, Attempt: 1, FetchedAt: at, StoredAt: at,
	}
	doc, _ := json.Marshal(side)
	m.objects[side.Key], m.objects[bucket.SidecarKey(side.Key)] = slices.Clone(body), doc
	m.rows[id] = side.Row("b")
	return m.rows[id]
}

func (m *memory) Archived(_ context.Context, q fixity.Query, limit int) ([]call.RecordingStatus, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []call.RecordingStatus
	for _, id := range slices.Sorted(maps.Keys(m.rows)) {
		r := m.rows[id]
		if (!q.Faulty || r.Fault.Kind != "") && !r.Lock.Until.Before(q.LockedAfter) && r.State == cmp.Or(q.State, call.Archived) && id > q.AfterID && len(out) < limit {
			out = append(out, r)
		}
	}
	return out, nil
}

func (m *memory) Count(ctx context.Context, q fixity.Query) (n, size uint64, err error) {
	rows, err := m.Archived(ctx, q, 1<<30)
	for _, r := range rows {
		size += uint64(r.Size)
	}
	return uint64(len(rows)), size, err
}

func (m *memory) ByID(_ context.Context, ids []string) ([]call.RecordingStatus, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []call.RecordingStatus
	for _, id := range ids {
		if r, ok := m.rows[id]; ok {
			out = append(out, r)
		}
	}
	return out, nil
}

func (m *memory) Save(_ context.Context, rows []call.RecordingStatus, steps []call.Custody) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.steps = append(m.steps, steps...)
	for _, r := range rows {
		if old, ok := m.rows[r.ID]; !ok || r.Version() >= old.Version() {
			m.rows[r.ID] = r
		}
	}
	return nil
}

func (m *memory) LastStep(_ context.Context, rows []call.RecordingStatus, steps ...string) ([]time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]time.Time, len(rows))
	for i, r := range rows {
		for _, s := range m.steps {
			if s.RecordingID == r.ID && slices.Contains(steps, s.Step) && s.At.After(out[i]) {
				out[i] = s.At
			}
		}
	}
	return out, nil
}

func (m *memory) Progress(_ context.Context, name string) (string, error) { return m.places[name], nil }

func (m *memory) SetProgress(_ context.Context, name, place string) error {
	m.places[name] = place
	return nil
}

func (m *memory) get(key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down || m.broken[key] {
		return nil, io.ErrClosedPipe
	}
	b, ok := m.objects[key]
	if !ok {
		return nil, blob.ErrNotFound
	}
	return b, nil
}

func (m *memory) GetRange(_ context.Context, key string, _, _ int64) (io.ReadCloser, blob.Object, error) {
	b, err := m.get(key)
	return io.NopCloser(bytes.NewReader(b)), blob.Object{Key: key, Size: int64(len(b))}, err
}

func (m *memory) Stat(_ context.Context, key string) (blob.Object, error) {
	b, err := m.get(key)
	return blob.Object{Key: key, Size: int64(len(b))}, err
}

func (m *memory) Put(_ context.Context, key string, body io.ReaderAt, p blob.Put) error {
	b, err := io.ReadAll(io.NewSectionReader(body, 0, p.Size))
	if err != nil || digest(b) != p.SHA256 {
		return fmt.Errorf("refused: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, taken := m.objects[key]; taken {
		return blob.ErrExists
	}
	m.objects[key] = b
	if p.Lock.Mode != blob.NoRetention {
		m.locks[key] = p.Lock
	}
	return nil
}

func (m *memory) LockNow(string) blob.Lock { return m.rule }

func (m *memory) Lock(_ context.Context, key, _ string) (blob.Lock, error) {
	_, err := m.get(key)
	return m.locks[key], err
}

func (m *memory) LockAnew(ctx context.Context, key string, want blob.Lock) (bool, error) {
	have, err := m.Lock(ctx, key, "")
	if err != nil || have.Covers(want) {
		return false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.locks[key] = want
	return true, nil
}

func (m *memory) List(_ context.Context, prefix string, each func(blob.Object) bool) error {
	for _, key := range slices.Sorted(maps.Keys(m.objects)) {
		if strings.HasPrefix(key, prefix) && !each(blob.Object{Key: key, Size: int64(len(m.objects[key]))}) {
			return nil
		}
	}
	return nil
}

func (m *memory) ShareLock(_ context.Context, keys ...string) error {
	m.shared = append(m.shared, keys)
	return nil
}

func (m *memory) Ping(context.Context) error {
	if m.down {
		return io.ErrClosedPipe
	}
	return nil
}

func (m *memory) checker(rate int64) *fixity.Checker {
	c, err := fixity.New(fixity.Options{Rows: m, Custody: m, Store: m, Bucket: "b", BytesPerSecond: rate})
	if err != nil {
		panic(err)
	}
	return c
}

// names of the steps of one recording.
func (m *memory) history(id string) (out []string) {
	for _, s := range m.steps {
		if s.RecordingID == id {
			out = append(out, s.Step)
		}
	}
	return out
}
