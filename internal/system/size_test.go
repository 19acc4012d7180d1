package system

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/embedded"
	"fonoteka/internal/embedded/embeddedtest"
	"fonoteka/internal/state"
	"fonoteka/internal/warehouse"
)

// deploy/bench/size.sh makes installations of two sizes and names them here.
var (
	sizeSmall = flag.String("size-small", "", "data folder of an installation with a tenth of the history of -size")
	sizeLarge = flag.String("size", "", "data folder of a seeded installation, running or not: measure it")
	sizeRuns  = flag.Int("size-runs", 5, "runs of each query, after one that warms up; the median counts")
)

// sized is a database of some size in the engine of an installation.
type sized struct {
	db      *warehouse.DB     // as the one who writes: a reader may not see what lies where
	options warehouse.Options // that reach it
	engine  int               // process id
	now     time.Time         // of its newest call
	call    string            // an id of a call
}

// openSize reaches an installation and waits until its engine merges nothing.
func openSize(t *testing.T, dir string) *sized {
	t.Helper()
	if dir == "" {
		t.Skip("-size names no installation; deploy/bench/size.sh does")
	}
	v, err := state.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	engine, err := engineOf(dir)
	if err != nil {
		startEngine(t, dir, v)
		engine, err = engineOf(dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	s := &sized{engine: engine, options: warehouse.Options{
		Addrs: []string{local(v.Ports.ClickHouseNative)}, HTTPAddr: local(v.Ports.ClickHouseHTTP), Database: embedded.ClickHouseDatabase,
		User: embedded.ClickHouseWriter, Password: v.ClickHouseWriterPassword,
		DictionaryUser: embedded.ClickHouseDictionaries, DictionaryPassword: v.ClickHouseDictionariesPassword,
	}}
	s.open(t)
	return s
}

// startEngine starts the engine of an installation that does not run, for the test.
func startEngine(t *testing.T, dir string, v state.Values) {
	t.Helper()
	release, err := state.TakeStore(dir, string(embedded.StoreClickHouse))
	if err != nil {
		t.Fatal(err)
	}
	ch, err := embedded.StartClickHouse(t.Context(), embedded.ClickHouseOptions{
		Dir: filepath.Join(dir, "clickhouse"), Library: embeddedtest.Engine(t), NativePort: v.Ports.ClickHouseNative, HTTPPort: v.Ports.ClickHouseHTTP,
		WriterPassword: v.ClickHouseWriterPassword, ReaderPassword: v.ClickHouseReaderPassword,
		AnalystPassword: v.ClickHouseAnalystPassword, DictionariesPassword: v.ClickHouseDictionariesPassword,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(ch.Stop(context.Background()), release()); err != nil {
			t.Error(err)
		}
	})
}

// open connects to the database and looks at its newest call.
func (s *sized) open(t *testing.T) {
	t.Helper()
	db, err := warehouse.Open(s.options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	s.db = db
	s.settle(t)
	newest, err := strconv.ParseInt(askTSV(t, s.db, "SELECT toUnixTimestamp(max(started_at)) FROM calls SETTINGS final = 0"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	s.now = time.Unix(newest, 0).UTC()
	s.call = askTSV(t, s.db, fmt.Sprintf("SELECT concat(toString(toUnixTimestamp64Milli(started_at)), '-', toString(call_id)) FROM calls WHERE notEmpty(recordings) AND started_at > toDateTime(%d) - INTERVAL 6 HOUR ORDER BY call_id LIMIT 1", newest))
}

// settle waits until nothing is merged: for a minute at most after a pause, and
// for half an hour altogether.
func (s *sized) settle(t *testing.T) {
	t.Helper()
	for began, quiet := time.Now(), 0; quiet < 3 && time.Since(began) < 30*time.Minute; time.Sleep(time.Second) {
		if quiet++; askTSV(t, s.db, "SELECT count() FROM system.merges WHERE database = currentDatabase() SETTINGS final = 0") != "0" {
			quiet = 0
		}
	}
}

// engineOf finds the ClickHouse process of a data folder.
func engineOf(dir string) (int, error) {
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return 0, err
	}
	for _, line := range lines {
		b, _ := os.ReadFile(line) // it may have ended
		args := strings.Split(string(b), "\x00")
		if len(args) > 2 && args[1] == "embedded-clickhouse" && sameFile(args[2], filepath.Join(dir, "clickhouse")) {
			return strconv.Atoi(filepath.Base(filepath.Dir(line)))
		}
	}
	return 0, errors.New("no engine works on " + dir)
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// spent is the processor time of the engine so far.
func (s *sized) spent(t *testing.T) time.Duration {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.engine))
	if err != nil {
		t.Fatal(err)
	}
	f := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')'):]))
	user, err1 := strconv.Atoi(f[12])
	system, err2 := strconv.Atoi(f[13])
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	return time.Duration(user+system) * 10 * time.Millisecond // ticks of 1/100 s
}

// cost is what a query took.
type cost struct {
	wall, cpu time.Duration // until its last byte; of the engine, whose ticks are 10 ms
	rows      uint64        // read
}

// run asks by HTTP, which tells how many rows were read, as a reader does: with FINAL.
func (s *sized) run(t *testing.T, query string) (cost, error) {
	t.Helper()
	settings := url.Values{"database": {s.options.Database}, "default_format": {"Native"}, "final": {"1"}, "readonly": {"2"}, "wait_end_of_query": {"1"}, "max_execution_time": {"300"}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.options.HTTPAddr+"/?"+settings.Encode(), strings.NewReader(query))
	if err != nil {
		return cost{}, err
	}
	req.Header.Set("X-ClickHouse-User", s.options.User)
	req.Header.Set("X-ClickHouse-Key", s.options.Password)
	before, began := s.spent(t), time.Now()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return cost{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		why, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
		return cost{}, fmt.Errorf("%s: %s", resp.Status, why)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return cost{}, err
	}
	c := cost{wall: time.Since(began), cpu: s.spent(t) - before}
	var summary struct {
		Rows uint64 `json:"read_rows,string"`
	}
	err = json.Unmarshal([]byte(resp.Header.Get("X-ClickHouse-Summary")), &summary)
	c.rows = summary.Rows
	return c, err
}

// sample is a query that is asked several times.
type sample struct {
	at    *sized
	query string
	costs []cost
}

// measure asks all samples by turns, so that what else the machine does falls on
// all of them alike, and after one round that warms up.
func measure(t *testing.T, all ...*sample) error {
	t.Helper()
	for run := range *sizeRuns + 1 {
		for _, s := range all {
			c, err := s.at.run(t, s.query)
			if err != nil {
				return err
			}
			if run > 0 {
				s.costs = append(s.costs, c)
			}
		}
	}
	return nil
}

// typical is the median of the times and the mean of the processor's.
func (s *sample) typical() cost {
	var walls []time.Duration
	var out cost
	for _, c := range s.costs {
		walls = append(walls, c.wall)
		out.cpu += c.cpu / time.Duration(len(s.costs))
		out.rows = c.rows
	}
	slices.Sort(walls)
	if len(walls) > 0 {
		out.wall = walls[len(walls)/2]
	}
	return out
}

// verdict prints a number that has a target, for the summary of size.sh.
func verdict(t *testing.T, bad bool, what, target, format string, args ...any) {
	t.Helper()
	fmt.Printf("== %s: %s (%s)%s\n", what, fmt.Sprintf(format, args...), target, mark(bad))
	if bad {
		t.Errorf("%s: more than it may", what)
	}
}

func mark(bad bool) string {
	if bad {
		return " (!)"
	}
	return ""
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// many is a number of rows in few characters.
func many(n uint64) string {
	switch {
	case n < 10_000:
		return strconv.FormatUint(n, 10)
	case n < 10_000_000:
		return fmt.Sprintf("%d k", n/1000)
	}
	return fmt.Sprintf("%d M", n/1_000_000)
}
