package system

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"fonoteka/internal/sim"
	"fonoteka/internal/testenv"
)

var hardship = flag.Int("hardship", 700, "recordings of TestP3EveryRecordingEndsWhereItBelongs, about")

// The troubles of a recording: one in five is met by one of them.
const (
	notYet = iota
	unauthorised
	serverError
	cut       // the first transfer cannot be resumed, the second one can
	announced // more bytes than the file has
	counted   // more frames, by the file's own header, than it has
	longer    // than its call's talk, every time
	page
	slow
	movedInside
	movedOutside
	gone
	oversize
	troubles
)

// fates are what the troubles demand in the end.
var fates = [troubles]struct {
	what   string
	failed string // the kind of each try that failed; "": none does
	state  string
	reason string // a part of it
}{
	notYet:       {"404 for a while", "missing", "archived", ""},
	unauthorised: {"401 until the token is refreshed", "unauthorised", "archived", ""},
	serverError:  {"5xx", "bad_answer", "archived", ""},
	cut:          {"transfers that break off", "cut", "archived", ""},
	announced:    {"more bytes announced than there are", "cut", "archived", ""},
	counted:      {"more frames counted than there are", "incomplete", "archived", ""},
	longer:       {"twice as long as the talk", "", "archived", ""},
	page:         {"a web page", "not_audio", "archived", ""},
	slow:         {"a body in small pieces", "", "archived", ""},
	movedInside:  {"redirected to an allowed host", "", "archived", ""},
	movedOutside: {"redirected to another host", "refused", "refused", "is not in the list of allowed record hosts"},
	gone:         {"gone", "gone", "missing", "410 Gone"},
	oversize:     {"oversize", "too_large", "refused", "is larger than the configured limit"},
}

// trouble depends on the recording alone; troubles and above: none.
func trouble(path string) int {
	h := fnv.New32a()
	_, _ = io.WriteString(h, path)
	return int(h.Sum32() % (5 * troubles))
}

// hard is an operator's server on its worst day.
type hard struct {
	operator http.Handler
	revoke   func() // makes all tokens so far invalid
	revoked  sync.Once

	mu   sync.Mutex
	seen map[string]int // requests by path
}

func (s *hard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	if !strings.HasPrefix(path, "/records/") {
		s.operator.ServeHTTP(w, r)
		return
	}
	s.mu.Lock()
	try := s.seen[path]
	s.seen[path]++
	s.mu.Unlock()
	switch what := trouble(path); {
	case what == gone:
		http.Error(w, "gone", http.StatusGone)
	case what == oversize:
		w.Header().Set("Content-Type", "audio/mpeg")
		w.Header().Set("Content-Length", strconv.Itoa(2<<30))
		w.WriteHeader(http.StatusOK)
	case what == movedOutside:
		http.Redirect(w, r, "http://127.0.0.2:9"+path, http.StatusFound)
	case what == movedInside && r.URL.RawQuery == "":
		http.Redirect(w, r, path+"?moved=1", http.StatusFound)
	case what == unauthorised && !s.knows(r):
		http.Error(w, "login", http.StatusUnauthorized)
	case try < 2 && what == notYet:
		http.NotFound(w, r)
	case try < 2 && what == serverError:
		http.Error(w, "later", http.StatusServiceUnavailable)
	case try < 1 && what == page:
		fmt.Fprint(w, "<html><body>please wait</body></html>")
	case try < 1 && what == cut:
		file := s.file(path)
		promise(w, file[:len(file)/2], len(file))
	case try < 2 && what == cut:
		s.operator.ServeHTTP(&pieces{ResponseWriter: w, n: 4, then: func() { panic(http.ErrAbortHandler) }}, r)
	case try < 2 && what == announced:
		file := s.file(path)
		promise(w, file, len(file)+1000)
	case try < 1 && what == counted:
		file := miscounted(s.file(path))
		promise(w, file, len(file))
	case what == longer:
		file := s.twice(path)
		promise(w, file, len(file))
	case what == slow:
		s.operator.ServeHTTP(&pieces{ResponseWriter: w, n: 8, then: func() { time.Sleep(30 * time.Millisecond) }}, r)
	default:
		s.operator.ServeHTTP(w, r)
	}
}

// knows reports whether a request bears a token that the operator takes: none of
// those that were given out before the first such request.
func (s *hard) knows(r *http.Request) bool {
	bearer := r.Header.Get("Authorization")
	if bearer == "" {
		return false
	}
	s.revoked.Do(s.revoke)
	return asksWith(s.operator, bearer) == http.StatusOK
}

// file is the whole of what the operator has.
func (s *hard) file(path string) []byte {
	w := httptest.NewRecorder()
	s.operator.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w.Body.Bytes()
}

func (s *hard) twice(path string) []byte { return bytes.Repeat(s.file(path), 2) }

// promise sends a body under a length that need not be its own, and without
// anything by which a part of it could be asked for.
func promise(w http.ResponseWriter, body []byte, length int) {
	w.Header().Set("Content-Type", "audio/mpeg")
	w.Header().Set("Content-Length", strconv.Itoa(length))
	_, _ = w.Write(body)
	if len(body) < length {
		_ = http.NewResponseController(w).Flush() // of a short one nothing is on its way yet
		panic(http.ErrAbortHandler)
	}
}

// miscounted puts a header before an mp3 that counts a million frames.
func miscounted(b []byte) []byte {
	if bytes.HasPrefix(b, []byte("ID3")) {
		b = b[10+int(b[9]):]
	}
	frame := make([]byte, 72) // of 8 kbit/s, after its header of four bytes and side information of nine
	copy(frame, b[:4])
	frame[2] = frame[2]&0x0f | 1<<4
	copy(frame[13:], "Info\x00\x00\x00\x01\x00\x0f\x42\x40")
	return slices.Concat(frame, b)
}

// pieces sends what is written in n pieces, and does something after each.
type pieces struct {
	http.ResponseWriter
	n    int
	then func()
}

func (p *pieces) Write(b []byte) (written int, err error) {
	for piece := range slices.Chunk(b, len(b)/p.n+1) {
		n, err := p.ResponseWriter.Write(piece)
		if written += n; err != nil {
			return written, err
		}
		_ = http.NewResponseController(p.ResponseWriter).Flush()
		p.then()
	}
	return written, nil
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
		Seed: seed, Calls: *hardship * 7 / 5, Connections: 16, RecordBase: "http://" + l.Addr().String(),
		Since: time.Now().AddDate(0, 0, -88), // some links are in their last days
	})
	if err != nil {
		t.Fatal(err)
	}
	server := &hard{seen: map[string]int{}}
	c := openCabinetAt(t, l, sim.PlatformOptions{Sim: s}, func(operator http.Handler) http.Handler {
		server.operator = operator
		return server
	})
	server.revoke = func() { c.Revoke(false) }
	rs := testenv.StartRedis(t)
	in := install(t, append(c.withClient(), redisAt(rs))...).start().ready()
	c.login(in)
	if err := s.Post(t.Context(), nil, in.redirectURI()); err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(&redis.Options{Addr: rs.Addr(), Password: rs.Password()})
	defer client.Close()
	flush := func() {
		jobs := client.Keys(t.Context(), "asynq:{*}:t:*").Val()
		if err := client.FlushAll(t.Context()).Err(); err != nil || len(jobs) == 0 {
			t.Errorf("Redis lost %d jobs: %v", len(jobs), err)
		}
		t.Logf("Redis lost %d jobs", len(jobs))
	}
	flush() // serve is at work
	// What a killed worker held comes back after a minute, or at once where Redis
	// forgets about it: in a short run it does so at the last kill.
	forgets := 9
	if *hardship > 1000 {
		forgets = 4
	}
	for i := range 10 {
		time.Sleep(time.Duration(300+rng.IntN(1200)) * time.Millisecond)
		in.kill()
		if i == forgets {
			flush()
		}
		in.start()
	}
	had, want := server.endings(t, s.Ledger())
	in.endAs(want)
	in.compareBytes(had)
	in.failedAs(want)
	in.inOrder(want)
	in.stop()
}

// ending is what a recording has to end as.
type ending struct {
	trouble int
	sha256  string // where it is archived
}

// fated reports whether a row of the catalogue is as the recording's trouble
// demands.
func (e ending) fated(state, reason, sha256, next string) bool {
	if e.trouble < troubles && fates[e.trouble].state != "archived" {
		return state == fates[e.trouble].state && strings.Contains(reason, fates[e.trouble].reason) && next != `\N`
	}
	// A part of the call may be all that was known of it.
	return state == "archived" && sha256 == e.sha256 && (reason == "" || strings.HasPrefix(reason, "the recording plays for "))
}

// endings are those of all recordings, by path, and the ledger of what can be had.
func (s *hard) endings(t *testing.T, l sim.Ledger) (had sim.Ledger, want map[string]ending) {
	t.Helper()
	want = map[string]ending{}
	met := map[string]int{}
	for _, c := range l.Calls {
		var archived []sim.LedgerRecording
		for _, r := range c.Recordings {
			path := r.URL[strings.Index(r.URL, "/records/"):]
			what := trouble(path)
			if what == longer {
				sum := sha256.Sum256(s.twice(path))
				r.SHA256 = hex.EncodeToString(sum[:])
			}
			want[path] = ending{what, r.SHA256}
			if what < troubles {
				met[fates[what].what]++
			}
			if what >= troubles || fates[what].state == "archived" {
				archived = append(archived, r)
			}
		}
		c.Recordings = archived
		had.Calls = append(had.Calls, c)
	}
	t.Logf("%d recordings, of which met trouble: %v", len(want), met)
	return had, want
}

// rows are those of a query as TSV, nil where it cannot be answered just now.
func (in *installation) rows(query string) (rows [][]string) {
	out, _ := in.command("sql", "--format", "TSV", query)
	for line := range strings.Lines(out) {
		rows = append(rows, strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
	}
	return rows
}

// endAs waits until each recording is what it has to end as.
func (in *installation) endAs(want map[string]ending) {
	in.t.Helper()
	for deadline := time.Now().Add(4 * time.Minute); ; time.Sleep(time.Second) {
		rows := in.rows("SELECT path(url), state, reason, sha256, next_attempt_at FROM recordings")
		wrong := slices.DeleteFunc(slices.Clone(rows), func(r []string) bool { return want[r[0]].fated(r[1], r[2], r[3], r[4]) })
		if len(wrong) == 0 && len(rows) == len(want) {
			return
		}
		if time.Now().After(deadline) {
			in.t.Fatalf("%d of %d recordings, which should be %d, are not where they belong: %q", len(wrong), len(rows), len(want), wrong[:min(20, len(wrong))])
		}
	}
}

// failedAs compares how tries failed with what each recording met.
func (in *installation) failedAs(want map[string]ending) {
	in.t.Helper()
	failed := map[int]int{}
	for _, r := range in.rows("SELECT path(url), detail FROM (SELECT recording_id, detail FROM custody FINAL WHERE step IN ('failed', 'refused')) AS c INNER JOIN recordings AS r USING (recording_id)") {
		what := want[r[0]].trouble
		if what >= troubles || fates[what].failed != r[1] {
			in.t.Errorf("a try of %s failed as %s", r[0], r[1])
			continue
		}
		failed[what]++
	}
	for what, fate := range fates {
		if fate.failed != "" && failed[what] == 0 {
			in.t.Errorf("%s: no try failed", fate.what)
		}
	}
}

// inOrder says how far the archive kept to the order of expiry. There is no bound:
// what expires first was not always announced first, and kills undo what is begun.
func (in *installation) inOrder(want map[string]ending) {
	in.t.Helper()
	var taken []string
	for _, r := range in.rows("SELECT path(url) FROM recordings WHERE state = 'archived' ORDER BY archived_at") {
		if want[r[0]].trouble >= troubles {
			taken = append(taken, r[0])
		}
	}
	ordered := slices.SortedFunc(slices.Values(taken), func(a, b string) int { return strings.Compare(dayOf(a), dayOf(b)) })
	early(in.t, ordered, taken)
}
