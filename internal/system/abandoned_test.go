package system

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"fonoteka/internal/call"
	"fonoteka/internal/testenv"
)

// serve is killed while it downloads, and its Redis loses the leases: what it was at
// counts as running, and nobody works on it.
func TestDownloadsWithoutALeaseAreTakenUpAgain(t *testing.T) {
	t.Parallel()
	audio, err := os.ReadFile("../../internal/mp3/testdata/mpeg25-8khz.mp3")
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int32
	works := make(chan struct{})
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		select {
		case <-works:
		case <-r.Context().Done():
			return
		}
		w.Header().Set("Content-Type", "audio/mpeg")
		_, _ = w.Write(audio)
	}))
	t.Cleanup(origin.Close)
	url := testenv.StartRedis(t).URL()
	in := install(t, "FONOTEKA_MTT_RECORD_HOSTS="+strings.TrimPrefix(origin.URL, "http://"), "FONOTEKA_REDIS_URL="+url).start().ready()
	links := []string{origin.URL + "/1.mp3", origin.URL + "/2.mp3", origin.URL + "/3.mp3"}
	for _, link := range links {
		in.posts(recordedOf("A~1o", link))
	}
	in.until("all are being downloaded", time.Minute, func() bool { return asked.Load() >= 3 })
	in.eventually(time.Minute, "3", "SELECT count() FROM recordings")
	in.kill()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	r := redis.NewClient(o)
	t.Cleanup(func() { r.Close() })
	if n := r.LLen(context.Background(), "asynq:{default}:active").Val(); n != 3 {
		t.Fatalf("%d jobs are active", n)
	}
	if err := r.Del(context.Background(), "asynq:{default}:lease").Err(); err != nil {
		t.Fatal(err)
	}
	close(works)
	in.start().ready()
	in.until("they are counted", time.Minute, func() bool { return in.metric("fonoteka_queue_abandoned_jobs") == "3" })
	id := call.RecordingID("main", links[0])
	out, said, status := in.exits("recordings", "retry", id)
	if status != 0 || !strings.Contains(out, "1 recording due now: 1 announced") {
		t.Errorf("retry: exit status %d\n%s%s", status, out, said)
	}
	in.eventually(40*time.Second, "archived", "SELECT state FROM recordings WHERE recording_id = '%s'", id)
	in.eventually(3*time.Minute, "3", "SELECT count() FROM recordings WHERE state = 'archived'")
	in.until("none is counted", time.Minute, func() bool { return in.metric("fonoteka_queue_abandoned_jobs") == "0" })
}
