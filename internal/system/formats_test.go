package system

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/blob"
	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
)

// recordingRow is a line of recordings list --json.
type recordingRow struct {
	RecordingID string `json:"recording_id"`
	Reason      string `json:"reason"`
	SHA256      string `json:"sha256"`
	DurationMS  int64  `json:"duration_ms"`
	Format      string `json:"format"`
	Key         string `json:"key"`
}

// shelf is an operator whose recordings have names ending in .mp3, whatever they are.
type shelf struct {
	url    string
	folder string            // of today: the links live
	files  map[string][]byte // by path
}

func (s *shelf) path(name string) string { return s.folder + name + ".mp3" }

func newShelf(t *testing.T, names ...string) *shelf {
	t.Helper()
	s := &shelf{folder: time.Now().UTC().Format("/2006/01/02/"), files: map[string][]byte{}}
	for _, name := range names {
		body, err := os.ReadFile("../../internal/audio/testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		s.files[s.path(name)] = body
	}
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "audio/mpeg")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(s.files[r.URL.Path]))
	}))
	t.Cleanup(origin.Close)
	s.url = origin.URL
	return s
}

func (s *shelf) hosts() string {
	return "FONOTEKA_MTT_RECORD_HOSTS=" + strings.TrimPrefix(s.url, "http://")
}

// id of the recording of a file.
func (s *shelf) id(name string) string {
	return call.RecordingID("main", s.url+s.path(name))
}

// A recording in any format goes the whole way: from its link to the ear, through scrub,
// restore and rebuild, under the lock.
func TestRecordingsOfOtherFormatsGoTheWholeWay(t *testing.T) {
	t.Parallel()
	formats := map[string]string{"alaw.wav": "wav", "gsm.wav": "wav", "opusenc.ogg": "ogg", "aac.m4a": "m4a", "adts.aac": "aac", "layer2.mp2": "mp2", "free.mp3": "mp3"}
	kept := map[string]string{"tone.flac": "flac", "wma.wav": "wav", "noise": "wav"}
	s := newShelf(t, "alaw.wav", "gsm.wav", "opusenc.ogg", "aac.m4a", "adts.aac", "layer2.mp2", "free.mp3", "tone.flac", "wma.wav")
	s.files[s.path("noise")] = append([]byte("RIFF"), bytes.Repeat([]byte("\x13\xe7\x00\x9a"), 500)...)
	s.files[s.path("page")] = []byte("<html>not ready, RIFF nor OggS</html>")
	in := install(t, s.hosts(), "FONOTEKA_SCRUB_DAYS=0", "FONOTEKA_RETENTION_MODE=governance", "FONOTEKA_RETENTION=1d").start().ready()
	for link := range s.files {
		in.posts(recordedOf(path.Base(link)+"~1o", s.url+link))
	}
	in.eventually(time.Minute, fmt.Sprint(len(formats)), "SELECT count() FROM recordings WHERE state = 'archived'")
	in.eventually(time.Minute, fmt.Sprint(len(kept)), "SELECT count() FROM recordings WHERE state = 'quarantined'")
	in.eventually(time.Minute, "retrying\thtml\t\t", "SELECT state, reason_code, format, failed_format FROM recordings WHERE recording_id = '%s'", s.id("page"))

	t.Run("list", func(t *testing.T) {
		out, said, status := in.exits("recordings", "list", "--limit", "0", "--json")
		if status != 0 {
			t.Fatal(said)
		}
		got := map[string]recordingRow{}
		dec := json.NewDecoder(strings.NewReader(out))
		for dec.More() {
			var r recordingRow
			if err := dec.Decode(&r); err != nil {
				t.Fatalf("%v in:\n%s", err, out)
			}
			got[r.RecordingID] = r
		}
		for name, format := range formats {
			r := got[s.id(name)]
			if r.Format != format || !strings.HasSuffix(r.Key, r.RecordingID+"."+format) || r.DurationMS < 390 || r.DurationMS > 700 {
				t.Errorf("%s: %+v", name, r)
			}
		}
		for name, format := range kept {
			r := got[s.id(name)]
			if r.Format != format || !strings.HasSuffix(r.Key, r.SHA256+"."+format) || !strings.HasPrefix(r.Key, "quarantine/") || !strings.Contains(r.Reason, "the "+format+" file from") {
				t.Errorf("%s: %+v", name, r)
			}
		}
	})
	t.Run("get", func(t *testing.T) {
		dir := t.TempDir()
		take := func(name string) (string, error) {
			cmd := in.prepare("recordings", "get", s.id(name))
			cmd.Dir = dir
			said, err := cmd.CombinedOutput()
			return string(said), err
		}
		for name, format := range formats {
			said, err := take(name)
			got, readErr := os.ReadFile(filepath.Join(dir, s.id(name)+"."+format))
			if err != nil || readErr != nil || !bytes.Equal(got, s.files[s.path(name)]) {
				t.Errorf("%s: %v, %v, %s", name, err, readErr, said)
			}
		}
		said, err := take("noise")
		if status, ok := errors.AsType[*exec.ExitError](err); !ok || status.ExitCode() != 6 || !strings.Contains(said, "warning") {
			t.Errorf("from quarantine: %v, %s", err, said)
		}
		if _, err := os.Stat(filepath.Join(dir, s.id("noise")+".wav")); err != nil {
			t.Error(err)
		}
	})
	t.Run("listen", func(t *testing.T) {
		wav := s.files[s.path("alaw.wav")]
		resp, body, err := in.listen(s.id("alaw.wav"))
		if err != nil || !bytes.Equal(body, wav) || resp.Header.Get("Content-Type") != "audio/wav" || !strings.Contains(resp.Header.Get("Content-Disposition"), s.id("alaw.wav")+".wav") {
			t.Errorf("%d bytes, %v, %v", len(body), resp.Header, err)
		}
		resp, body, err = in.listen(s.id("alaw.wav"), "Range", "bytes=58-557")
		if err != nil || resp.StatusCode != http.StatusPartialContent || !bytes.Equal(body, wav[58:558]) || resp.Header.Get("Content-Type") != "audio/wav" {
			t.Errorf("a part: %d, %d bytes, %v", resp.StatusCode, len(body), err)
		}
		for name, want := range map[string]string{"opusenc.ogg": "audio/ogg", "aac.m4a": "audio/mp4", "adts.aac": "audio/aac", "layer2.mp2": "audio/mpeg"} {
			if resp, _, err := in.listen(s.id(name)); err != nil || resp.Header.Get("Content-Type") != want {
				t.Errorf("%s: %v, %v", name, resp.Header, err)
			}
		}
	})
	t.Run("lock", func(t *testing.T) {
		v := in.values()
		b := openBucket(t, blob.Options{URL: "s3://" + v.S3AccessKey + ":" + v.S3SecretKey + "@" + local(v.Ports.S3) + "/" + bucketName + "?secure=false"})
		for name := range formats {
			key := in.sql("SELECT key FROM recordings WHERE recording_id = '%s'", s.id(name))
			for _, key := range []string{key, bucket.SidecarKey(key)} {
				if lock, err := b.Lock(t.Context(), key, ""); err != nil || lock.Mode != blob.Governance || lock.Until.IsZero() {
					t.Errorf("%s: %+v, %v", key, lock, err)
				}
			}
		}
	})
	if t.Failed() {
		return
	}
	if out, said, status := in.exits("scrub"); status != 0 || !strings.Contains(out, "7 recordings read again") {
		t.Errorf("scrub: %d\n%s%s", status, out, said)
	}
	t.Run("orphans", func(t *testing.T) { // looks at what is older than an hour
		keys := in.keys()
		for _, key := range keys {
			for _, key := range []string{key, bucket.SidecarKey(key)} {
				if err := os.Chtimes(in.object(key), time.Time{}, time.Now().Add(-2*time.Hour)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if out, _, _ := in.exits("recordings", "orphans"); !strings.Contains(out, "7 recordings in the bucket, 7 rows archived: 0 orphans") {
			t.Errorf("orphans: %s", out)
		}
		key := in.sql("SELECT key FROM recordings WHERE recording_id = '%s'", s.id("alaw.wav"))
		side := in.object(bucket.SidecarKey(key))
		if err := os.Rename(side, side+".away"); err != nil {
			t.Fatal(err)
		}
		if out, _, _ := in.exits("recordings", "orphans"); !strings.Contains(out, "recording without sidecar: "+key) {
			t.Errorf("orphans without a sidecar: %s", out)
		}
		if err := os.Rename(side+".away", side); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("damage", func(t *testing.T) {
		key := in.sql("SELECT key FROM recordings WHERE recording_id = '%s'", s.id("gsm.wav"))
		flip(t, in.object(key))
		out, _, status := in.exits("scrub")
		if status != 3 || !strings.Contains(out, key) {
			t.Errorf("scrub: %d\n%s", status, out)
		}
		if resp, _, _ := in.listen(s.id("gsm.wav")); resp.StatusCode != http.StatusNotFound {
			t.Errorf("an altered WAV is played: %d", resp.StatusCode)
		}
		flip(t, in.object(key))
		if out, _, status := in.exits("scrub"); status != 0 {
			t.Errorf("scrub: %s", out)
		}
	})
	t.Run("rebuild", func(t *testing.T) {
		const all = "SELECT recording_id, state, key, format, duration_ms, sha256, size FROM recordings WHERE key != '' ORDER BY recording_id"
		before := in.sql(all)
		in.exec("DROP TABLE recordings SYNC")
		in.exec("DROP TABLE recordings_open SYNC")
		if out, said, status := in.exits("recordings", "rebuild-catalogue", "--verify"); status != 0 {
			t.Fatalf("%s%s", out, said)
		}
		if diff := cmp.Diff(strings.Split(before, "\n"), strings.Split(in.sql(all), "\n")); diff != "" {
			t.Errorf("-before +after:\n%s", diff)
		}
	})
	in.stop()
}

// The background check fetches a WAV again that is altered or absent.
func TestTheBackgroundCheckRestoresAWAV(t *testing.T) {
	t.Parallel()
	s := newShelf(t, "alaw.wav", "ulaw.wav")
	in := install(t, s.hosts(), "FONOTEKA_SCRUB_DAYS=0.0003").start().ready()
	for link := range s.files {
		in.posts(recordedOf(path.Base(link)+"~1o", s.url+link))
	}
	in.eventually(time.Minute, "2", "SELECT count() FROM recordings WHERE state = 'archived'")
	altered, absent := in.keys()[0], in.keys()[1]
	digest := in.sql("SELECT sha256 FROM recordings WHERE key = '%s'", altered)
	flip(t, in.object(altered))
	if err := os.Remove(in.object(absent)); err != nil {
		t.Fatal(err)
	}
	in.until("both are fetched again", 2*time.Minute, func() bool { return in.metric(`fonoteka_fixity_restored_total{how="fetched"}`) == "2" })
	in.eventually(10*time.Second, "wav", "SELECT format FROM recordings WHERE key = '%s' AND former_key = '%s'", bucket.BesideKey(altered, digest), altered)
	if out, said, status := in.exits("scrub"); status != 0 {
		t.Errorf("after the repair: %s%s", out, said)
	}
	in.stop()
}

// A table of links that another system exported names them as it likes.
func TestLinksOfOtherFormatsAreImported(t *testing.T) {
	t.Parallel()
	s := newShelf(t, "ulaw.wav", "vorbis.ogg")
	in := install(t, s.hosts()).start().ready()
	file := filepath.Join(t.TempDir(), "links.csv")
	if err := os.WriteFile(file, []byte("url\n"+s.url+s.path("ulaw.wav")+"\n"+s.url+s.path("vorbis.ogg")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, said, status := in.exits("recordings", "import", file); status != 0 {
		t.Fatalf("%s%s", out, said)
	}
	in.eventually(time.Minute, "ogg\nwav", "SELECT format FROM recordings WHERE state = 'archived' ORDER BY format")
	in.stop()
}
