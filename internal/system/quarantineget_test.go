package system

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/call"
)

// What came damaged can be listened to, and nobody takes it for the recording.
func TestGetFetchesWhatLiesInQuarantineWithAWarning(t *testing.T) {
	t.Parallel()
	audio, err := os.ReadFile("../../internal/mp3/testdata/mpeg25-8khz.mp3")
	if err != nil {
		t.Fatal(err)
	}
	damaged := append(bytes.Clone(audio), bytes.Repeat([]byte("bad "), 200)...)
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "audio/mpeg")
		_, _ = w.Write(damaged)
	}))
	t.Cleanup(origin.Close)
	in := install(t, "FONOTEKA_MTT_RECORD_HOSTS="+strings.TrimPrefix(origin.URL, "http://")).start().ready()
	link := origin.URL + "/2026/03/02/a.mp3"
	in.posts(recordedOf("A~1o", link))
	id := call.RecordingID("main", link)
	in.eventually(time.Minute, "quarantined", "SELECT state FROM recordings WHERE recording_id = '%s'", id)
	file := filepath.Join(t.TempDir(), "a.mp3")
	_, said, status := in.exits("recordings", "get", id, "-o", file)
	got, err := os.ReadFile(file)
	if status != 6 || err != nil || !bytes.Equal(got, damaged) {
		t.Errorf("exit status %d, %d bytes, %v: %s", status, len(got), err, said)
	}
	has(t, said, "warning", "quarantine", "something else amid the audio")
	if out, said, status := in.exits("recordings", "get", id, "-o", "-"); status != 6 || out != string(damaged) || !strings.Contains(said, "warning") {
		t.Errorf("on the output: exit status %d, %d bytes: %s", status, len(out), said)
	}
}
