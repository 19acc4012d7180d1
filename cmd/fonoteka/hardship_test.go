package main

import (
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"fonoteka/internal/sim"
)

var hardship = flag.Int("hardship", 700, "recordings of TestEveryRecordingEndsWhereItBelongs, about")

// hard is an operator's server on its worst day. What it does to a recording
// depends on the recording alone: one in five is met by one of ten troubles.
type hard struct {
	next http.Handler
	mu   sync.Mutex
	seen map[string]int // whole requests by path
}

// The troubles; the first seven pass, the last three do not.
const (
	notYet = iota
	unauthorised
	serverError
	cut
	page
	slow
	movedInside
	movedOutside
	gone
	oversize
	troubles
)

func trouble(path string) int {
	h := fnv.New32a()
	_, _ = io.WriteString(h, path)
	return int(h.Sum32() % (5 * troubles)) // troubles and above: none
}

func (s *hard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	try := s.seen[r.URL.Path]
	s.seen[r.URL.Path]++
	s.mu.Unlock()
	what := trouble(r.URL.Path)
	switch {
	case what == gone:
		http.Error(w, "gone", http.StatusGone)
	case what == oversize:
		w.Header().Set("Content-Type", "audio/mpeg")
		w.Header().Set("Content-Length", strconv.Itoa(2<<30))
		w.WriteHeader(http.StatusOK)
	case what == movedOutside:
		http.Redirect(w, r, "http://127.0.0.2:9"+r.URL.Path, http.StatusFound)
	case what == movedInside && r.URL.RawQuery == "":
		http.Redirect(w, r, r.URL.Path+"?moved=1", http.StatusFound)
	case try < 2 && what == notYet:
		http.NotFound(w, r)
	case try < 2 && what == unauthorised:
		http.Error(w, "login", http.StatusUnauthorized)
	case try < 2 && what == serverError:
		http.Error(w, "later", http.StatusServiceUnavailable)
	case try < 1 && what == page:
		fmt.Fprint(w, "<html><body>please wait</body></html>")
	case try < 1 && what == cut:
		s.next.ServeHTTP(&cutter{ResponseWriter: w, left: 3000}, r)
		panic(http.ErrAbortHandler)
	case what == slow:
		time.Sleep(300 * time.Millisecond)
		fallthrough
	default:
		s.next.ServeHTTP(w, r)
	}
}

// cutter lets some bytes through and drops the rest.
type cutter struct {
	http.ResponseWriter
	left int
}

func (c *cutter) Write(b []byte) (int, error) {
	n := min(len(b), c.left)
	c.left -= n
	if n > 0 {
		if _, err := c.ResponseWriter.Write(b[:n]); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

// P3: whatever the server, Redis and kills do, every recording ends archived
// with its bytes or listed with the right reason, and none is stored twice.
func TestP3EveryRecordingEndsWhereItBelongs(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, err := sim.New(sim.Options{
		Seed: seed, Calls: *hardship * 4 / 3, Connections: 16, RecordBase: "http://" + l.Addr().String(),
		Since: time.Now().AddDate(0, 0, -88), // some links are in their last days
	})
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: &hard{next: s.Handler(), seen: map[string]int{}}, ReadHeaderTimeout: time.Second}
	go func() { _ = srv.Serve(l) }()
	defer srv.Close()
	rs := startRedis(t)
	in := install(t, "FONOTEKA_MTT_RECORD_HOSTS="+l.Addr().String(), rs.url()).start().ready()
	if err := s.Post(t.Context(), nil, in.redirectURI()); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		time.Sleep(time.Duration(300+rng.IntN(1200)) * time.Millisecond)
		in.kill()
		if i%5 == 2 {
			client := redis.NewClient(&redis.Options{Addr: fmt.Sprintf("127.0.0.1:%d", rs.port)})
			if err := client.FlushAll(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			client.Close()
		}
		in.start()
	}

	ledger := s.Ledger()
	want := map[string]int{}
	var archived sim.Ledger // the ledger of what can be had
	for _, c := range ledger.Calls {
		var had []sim.LedgerRecording
		for _, r := range c.Recordings {
			state := stateAfter(trouble(r.URL[strings.Index(r.URL, "/records/"):]))
			want[state]++
			if state == "archived" {
				had = append(had, r)
			}
		}
		c.Recordings = had
		archived.Calls = append(archived.Calls, c)
	}
	t.Logf("%d recordings: %v", recordings(ledger), want)
	var lines []string
	for _, state := range []string{"archived", "missing", "refused"} {
		lines = append(lines, fmt.Sprintf("%s\t%d", state, want[state]))
	}
	in.eventually(4*time.Minute, strings.Join(lines, "\n"), "SELECT state, count() FROM recordings GROUP BY state ORDER BY state")
	in.compareBytes(archived)
	for part, n := range map[string]string{
		"state = 'missing' AND reason ILIKE '%gone%'":                                fmt.Sprint(want["missing"]),
		"state = 'refused' AND (reason ILIKE '%allowed%' OR reason ILIKE '%large%')": fmt.Sprint(want["refused"]),
		"state != 'archived' AND isNull(next_attempt_at)":                            "0",
		"state = 'archived' AND (size = 0 OR length(sha256) != 64)":                  "0",
	} {
		if got := in.sql("SELECT count() FROM recordings WHERE %s", part); got != n {
			t.Errorf("%s recordings where %s, want %s\n%s", got, part, n, in.sql("SELECT state, reason, count() FROM recordings GROUP BY 1, 2"))
		}
	}
	in.stop()
}

func stateAfter(trouble int) string {
	switch trouble {
	case gone:
		return "missing"
	case movedOutside, oversize:
		return "refused"
	}
	return "archived"
}
