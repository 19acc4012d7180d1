package fixity_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
	"fonoteka/internal/fixity"
)

// besides adds other files of a recording, which play for these times, and returns
// their keys. The row stays as it is.
func (m *memory) keep(t *testing.T, row call.RecordingStatus, ext string, plays ...time.Duration) (keys []string) {
	t.Helper()
	for _, d := range plays {
		body := []byte(ext + d.String())
		side := bucket.Sidecar{
			Schema: bucket.SidecarSchema, Recording: row.Recording, SHA256: digest(body), Size: int64(len(body)), DurationMS: d.Milliseconds(), Format: ext,
			Attempt: 2, FetchedAt: time.Now().UTC(), StoredAt: time.Now().UTC(),
		}
		side.Key = strings.TrimSuffix(bucket.BesideKey(row.Key, side.SHA256), ".mp3") + "." + ext
		doc, err := json.Marshal(side)
		if err != nil {
			t.Fatal(err)
		}
		m.objects[side.Key], m.objects[bucket.SidecarKey(side.Key)] = body, doc
		keys = append(keys, side.Key)
	}
	return keys
}

// The bucket alone says which of several files is the recording.
func TestRebuildTakesTheLongestFile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		plays  []time.Duration
		ext    string
		want   int // of plays; -1: the first file, which has no length
		verify bool
	}{
		"one longer":             {[]time.Duration{time.Minute}, "mp3", 0, false},
		"one longer, verified":   {[]time.Duration{time.Minute}, "mp3", 0, true},
		"one longer, a wav":      {[]time.Duration{time.Minute}, "wav", 0, false},
		"the second of three":    {[]time.Duration{20 * time.Second, time.Minute, 30 * time.Second}, "mp3", 1, false},
		"none longer":            {[]time.Duration{0}, "mp3", -1, false},
		"several, one is a copy": {[]time.Duration{time.Minute, time.Second}, "mp3", 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := newMemory()
				first := m.archive(1, []byte("short"))
				keys := m.keep(t, first, c.ext, c.plays...)
				clear(m.rows)
				r, err := m.checker(0).Rebuild(t.Context(), fixity.RebuildOptions{Verify: c.verify}, nil, nil)
				if err != nil || r.Rebuilt != 1 || r.Faulty != 0 {
					t.Fatalf("%+v, %v", r, err)
				}
				row := m.rows[first.ID]
				want := first.Key
				if c.want >= 0 {
					want = keys[c.want]
				}
				if row.Key != want || row.SHA256 != digest(m.objects[want]) || row.Conflicts != len(c.plays) {
					t.Errorf("the recording is %s with %d beside: %+v", row.Key, row.Conflicts, row)
				}
			})
		})
	}
}

// Scrub reads what is kept beside a recording as well, and nobody takes it for an orphan.
func TestScrubChecksAllFilesOfARecording(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		harm func(m *memory, beside string)
		want fixity.Result
	}{
		"nothing":     {func(*memory, string) {}, fixity.Verified},
		"altered":     {func(m *memory, beside string) { m.objects[beside] = []byte("other") }, fixity.Altered},
		"absent":      {func(m *memory, beside string) { delete(m.objects, beside) }, fixity.Absent},
		"its sidecar": {func(m *memory, beside string) { delete(m.objects, bucket.SidecarKey(beside)) }, fixity.Absent},
		"both": {func(m *memory, beside string) {
			delete(m.objects, beside)
			delete(m.objects, bucket.SidecarKey(beside))
		}, fixity.Absent},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := newMemory()
				first := m.archive(1, []byte("short"))
				beside := m.keep(t, first, "mp3", time.Minute)[0]
				row := first
				row.Conflicts = 1
				m.rows[row.ID] = row
				time.Sleep(2 * time.Hour)
				r, err := m.checker(0).Orphans(t.Context(), func(o fixity.Orphan) { t.Errorf("an orphan: %+v", o) }, nil)
				if err != nil || r.Recordings != 1 {
					t.Errorf("%+v, %v", r, err)
				}
				c.harm(m, beside)
				report, err := m.checker(0).Scrub(t.Context(), fixity.Query{}, nil, nil)
				if err != nil || report.Checked != 1 {
					t.Fatalf("%+v, %v", report, err)
				}
				got := m.rows[row.ID]
				if want := call.FaultKind(c.want); c.want != fixity.Verified && (got.Fault.Kind != want || got.Fault.Part != call.BesidePart || !strings.Contains(got.Reason(), "itself is whole")) || c.want == fixity.Verified && got != row {
					t.Errorf("%s: %+v", got.Reason(), got.Fault)
				}
				if good, err := m.checker(0).Restore(t.Context(), fixity.Finding{Row: got, Result: c.want, Part: call.BesidePart}, nil); good || err != nil {
					t.Errorf("restored: %v, %v", good, err)
				}
				all := slices.Sorted(slices.Values([]string{first.Key, bucket.SidecarKey(first.Key), beside, bucket.SidecarKey(beside)}))
				if c.want == fixity.Verified && (len(m.shared) != 1 || cmp.Diff(all, slices.Sorted(slices.Values(m.shared[0]))) != "") {
					t.Errorf("one lock is of %v", m.shared)
				}
			})
		})
	}
}

// A damaged recording whose link brings a longer file is that file then, as a catalogue
// that is rebuilt from the bucket has it.
func TestALongerFileThatIsFetchedForADamagedOneIsTheRecording(t *testing.T) {
	t.Parallel()
	audio := sample(t)
	longer := append(slices.Clone(audio), audio...)
	m := newMemory()
	row := m.archive(1, audio)
	var side bucket.Sidecar
	if err := json.Unmarshal(m.objects[bucket.SidecarKey(row.Key)], &side); err != nil {
		t.Fatal(err)
	}
	side.DurationMS, row.Duration = 1000, time.Second
	m.objects[bucket.SidecarKey(row.Key)], _ = json.Marshal(side)
	m.rows[row.ID] = row
	alter(m, row.Key)
	check := m.checker(0)
	findings, err := check.CheckAll(t.Context(), []call.RecordingStatus{row})
	if err != nil || len(findings) != 1 {
		t.Fatal(err)
	}
	f := findings[0]
	f.Row = m.rows[row.ID]
	if good, err := check.Restore(t.Context(), f, fetched(longer)); !good || err != nil {
		t.Errorf("%v, %v", good, err)
	}
	now := m.rows[row.ID]
	if now.SHA256 != digest(longer) || now.Conflicts != 1 || now.Fault.Kind != "" {
		t.Errorf("%+v", now)
	}
	clear(m.rows)
	if _, err := check.Rebuild(t.Context(), fixity.RebuildOptions{}, nil, nil); err != nil {
		t.Fatal(err)
	}
	if built := m.rows[row.ID]; built.Key != now.Key || built.SHA256 != now.SHA256 || built.Conflicts != 1 || built.Duration != now.Duration {
		t.Errorf("rebuilt: %+v, was %+v", built, now)
	}
}
