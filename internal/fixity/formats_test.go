package fixity_test

import (
	"bytes"
	"maps"
	"os"
	"path"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
	"fonoteka/internal/fixity"
)

func tone(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("../audio/testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// archiveAs adds a whole recording in a format, its sidecar at a key of its own.
func (m *memory) archiveAs(row call.RecordingStatus, key, sidecar string, body []byte) call.RecordingStatus {
	side := bucket.Sidecar{
		Schema: bucket.SidecarSchema, Recording: row.Recording, Key: key, Format: path.Ext(key)[1:], SHA256: digest(body), Size: int64(len(body)),
		DurationMS: 400, Attempt: 1, FetchedAt: row.AnnouncedAt, StoredAt: row.AnnouncedAt,
	}
	doc, _, _ := side.Document()
	m.objects[key], m.objects[sidecar] = slices.Clone(body), doc
	m.rows[row.ID] = side.Row("b")
	return m.rows[row.ID]
}

// wav is a recording whose file is a WAV.
func (m *memory) wav(n int, body []byte) call.RecordingStatus {
	row := m.archive(n, body)
	delete(m.objects, row.Key)
	key := stem(row.Key) + ".wav"
	return m.archiveAs(row, key, bucket.SidecarKey(key), body)
}

// orphans lists what is on one side only.
func (m *memory) orphans(t *testing.T) (all []string) {
	t.Helper()
	if _, err := m.checker(0).Orphans(t.Context(), func(o fixity.Orphan) { all = append(all, string(o.Kind)+" "+o.Key) }, nil); err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

func TestAWAVIsCheckedRestoredAndRebuilt(t *testing.T) {
	t.Parallel()
	body := tone(t, "alaw.wav")
	for name, c := range map[string]struct {
		damage func(m *memory, key string)
		want   string // how the key goes on after the stem
	}{
		"altered":         {alter, ".DIGEST.wav"},
		"absent":          {remove, ".wav"},
		"sidecar removed": {removeSidecar, ".wav"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMemory()
			row := m.wav(1, body)
			if r, err := m.checker(0).Scrub(t.Context(), fixity.Query{}, nil, nil); err != nil || r.Checked != 1 || r.Wrong != 0 {
				t.Fatalf("%+v, %v", r, err)
			}
			if all := m.orphans(t); len(all) != 0 {
				t.Errorf("orphans %q", all)
			}
			c.damage(m, row.Key)
			findings, err := m.checker(0).CheckAll(t.Context(), []call.RecordingStatus{row})
			if err != nil || len(findings) != 1 || findings[0].Result == fixity.Verified {
				t.Fatalf("%+v, %v", findings, err)
			}
			f := findings[0]
			f.Row = m.rows[row.ID]
			if ok, err := m.checker(0).Restore(t.Context(), f, fetched(body)); err != nil || !ok {
				t.Fatalf("restored: %v, %v", ok, err)
			}
			now := m.rows[row.ID]
			want := stem(row.Key) + map[string]string{".wav": ".wav", ".DIGEST.wav": "." + digest(body)[:16] + ".wav"}[c.want]
			if now.Key != want || now.Format != "wav" || fixity.Faulty(now) != "" {
				t.Errorf("row %+v", now)
			}
			if r, err := m.checker(0).Scrub(t.Context(), fixity.Query{}, nil, nil); err != nil || r.Wrong != 0 {
				t.Errorf("after the restore: %+v, %v", r, err)
			}
			rebuildable(t, m, now)
			if got := m.rows[row.ID]; got.Format != "wav" || got.Duration != now.Duration {
				t.Errorf("rebuilt %+v", got)
			}
		})
	}
}

// What was stored as an mp3 stays one, though it is known better today: a WAV with a
// short header and frames of MPEG audio in it. Its row says no format yet.
func TestARestoredFileHasTheFormatOfItsKey(t *testing.T) {
	t.Parallel()
	m := newMemory()
	body := tone(t, "ff-mp3.wav")
	row := m.archive(1, body)
	row.Format = ""
	m.rows[row.ID] = row
	alter(m, row.Key)
	findings, err := m.checker(0).CheckAll(t.Context(), []call.RecordingStatus{row})
	if err != nil || len(findings) != 1 {
		t.Fatalf("%+v, %v", findings, err)
	}
	f := findings[0]
	f.Row = m.rows[row.ID]
	if ok, err := m.checker(0).Restore(t.Context(), f, fetched(body)); err != nil || !ok || path.Ext(m.rows[row.ID].Key) != ".mp3" {
		t.Errorf("%v, %v: %+v", ok, err, m.rows[row.ID])
	}
	if side, err := bucket.ReadSidecar(bytes.NewReader(m.objects[bucket.SidecarKey(m.rows[row.ID].Key)])); err != nil || side.Format != "mp3" {
		t.Errorf("sidecar %+v, %v", side, err)
	}
}

// Two workers stored files of different formats at one moment: the sidecar of the one
// that was second is at the place of a file beside.
func TestTwoFirstFilesHaveTheirSidecars(t *testing.T) {
	t.Parallel()
	mp3, wav := sample(t), tone(t, "alaw.wav")
	m := newMemory()
	row := m.archive(1, mp3)
	row = m.archiveAs(row, row.Key, bucket.SidecarKey(row.Key), mp3) // which plays as long
	second := stem(row.Key) + ".wav"
	beside := bucket.BesideSidecarKey(second, digest(wav))
	m.archiveAs(row, second, beside, wav)
	for _, named := range []call.RecordingStatus{row, m.rows[row.ID]} { // the one or the other
		m.rows[row.ID] = named
		if all := m.orphans(t); len(all) != 0 {
			t.Errorf("%s: orphans %q", named.Key, all)
		}
		if r, err := m.checker(0).Scrub(t.Context(), fixity.Query{}, nil, nil); err != nil || r.Wrong != 0 {
			t.Errorf("%s: %+v, %v", named.Key, r, err)
		}
	}
	clear(m.rows)
	r, err := m.checker(0).Rebuild(t.Context(), fixity.RebuildOptions{Verify: true}, nil, nil)
	if got := m.rows[row.ID]; err != nil || r.Rebuilt != 1 || got.Key != row.Key || got.Format != "mp3" || got.Conflicts != 1 {
		t.Errorf("%+v, %v: %+v", r, err, got)
	}
	// The first one's sidecar is absent: it is written again into its own place.
	delete(m.objects, bucket.SidecarKey(row.Key))
	want := []string{"recording without sidecar " + row.Key}
	if diff := cmp.Diff(want, m.orphans(t)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	m.rows[row.ID] = row
	findings, err := m.checker(0).CheckAll(t.Context(), []call.RecordingStatus{row})
	if err != nil || len(findings) != 1 || findings[0].Part != call.SidecarPart {
		t.Fatalf("%+v, %v", findings, err)
	}
	findings[0].Row = m.rows[row.ID]
	if ok, err := m.checker(0).Restore(t.Context(), findings[0], nil); err != nil || !ok || len(m.orphans(t)) != 0 {
		t.Errorf("%v, %v: orphans %q", ok, err, m.orphans(t))
	}
	// The second one's, likewise.
	delete(m.objects, beside)
	if diff := cmp.Diff([]string{"recording without sidecar " + second}, m.orphans(t)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	other := m.rows[row.ID]
	other.Key, other.Format, other.SHA256, other.Size, other.Attempt = second, "wav", digest(wav), int64(len(wav)), other.Attempt+1
	m.rows[row.ID] = other
	if findings, err = m.checker(0).CheckAll(t.Context(), []call.RecordingStatus{other}); err != nil || len(findings) != 1 || findings[0].Part != call.SidecarPart {
		t.Fatalf("%+v, %v", findings, err)
	}
	findings[0].Row = m.rows[row.ID]
	if ok, err := m.checker(0).Restore(t.Context(), findings[0], nil); err != nil || !ok || len(m.orphans(t)) != 0 || m.objects[beside] == nil {
		t.Errorf("%v, %v: orphans %q", ok, err, m.orphans(t))
	}
}

// A file of another format beside, which a recording's row may name, goes back to its own
// place, and not to that of the first.
func TestAFileBesideIsRestoredToItsOwnPlace(t *testing.T) {
	t.Parallel()
	mp3, wav := sample(t), tone(t, "alaw.wav")
	m := newMemory()
	row := m.archive(1, mp3)
	key := bucket.BesideKey(stem(row.Key)+".wav", digest(wav))
	row = m.archiveAs(row, key, bucket.SidecarKey(key), wav)
	remove(m, key)
	findings, err := m.checker(0).CheckAll(t.Context(), []call.RecordingStatus{row})
	if err != nil || len(findings) != 1 {
		t.Fatalf("%+v, %v", findings, err)
	}
	f := findings[0]
	f.Row = m.rows[row.ID]
	ok, err := m.checker(0).Restore(t.Context(), f, fetched(wav))
	if now := m.rows[row.ID]; err != nil || !ok || now.Key != key || len(m.orphans(t)) != 0 {
		t.Errorf("%v, %v: %+v, orphans %q", ok, err, now, m.orphans(t))
	}
	if n := len(m.objects); n != 4 {
		t.Errorf("%d objects: %q", n, slices.Sorted(maps.Keys(m.objects)))
	}
}

// A format that a later version of the program writes is no file of this one's.
func TestGroupsKnowTheFilesOfEveryFormat(t *testing.T) {
	t.Parallel()
	m := newMemory()
	for n, ext := range []string{"mp3", "mp2", "mp1", "wav", "ogg", "m4a", "aac"} {
		row := m.archive(n, []byte(ext))
		delete(m.objects, row.Key)
		m.archiveAs(row, stem(row.Key)+"."+ext, bucket.SidecarKey(row.Key), []byte(ext))
	}
	odd := m.archive(20, []byte("x"))
	m.objects[stem(odd.Key)+".exe"] = []byte("x")
	if diff := cmp.Diff([]string{"unknown object " + stem(odd.Key) + ".exe"}, m.orphans(t)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	clear(m.rows)
	r, err := m.checker(0).Rebuild(t.Context(), fixity.RebuildOptions{Verify: true}, nil, nil)
	if err != nil || r.Rebuilt != 8 || r.Faulty != 0 || r.Unusable != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}
