package fixity_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/blob"
	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
	"fonoteka/internal/fixity"
)

const day = 24 * time.Hour

func TestARateIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		for i := range 20 {
			m.archive(i, make([]byte, 500_000))
		}
		began := time.Now()
		r, err := m.checker(1_000_000).Scrub(t.Context(), fixity.Query{}, nil, nil)
		if err != nil || r.Checked != 20 || r.Wrong != 0 {
			t.Fatalf("%+v, %v", r, err)
		}
		if took := time.Since(began); took < 9900*time.Millisecond || took > 10500*time.Millisecond {
			t.Errorf("10 MB at 1 MB/s took %v", took)
		}
	})
}

// worker runs a background check until its context ends.
func worker(t *testing.T, m *memory, fetch fixity.Fetch) (stop func()) {
	t.Helper()
	w, err := fixity.NewWorker(fixity.WorkerOptions{Checker: m.checker(20_000_000), Positions: m, Fetch: fetch, Every: 30 * day})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = w.Run(ctx) }()
	return func() { cancel(); <-done }
}

// checks are the times of each recording's checks.
func (m *memory) checks() map[string][]time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string][]time.Time{}
	for _, s := range m.steps {
		if s.Step == "verified" {
			out[s.RecordingID] = append(out[s.RecordingID], s.At)
		}
	}
	return out
}

// noted is how many steps there are.
func (m *memory) noted() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.steps)
}

func TestEverythingIsCheckedWithinThirtyDaysAcrossRestarts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		began := time.Now()
		for i := range 200 {
			m.archive(i, []byte(fmt.Sprint("body ", i)))
		}
		// Ten days of work, a stop of three days, ten days, and so on.
		for range 9 {
			stop := worker(t, m, nil)
			time.Sleep(10 * day)
			stop()
			time.Sleep(3 * day)
		}
		passes := 0
		for id, at := range m.checks() {
			passes = max(passes, len(at))
			last := began
			for _, c := range at {
				if gap := c.Sub(last); gap > 33*day { // thirty, and three of a stop
					t.Errorf("recording %s waited %v", id, gap)
				}
				if gap := c.Sub(last); last != began && gap < 20*day {
					t.Errorf("recording %s was checked again after %v", id, gap)
				}
				last = c
			}
		}
		if got := len(m.checks()); got != 200 || passes < 3 || passes > 4 {
			t.Errorf("%d recordings, %d passes in %v", got, passes, time.Since(began))
		}
	})
}

func TestAPassIsSpreadEvenly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		for i := range 1350 {
			m.archive(i, []byte("x"))
		}
		defer worker(t, m, nil)()
		for d := range 26 {
			before := m.noted()
			time.Sleep(day)
			if n := m.noted() - before; n < 45 || n > 55 {
				t.Errorf("day %d: %d checks, want about 50", d, n)
			}
		}
	})
}

func TestAnOutageOfTheStoreIsNoFinding(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		for i := range 30 {
			m.archive(i, []byte("x"))
		}
		defer worker(t, m, nil)()
		time.Sleep(10 * day)
		m.mu.Lock()
		m.down = true
		m.mu.Unlock()
		time.Sleep(5 * day)
		m.mu.Lock()
		m.down = false
		m.mu.Unlock()
		time.Sleep(14 * day)
		if got := len(m.checks()); got != 30 || m.noted() != 30 {
			t.Errorf("%d of 30 checked, %d steps", got, m.noted())
		}
	})
}

// sample is a small mp3.
func sample(t *testing.T) []byte {
	t.Helper()
	names, _ := filepath.Glob("../mp3/testdata/*.mp3")
	for _, n := range names {
		if b, err := os.ReadFile(n); err == nil && len(b) > 1000 {
			return b
		}
	}
	t.Fatal("no sample mp3 in ../mp3/testdata")
	return nil
}

func fetched(body []byte) fixity.Fetch {
	return func(context.Context, call.Recording) (fixity.File, error) {
		return fixity.File{Body: bytes.NewReader(body), Size: int64(len(body)), SHA256: digest(body), Close: func() {}}, nil
	}
}

func TestRestoreNeverOverwrites(t *testing.T) {
	t.Parallel()
	audio := sample(t)
	other := append(slices.Clone(audio), audio...)
	for name, c := range map[string]struct {
		damage func(m *memory, key string)
		fetch  fixity.Fetch
		want   string // what the row's reason begins with
		beside bool   // the row names a copy beside
		last   string // step
	}{
		"altered, fetched again":      {alter, fetched(audio), "kept beside: ", true, "restored"},
		"absent, fetched again":       {remove, fetched(audio), "", false, "restored"},
		"altered, another file comes": {alter, fetched(other), "altered: ", false, "conflict"},
		"altered, no fetch":           {alter, nil, "altered: ", false, "altered"},
		"sidecar gone":                {removeSidecar, nil, "", false, "restored"},
		"emptied":                     {func(m *memory, key string) { m.objects[key] = nil }, fetched(audio), "kept beside: ", true, "restored"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMemory()
			row := m.archive(1, audio)
			c.damage(m, row.Key)
			damaged := slices.Clone(m.objects[row.Key])
			check := m.checker(0)
			findings, err := check.CheckAll(t.Context(), []call.RecordingStatus{row})
			if err != nil || len(findings) != 1 || findings[0].Result == fixity.Verified {
				t.Fatalf("%+v, %v", findings, err)
			}
			f := findings[0]
			f.Row = m.rows[row.ID]
			if _, err := check.Restore(t.Context(), f, c.fetch); err != nil {
				t.Fatal(err)
			}
			now := m.rows[row.ID]
			if !strings.HasPrefix(now.Reason(), c.want) || c.want == "" && now.Reason() != "" || now.SHA256 != row.SHA256 || (now.Key != row.Key) != c.beside {
				t.Errorf("row %+v", now)
			}
			if damaged != nil && !bytes.Equal(m.objects[row.Key], damaged) {
				t.Error("the damaged object was overwritten")
			}
			if h := m.history(row.ID); h[len(h)-1] != c.last {
				t.Errorf("custody %q", h)
			}
			if fixity.Faulty(now) == "" {
				again, err := check.CheckAll(t.Context(), []call.RecordingStatus{now})
				if err != nil || again[0].Result != fixity.Verified {
					t.Errorf("after the restore: %+v, %v", again, err)
				}
			}
		})
	}
}

// A copy may be damaged in its turn, and a place beside the first may hold
// something else than its name says: the row names what was read and is right.
func TestARepairIsProvenEachTime(t *testing.T) {
	t.Parallel()
	audio := sample(t)
	none := func(*memory, string) {}
	unreadable := func(m *memory, key string) { m.broken[key] = true }
	for name, c := range map[string]struct {
		beside func(m *memory, key string)   // what a rotten place beside holds at first
		damage []func(m *memory, key string) // of what the row names
		want   string                        // how the key goes on after the stem, in the end
	}{
		"altered again":              {none, []func(*memory, string){alter, alter}, ".DIGEST.2"},
		"altered three times":        {none, []func(*memory, string){alter, alter, alter}, ".DIGEST.3"},
		"unreadable then":            {none, []func(*memory, string){alter, unreadable}, ".DIGEST.2"},
		"absent then":                {none, []func(*memory, string){alter, remove}, ".DIGEST"},
		"first absent, then altered": {none, []func(*memory, string){remove, alter}, ".DIGEST"},
		"copy's sidecar altered":     {none, []func(*memory, string){alter, alter, alterSidecar}, ".DIGEST.2"},
		"rotten beside":              {func(m *memory, key string) { m.objects[key] = []byte("rot") }, []func(*memory, string){alter}, ".DIGEST.2"},
		"rotten beside, absent":      {func(m *memory, key string) { m.objects[key] = []byte("rot") }, []func(*memory, string){remove}, ""},
		"unreadable beside":          {func(m *memory, key string) { m.objects[key] = nil; m.broken[key] = true }, []func(*memory, string){alter}, ".DIGEST.2"},
		"beside without sidecar":     {func(m *memory, key string) { m.objects[key] = slices.Clone(audio) }, []func(*memory, string){alter}, ".DIGEST"},
		"beside with another's": {func(m *memory, key string) {
			m.objects[key], m.objects[bucket.SidecarKey(key)] = slices.Clone(audio), []byte("{}")
		}, []func(*memory, string){alter}, ".DIGEST.2"},
		"absent, its sidecar altered":  {none, []func(*memory, string){func(m *memory, key string) { remove(m, key); alterSidecar(m, key) }}, ".DIGEST"},
		"the first is back meanwhile":  {none, []func(*memory, string){alter, func(m *memory, key string) { alter(m, key); m.objects[stem(key)+".mp3"] = slices.Clone(audio) }}, ""},
		"unreadable, readable at last": {none, []func(*memory, string){unreadable, func(m *memory, key string) { alter(m, key); clear(m.broken) }}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := newMemory()
				row := m.archive(1, audio)
				c.beside(m, bucket.BesideKey(row.Key, row.SHA256))
				check := m.checker(0)
				for _, damage := range c.damage {
					damage(m, row.Key)
					before := map[string][]byte{}
					for key, b := range m.objects {
						before[key] = slices.Clone(b)
					}
					findings, err := check.CheckAll(t.Context(), []call.RecordingStatus{row})
					if err != nil || len(findings) != 1 || findings[0].Result == fixity.Verified {
						t.Fatalf("%+v, %v", findings, err)
					}
					f := findings[0]
					f.Row = m.rows[row.ID]
					ok, err := check.Restore(t.Context(), f, fetched(audio))
					if restorable := f.Part != "sidecar"; err != nil || ok != restorable {
						t.Fatalf("restored: %v, %v", ok, err)
					}
					for key, b := range before {
						if !bytes.Equal(b, m.objects[key]) {
							t.Errorf("%s was overwritten", key)
						}
					}
					row = m.rows[row.ID]
					again, err := check.CheckAll(t.Context(), []call.RecordingStatus{row})
					if err != nil || ok && (again[0].Result != fixity.Verified || fixity.Faulty(row) != "") {
						t.Fatalf("after the repair: %+v, %v", again, err)
					}
				}
				if got := strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(row.Key, stem(row.Key)), ".mp3"), row.SHA256[:16], "DIGEST"); got != c.want {
					t.Errorf("the row names %q, want %q", got, c.want)
				}
				if n := strings.Count(row.Reason(), "kept beside: "); n > 1 || (n == 1) != (c.want != "") {
					t.Errorf("reason %q", row.Reason())
				}
				rebuildable(t, m, row)
			})
		})
	}
}

// rebuildable wants the row of a whole recording to be found again in the bucket,
// without a word about other files.
func rebuildable(t *testing.T, m *memory, row call.RecordingStatus) {
	t.Helper()
	if fixity.Faulty(row) != "" {
		return
	}
	clear(m.rows)
	r, err := m.checker(0).Rebuild(t.Context(), fixity.RebuildOptions{Verify: true}, nil, nil)
	if got := m.rows[row.ID]; err != nil || r.Rebuilt != 1 || got.Key != row.Key || got.SHA256 != row.SHA256 || strings.Contains(got.Reason(), "conflict") {
		t.Errorf("rebuilt: %+v, %+v, %v", r, got, err)
	}
}

// stem is a recording's key without what tells its objects apart.
func stem(key string) string { return key[:strings.Index(key, ".")] }

func alterSidecar(m *memory, key string) { m.objects[bucket.SidecarKey(key)] = []byte("{") }

func alter(m *memory, key string) { m.objects[key][len(m.objects[key])/2] ^= 1 }

func remove(m *memory, key string) { delete(m.objects, key) }

func removeSidecar(m *memory, key string) { delete(m.objects, bucket.SidecarKey(key)) }

func TestNothingIsFetchedOnceTheLinkHasExpired(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		row := m.archive(1, []byte("x"))
		remove(m, row.Key)
		time.Sleep(91 * day)
		defer worker(t, m, func(context.Context, call.Recording) (fixity.File, error) {
			t.Error("the operator was asked")
			return fixity.File{}, blob.ErrNotFound
		})()
		time.Sleep(40 * day)
		if r := m.rows[row.ID]; fixity.Faulty(r) != fixity.Absent {
			t.Errorf("reason %q", r.Reason())
		}
		if h := m.history(row.ID); len(h) > 3 {
			t.Errorf("the same finding fills the chain of custody: %d steps", len(h))
		}
	})
}

func TestOrphansOfEitherSideAreNamed(t *testing.T) {
	t.Parallel()
	m := newMemory()
	var rows []call.RecordingStatus
	for i := range 6 {
		rows = append(rows, m.archive(i, []byte(fmt.Sprint(i))))
	}
	delete(m.rows, rows[0].ID)
	removeSidecar(m, rows[1].Key)
	remove(m, rows[2].Key)
	m.objects["recordings/main/notes.txt"] = []byte("x")
	announced := rows[3]
	announced.State = call.Announced
	m.rows[rows[3].ID] = announced
	var got []string
	r, err := m.checker(0).Orphans(t.Context(), func(o fixity.Orphan) { got = append(got, string(o.Kind)+" "+filepath.Base(o.Key)) }, nil)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	want := []string{
		"object without row " + filepath.Base(rows[0].Key), "object without row " + filepath.Base(rows[3].Key),
		"recording without sidecar " + filepath.Base(rows[1].Key), "row without object " + filepath.Base(rows[2].Key),
		"sidecar without recording " + rows[2].ID + ".json", "unknown object notes.txt",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%+v (-want +got):\n%s", r, diff)
	}
}

// quarantine adds damaged audio of a recording, and the row that says so.
func (m *memory) quarantine(n int, body string, attempt int) call.RecordingStatus {
	sum := digest([]byte(body))
	rec := call.Recording{Integration: "main", ID: fmt.Sprintf("%032x", n), AnnouncedAt: time.Now().UTC(), ExpiresAt: time.Now().UTC().AddDate(0, 0, 90)}
	side := bucket.Sidecar{
		Schema: bucket.SidecarSchema, Recording: rec, Key: bucket.Quarantine + "main/" + rec.ID + "/" + sum + ".mp3",
		SHA256: sum, Size: int64(len(body)), Attempt: attempt, FetchedAt: rec.AnnouncedAt, StoredAt: rec.AnnouncedAt, Failure: call.Failure{Code: call.CodeIncomplete, GotBytes: int64(len(body))},
	}
	doc, _, _ := side.Document()
	m.objects[side.Key], m.objects[bucket.SidecarKey(side.Key)] = []byte(body), doc
	m.rows[rec.ID] = side.Row("b")
	return m.rows[rec.ID]
}

func TestOrphansOfQuarantineAreNamed(t *testing.T) {
	t.Parallel()
	m := newMemory()
	whole := m.archive(1, []byte("whole"))
	m.quarantine(1, "came damaged first", 1)
	m.rows[whole.ID] = whole
	lost, gone, kept := m.quarantine(2, "a", 1), m.quarantine(3, "b", 1), m.quarantine(4, "c", 1)
	m.quarantine(4, "d", 2)
	delete(m.rows, lost.ID)
	remove(m, gone.Key)
	removeSidecar(m, kept.Key)
	m.objects["quarantine/main/"+kept.ID+"/notes.mp3"] = nil
	var got []string
	r, err := m.checker(0).Orphans(t.Context(), func(o fixity.Orphan) { got = append(got, string(o.Kind)+" "+o.Key) }, nil)
	if err != nil || r.Objects != 1 || r.Recordings != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	slices.Sort(got)
	want := []string{
		"object without row " + lost.Key, "recording without sidecar " + kept.Key, "row without object " + gone.Key,
		"sidecar without recording " + bucket.SidecarKey(gone.Key), "unknown object quarantine/main/" + kept.ID + "/notes.mp3",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%+v (-want +got):\n%s", r, diff)
	}
}

// What came damaged gets its row again, unless something better is known, and is
// tried again.
func TestRebuildKnowsQuarantine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		old := m.quarantine(4, "of long ago", 3)
		time.Sleep(91 * day)
		whole := m.archive(1, []byte("whole"))
		m.quarantine(1, "came damaged first", 1)
		m.quarantine(2, "second", 2)
		latest := m.quarantine(2, "third", 3)
		m.quarantine(2, "first", 1)
		known := m.quarantine(3, "known", 2)
		bare := m.quarantine(5, "bare", 1)
		removeSidecar(m, bare.Key)
		clear(m.rows)
		known.Attempt, known.NextAttemptAt = 9, time.Now().Add(time.Hour).UTC()
		m.rows[known.ID] = known
		announced := call.RecordingStatus{Recording: latest.Recording, State: call.Announced}
		m.rows[latest.ID] = announced
		for _, dry := range []bool{true, false} {
			var bad []string
			r, err := m.checker(0).Rebuild(t.Context(), fixity.RebuildOptions{Verify: true, DryRun: dry}, func(key, _ string) { bad = append(bad, key) }, nil)
			if err != nil || r.Listed != 5 || r.Rebuilt != 3 || r.Damaged != 2 || r.Present != 1 || r.Unusable != 1 || r.Faulty != 0 || r.Unknown != 0 {
				t.Errorf("%+v, %v", r, err)
			}
			if diff := cmp.Diff([]string{"quarantine/main/" + bare.ID}, bad); diff != "" {
				t.Errorf("no row for (-want +got):\n%s", diff)
			}
			if dry && (m.rows[latest.ID] != announced || m.noted() != 0) {
				t.Error("something was written")
			}
		}
		latest.NextAttemptAt, old.NextAttemptAt = time.Now().UTC(), time.Now().UTC()
		for _, want := range []call.RecordingStatus{whole, latest, known, old} {
			if diff := cmp.Diff(want, m.rows[want.ID]); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		}
		if diff := cmp.Diff([]string{"quarantined", "rebuilt"}, m.history(latest.ID)); diff != "" {
			t.Errorf("custody (-want +got):\n%s", diff)
		}
		if r, err := m.checker(0).Rebuild(t.Context(), fixity.RebuildOptions{}, nil, nil); err != nil || r.Rebuilt != 0 || r.Present != 4 {
			t.Errorf("again: %+v, %v", r, err)
		}
	})
}

// A recording that the operator's server gave twice, differently, gets the row
// that it had; one whose first file is damaged gets the copy beside it.
func TestRebuildChoosesAmongSeveralFiles(t *testing.T) {
	t.Parallel()
	m := newMemory()
	row := m.archive(1, []byte("first"))
	put := func(body string) string {
		side := bucket.Sidecar{Schema: 1, Recording: row.Recording, Key: bucket.BesideKey(row.Key, digest([]byte(body))), SHA256: digest([]byte(body)), Size: int64(len(body)), Attempt: 2}
		doc := fmt.Sprintf(`{"schema":1,"recording":{"integration":"main","recording_id":%q,"call_id":"0"},"key":%q,"sha256":%q,"size":%d,"attempt":2}`,
			row.ID, side.Key, side.SHA256, side.Size)
		m.objects[side.Key], m.objects[bucket.SidecarKey(side.Key)] = []byte(body), []byte(doc)
		return side.Key
	}
	put("second")
	rebuild := func(o fixity.RebuildOptions) call.RecordingStatus {
		clear(m.rows)
		if r, err := m.checker(0).Rebuild(t.Context(), o, nil, nil); err != nil || r.Rebuilt != 1 {
			t.Fatalf("%+v, %v", r, err)
		}
		return m.rows[row.ID]
	}
	want := row
	want.Conflicts, want.Attempt = 1, 2 // each file took a try
	if diff := cmp.Diff(want, rebuild(fixity.RebuildOptions{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	good := put("first")
	alter(m, row.Key)
	if got := rebuild(fixity.RebuildOptions{Verify: true}); got.SHA256 != row.SHA256 || got.Key != good || fixity.Faulty(got) != "" {
		t.Errorf("got %+v", got)
	}
}
