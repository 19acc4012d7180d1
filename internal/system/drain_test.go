package system

import (
	"bufio"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var drain = flag.Int("drain", 1500, "links of TestAnImportedBacklogIsDrainedInOrderOfExpiry")

// asked is a server with one file under every path; it remembers the order.
type asked struct {
	file []byte
	mu   sync.Mutex
	list []string
}

func (s *asked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.list = append(s.list, r.URL.Path)
	s.mu.Unlock()
	w.Header().Set("Content-Type", "audio/mpeg")
	_, _ = w.Write(s.file)
}

// A first start finds the links of 90 days: what ends first is fetched first,
// and people see how far it is. -drain 100000 is the real thing.
func TestAnImportedBacklogIsDrainedInOrderOfExpiry(t *testing.T) {
	t.Parallel()
	n := *drain
	file, err := os.ReadFile("../../internal/mp3/testdata/mpeg25-8khz.mp3")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &asked{file: file}
	srv := &http.Server{Handler: server, ReadHeaderTimeout: time.Second}
	go func() { _ = srv.Serve(l) }()
	defer srv.Close()

	paths := linksOfNinetyDays(n)
	csv := writeLinks(t, "http://"+l.Addr().String(), paths)
	hosts := "FONOTEKA_MTT_RECORD_HOSTS=" + l.Addr().String()
	const workers, jobsPerWorker = 16, 32 // the second is the program's own
	in := install(t, hosts, fmt.Sprintf("FONOTEKA_WORKERS=%d", workers)).start().ready()
	in.stop()
	out := in.patiently("recordings", "import", csv, "--record-hosts", l.Addr().String())
	in.start()
	began := time.Now()
	watch := in.patiently("recordings", "progress", "--watch")
	took := time.Since(began)
	in.eventually(time.Minute, fmt.Sprintf("archived\t%d", n), "SELECT state, count() FROM recordings GROUP BY state")
	t.Logf("%s%d links drained in %v, %.0f a second; serve took %d MB at most\n%s", out, n, took.Round(time.Second), float64(n)/took.Seconds(), in.peak()>>20, watch)
	if lines := strings.Split(strings.TrimSpace(watch), "\n"); len(lines) < 2 || !strings.Contains(lines[0], "DONE IN") {
		t.Errorf("progress shows nothing:\n%s", watch)
	}
	if got := in.sql("SELECT uniqExact(recording_id), countIf(step = 'archived'), uniqExactIf(recording_id, step = 'archived') FROM custody FINAL"); got != fmt.Sprintf("%d\t%d\t%d", n, n, n) {
		t.Errorf("recordings, steps and recordings archived: %s, want %d of each", got, n)
	}
	if most, window := early(t, paths, server.list), 300; most > window+jobsPerWorker*workers {
		t.Errorf("asked before its place by %d", most)
	}
	in.stop()
}

// patiently runs a command that may take long, and wants it to succeed.
func (in *installation) patiently(args ...string) string {
	in.t.Helper()
	out, problems, status := endsWithin(in.t, time.Hour, in.prepare(args...))
	if status != 0 {
		in.t.Fatalf("%s: %s", strings.Join(args, " "), problems)
	}
	return out
}

// linksOfNinetyDays are paths in order of their end, by the date in them.
func linksOfNinetyDays(n int) []string {
	const days = 89
	first := time.Now().UTC().AddDate(0, 0, -days)
	paths := make([]string, n)
	for i := range paths {
		paths[i] = fmt.Sprintf("/records/1/%s/%08X.mp3", first.AddDate(0, 0, i*days/n).Format("2006/01/02"), i)
	}
	return paths
}

// writeLinks writes them as another system would export them, in no order.
func writeLinks(t *testing.T, base string, paths []string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "links.csv")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	fmt.Fprintln(w, "url,call_id")
	for _, i := range rand.Perm(len(paths)) {
		fmt.Fprintf(w, "%s%s,call-%d\n", base, paths[i], i)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return name
}

// early says by how many places at most a link was taken before its turn. ordered
// are all links in order of their end; links of one day end at the same time.
func early(t *testing.T, ordered, taken []string) int {
	t.Helper()
	if len(taken) == 0 {
		t.Fatal("no link was taken")
	}
	before := map[string]int{}
	for i, p := range ordered {
		if _, ok := before[dayOf(p)]; !ok {
			before[dayOf(p)] = i // so many links end before that day
		}
	}
	places := make([]int, len(taken))
	for at, p := range taken {
		places[at] = max(before[dayOf(p)]-at, 0)
	}
	slices.Sort(places)
	most := places[len(places)-1]
	t.Logf("of %d links, taken before its turn by %d places at most, %d of 99 in 100", len(taken), most, places[len(places)*99/100])
	return most
}

// dayOf is the date in /records/1/2006/01/02/….
func dayOf(path string) string { return strings.Join(strings.Split(path, "/")[3:6], "/") }
