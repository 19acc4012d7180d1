package fixity_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fonoteka/internal/blob"
	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
	"fonoteka/internal/fixity"
)

// locked archives a recording that is locked for years, as the store knows.
func (m *memory) locked(n int, body []byte) call.RecordingStatus {
	row := m.archive(n, body)
	row.Lock = call.Lock{Mode: "COMPLIANCE", Until: time.Now().AddDate(3, 0, 0).UTC().Truncate(time.Second)}
	m.rows[row.ID] = row
	for _, key := range []string{row.Key, bucket.SidecarKey(row.Key)} {
		m.locks[key] = blob.Lock{Mode: blob.Compliance, Until: row.Lock.Until}
	}
	return row
}

func TestAllFilesOfARecordingAreLockedAnew(t *testing.T) {
	t.Parallel()
	m := newMemory()
	row := m.locked(1, []byte("audio"))
	later := row.Lock
	later.Until = later.Until.AddDate(1, 0, 0)
	beside := bucket.BesideKey(row.Key, digest([]byte("other")))
	side := bucket.Sidecar{Schema: bucket.SidecarSchema, Recording: row.Recording, Key: beside, SHA256: digest([]byte("other")), Size: 5, Lock: later}
	doc, err := json.Marshal(side)
	if err != nil {
		t.Fatal(err)
	}
	m.objects[beside], m.objects[bucket.SidecarKey(beside)] = []byte("other"), doc
	row.Conflicts, row.Attempt = 1, row.Attempt+1
	m.rows[row.ID] = row
	whole := m.locked(2, []byte("audio of another"))
	past := m.archive(3, []byte("kept long enough"))
	past.Lock = call.Lock{Mode: "COMPLIANCE", Until: time.Now().Add(-time.Hour)}
	m.rows[past.ID] = past
	delete(m.locks, row.Key)
	delete(m.locks, bucket.SidecarKey(row.Key))

	check := m.checker(0)
	rows := []call.RecordingStatus{row, whole, past}
	if lost, err := check.Unlocked(t.Context(), rows); err != nil || len(lost) != 1 || lost[0].ID != row.ID || len(m.locks) != 2 {
		t.Errorf("unlocked: %d, %v; locks %v", len(lost), err, m.locks)
	}
	n, left, err := check.Relock(t.Context(), rows)
	if err != nil || n != 1 || left != 0 {
		t.Fatalf("%d, %d, %v", n, left, err)
	}
	for key, want := range map[string]call.Lock{
		row.Key: row.Lock, bucket.SidecarKey(row.Key): row.Lock, beside: later, bucket.SidecarKey(beside): later,
	} {
		if got := m.locks[key]; string(got.Mode) != want.Mode || !got.Until.Equal(want.Until) {
			t.Errorf("%s is locked %+v, want %+v", key, got, want)
		}
	}
	if _, is := m.locks[past.Key]; is {
		t.Error("what was kept long enough is locked")
	}
	if len(m.steps) != 1 || m.steps[0].Step != "locked anew" || m.steps[0].RecordingID != row.ID || !strings.Contains(m.steps[0].Detail, "COMPLIANCE until 20") {
		t.Errorf("custody %+v", m.steps)
	}
	if n, _, err = check.Relock(t.Context(), rows); err != nil || n != 0 || len(m.steps) != 1 {
		t.Errorf("again: %d, %v, %d steps", n, err, len(m.steps))
	}
}

// stubborn does not take a lock for some keys.
type stubborn struct {
	*memory
	keys []string
}

func (s stubborn) LockAnew(ctx context.Context, key string, want blob.Lock) (bool, error) {
	if slices.Contains(s.keys, key) {
		return true, errors.New("access denied")
	}
	return s.memory.LockAnew(ctx, key, want)
}

// One that cannot be locked hinders no other; a store that is out is no loss.
func TestOneThatCannotBeLockedHindersNoOther(t *testing.T) {
	t.Parallel()
	m := newMemory()
	one, two := m.locked(1, []byte("audio")), m.locked(2, []byte("audio of another"))
	clear(m.locks)
	check, err := fixity.New(fixity.Options{Rows: m, Custody: m, Store: stubborn{m, []string{one.Key}}, Bucket: "b"})
	if err != nil {
		t.Fatal(err)
	}
	rows := []call.RecordingStatus{one, two}
	if n, left, err := check.Relock(t.Context(), rows); err != nil || n != 2 || left != 1 || !slices.Equal(m.history(two.ID), []string{"locked anew"}) || !slices.Equal(m.history(one.ID), []string{"locked anew"}) || !strings.Contains(m.steps[0].Detail, "objects ") {
		t.Errorf("%d, %v: %v", n, err, m.steps)
	}
	m.broken[two.Key] = true // what cannot be read is no loss
	delete(m.locks, one.Key)
	if n, left, err := check.Relock(t.Context(), rows); err != nil || n != 1 || left != 1 || len(m.steps) != 2 {
		t.Errorf("with one that cannot be read: %d, %d, %v", n, left, err)
	}
	m.down = true
	if n, _, err := m.checker(0).Relock(t.Context(), rows); err == nil || n != 0 {
		t.Errorf("the store is out: %d, %v", n, err)
	}
}

// absent is a catalogue that is out for its first steps.
type absent struct {
	*memory
	times int
}

func (a *absent) Save(ctx context.Context, rows []call.RecordingStatus, steps []call.Custody) error {
	if a.times--; a.times >= 0 {
		return errors.New("the warehouse is out")
	}
	return a.memory.Save(ctx, rows, steps)
}

// A lock that is set shows no loss to the next check: what custody could not take of
// it is kept.
func TestALockThatWasSetIsInCustodyAfterAnOutage(t *testing.T) {
	t.Parallel()
	m := newMemory()
	row := m.locked(1, []byte("audio"))
	clear(m.locks)
	check, err := fixity.New(fixity.Options{Rows: m, Custody: &absent{m, 1}, Store: m, Bucket: "b"})
	if err != nil {
		t.Fatal(err)
	}
	rows := []call.RecordingStatus{row}
	if n, _, err := check.Relock(t.Context(), rows); err == nil || n != 1 || len(m.steps) != 0 {
		t.Fatalf("%d, %v, %v", n, err, m.steps)
	}
	if n, _, err := check.Relock(t.Context(), rows); err != nil || n != 0 || !slices.Equal(m.history(row.ID), []string{"locked anew"}) {
		t.Errorf("%d, %v, %v", n, err, m.steps)
	}
}

// Started over and over, the comparison gets through, and a copied folder is met
// wherever it stood.
func TestLocksAreComparedAcrossRestarts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		const all = 1000
		for n := range all {
			m.locked(n+1, []byte{byte(n), byte(n >> 8)})
		}
		run := func(d time.Duration) {
			l, err := fixity.NewLocks(fixity.LocksOptions{Checker: m.checker(0), Positions: m})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			if err := l.Run(ctx); err != nil {
				t.Fatal(err)
			}
		}
		run(20 * time.Second)
		first := m.places["locks"]
		run(20 * time.Second)
		if second := m.places["locks"]; first >= second || first == "" {
			t.Errorf("places %s, then %s", first, second)
		}
		clear(m.locks)
		check, err := fixity.New(fixity.Options{Rows: m, Custody: &absent{m, 1}, Store: m, Bucket: "b"})
		if err != nil {
			t.Fatal(err)
		}
		l, err := fixity.NewLocks(fixity.LocksOptions{Checker: check, Positions: m})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := l.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if len(m.locks) != 2*all {
			t.Errorf("%d objects are locked anew, want %d", len(m.locks), 2*all)
		}
	})
}

// What is fetched again, or copied, is locked as its sidecar says, and the row says so.
func TestWhatIsFetchedAgainIsLockedAsItsRowSays(t *testing.T) {
	t.Parallel()
	audio := sample(t)
	for name, mode := range map[string]blob.Mode{"a rule": blob.Compliance, "no rule any more": blob.NoRetention} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMemory()
			row := m.locked(1, audio)
			want := row.Lock
			if mode != blob.NoRetention {
				m.rule = blob.Lock{Mode: mode, Until: row.Lock.Until.AddDate(1, 0, 0)}
				want.Until = m.rule.Until
			}
			alter(m, row.Key)
			check := m.checker(0)
			findings, err := check.CheckAll(t.Context(), []call.RecordingStatus{row})
			if err != nil {
				t.Fatal(err)
			}
			f := findings[0]
			f.Row = m.rows[row.ID]
			if whole, err := check.Restore(t.Context(), f, fetched(audio)); err != nil || !whole {
				t.Fatal(whole, err)
			}
			now := m.rows[row.ID]
			if now.Lock != want {
				t.Errorf("the row is locked %+v, want %+v", now.Lock, want)
			}
			side, err := bucket.ReadSidecar(strings.NewReader(string(m.objects[bucket.SidecarKey(now.Key)])))
			if err != nil || mode != blob.NoRetention && side.Lock != want {
				t.Errorf("the sidecar says %+v, %v", side.Lock, err)
			}
			if _, _, err := check.Relock(t.Context(), []call.RecordingStatus{now}); err != nil {
				t.Fatal(err)
			}
			for _, key := range []string{now.Key, bucket.SidecarKey(now.Key)} {
				if l := m.locks[key]; !l.Until.Equal(want.Until) {
					t.Errorf("%s is locked %+v", key, l)
				}
			}
		})
	}
}
