package archive_test

import (
	"bytes"
	"testing"
	"time"

	"fonoteka/internal/archive"
	"fonoteka/internal/blob"
	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
	"fonoteka/internal/queue"
)

// What an object is locked by is in its sidecar and in the row, to the second, and the
// sidecar itself is locked as long.
func TestTheRowSaysWhatIsLocked(t *testing.T) {
	t.Parallel()
	store := newBucket(t, blob.Retention{Mode: blob.Governance, For: blob.Period{Years: 3}})
	r := newRig(t, serve(audio(t)), change{opts: func(o *archive.Options) { o.Store, o.Bucket = store, store.Name() }})
	rec := r.recording("/2026/02/28/a.mp3")
	row := r.handle(t, rec, 0)
	if row.State != call.Archived || row.Lock.Mode != "GOVERNANCE" || row.Lock.Until.Before(time.Now().AddDate(2, 11, 0)) {
		t.Fatalf("row %s, locked %+v", row.State, row.Lock)
	}
	for _, key := range []string{row.Key, bucket.SidecarKey(row.Key)} {
		l, err := store.Lock(t.Context(), key, "")
		if err != nil || string(l.Mode) != row.Lock.Mode || !l.Until.Equal(row.Lock.Until) {
			t.Errorf("%s is locked %+v, the row says %+v (%v)", key, l, row.Lock, err)
		}
	}
	side, err := bucket.ReadSidecar(bytes.NewReader(read(t, store, bucket.SidecarKey(row.Key))))
	if err != nil || side.Row("").Lock != row.Lock {
		t.Errorf("sidecar %+v, %v", side.Lock, err)
	}

	// An object without a sidecar, as a crash leaves it: what the store has is noted.
	rec = r.recording("/2026/02/28/b.mp3")
	body := audio(t)
	lock := blob.Lock{Mode: blob.Governance, Until: time.Now().AddDate(7, 0, 0).UTC().Truncate(time.Second)}
	if err := store.Put(t.Context(), bucket.Key(rec, "mp3"), bytes.NewReader(body), blob.Put{Size: int64(len(body)), SHA256: digest(body), Lock: lock}); err != nil {
		t.Fatal(err)
	}
	if err := r.Handle(t.Context(), queue.Job{Recording: rec}); err != nil {
		t.Fatal(err)
	}
	row, _, _ = r.catalogue.Recording(t.Context(), rec.Integration, rec.ID)
	if row.Lock != (call.Lock{Mode: string(lock.Mode), Until: lock.Until}) {
		t.Errorf("after a crash: %+v, want %+v", row.Lock, lock)
	}
}
