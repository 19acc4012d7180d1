package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"fonoteka/internal/dashboard"
	"fonoteka/internal/embedded"
	"fonoteka/internal/warehouse"
)

// deploy/bench/size.sh makes installations of two sizes and names them here.
var (
	sizeSmall = flag.String("size-small", "", "data folder of an installation with a tenth of the calls of -size")
	sizeLarge = flag.String("size", "", "data folder of a seeded installation, running or not: measure its panels and reports")
	sizeRuns  = flag.Int("size-runs", 5, "runs of each query, after one that warms up; the median counts")
)

// What a panel or report may take, warm, at 15 million calls.
const (
	atDefault  = 100 * time.Millisecond
	atTwoYears = 300 * time.Millisecond
	atTenfold  = 1.5 // a window of 7 days, when history grows tenfold
	longest    = 730 * 24 * time.Hour
)

// TestReportsAtSize measures every panel of the dashboards and every report view
// on an installation that -size names, and its disk. It fails where something
// takes longer than it may; on a busy machine the processor time tells more.
func TestReportsAtSize(t *testing.T) {
	if *sizeLarge == "" {
		t.Skip("-size names no installation; make bench does")
	}
	large := openSize(t, *sizeLarge)
	var small *sized
	if *sizeSmall != "" {
		small = openSize(t, *sizeSmall)
	}
	fmt.Println(large.about(t))
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "what\twindow\tms\tcpu ms\t2 years ms\tcpu ms\t7 days, tenfold\t")
	for _, q := range large.questions(t) {
		line := compare(t, q, large, small)
		fmt.Fprintln(w, line)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	large.disk(t)
}

// sized is an installation of some size.
type sized struct {
	db     *warehouse.DB // as a reader
	disks  *warehouse.DB // who may see what lies where
	engine int           // process id
	now    time.Time     // of its newest call
	call   string        // an id of a call
}

func openSize(t *testing.T, dir string) *sized {
	t.Helper()
	cache, err := embedded.DefaultCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	cfg := &config{data: dir, engineCache: cache}
	values, stop, err := cfg.reach(t.Context(), []embedded.Store{embedded.StoreClickHouse})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	open := func(reader bool) *warehouse.DB {
		o, err := cfg.warehouseOptions(values, reader)
		if err != nil {
			t.Fatal(err)
		}
		db, err := warehouse.Open(o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	s := &sized{db: open(true), disks: open(false)}
	if s.engine, err = engineOf(dir); err != nil {
		t.Fatal(err)
	}
	newest, err := strconv.ParseInt(s.ask(t, "SELECT toUnixTimestamp(max(started_at)) FROM calls SETTINGS final = 0"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	s.now = time.Unix(newest, 0).UTC()
	s.call = s.ask(t, fmt.Sprintf("SELECT concat(toString(toUnixTimestamp64Milli(started_at)), '-', toString(call_id)) FROM calls WHERE notEmpty(recordings) AND started_at > toDateTime(%d) - INTERVAL 6 HOUR ORDER BY call_id LIMIT 1", newest))
	return s
}

// engineOf finds the ClickHouse process of a data folder.
func engineOf(dir string) (int, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return 0, err
	}
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return 0, err
	}
	for _, line := range lines {
		b, _ := os.ReadFile(line) // it may have ended
		if args := strings.Split(string(b), "\x00"); slices.Contains(args, "embedded-clickhouse") && slices.Contains(args, filepath.Join(dir, "clickhouse")) {
			return strconv.Atoi(filepath.Base(filepath.Dir(line)))
		}
	}
	return 0, errors.New("no engine works on " + dir)
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

func (s *sized) ask(t *testing.T, query string) string {
	t.Helper()
	return askTSV(t, s.db, query)
}

func (s *sized) about(t *testing.T) string {
	t.Helper()
	return askTSV(t, s.disks, `SELECT concat(toString(count()), ' calls, ', (SELECT toString(sum(rows)) FROM system.parts WHERE active AND database = 'fonoteka' AND table = 'events' SETTINGS final = 0),
		' notifications, ', (SELECT toString(sum(rows)) FROM system.parts WHERE active AND database = 'fonoteka' AND table = 'calls' SETTINGS final = 0), ' rows of calls in ',
		(SELECT toString(count()) FROM system.parts WHERE active AND database = 'fonoteka' AND table = 'calls' SETTINGS final = 0), ' parts') FROM calls`)
}

// question is something that people ask, over a window.
type question struct {
	name   string
	window time.Duration // that it opens with
	sql    func(s *sized, window time.Duration) (string, error)
}

// questions are those of the dashboards and of the views, from their own source.
func (s *sized) questions(t *testing.T) []question {
	t.Helper()
	var out []question
	windows := map[string]time.Duration{}
	for _, d := range dashboard.All() {
		windows[d.Name] = windowOf(t, d.From)
	}
	for _, q := range dashboard.Queries() {
		out = append(out, question{q.Dashboard + ": " + q.Name, windows[q.Dashboard], func(s *sized, window time.Duration) (string, error) {
			return dashboard.Expand(q.SQL, dashboard.Window{From: s.now.Add(-window), To: s.now, Interval: window / 1000}, dashboard.Values{"call": {s.call}})
		}})
	}
	views := askTSV(t, s.disks, `SELECT t.name, countIf(c.name = 'started_at') FROM system.tables AS t LEFT JOIN system.columns AS c ON c.database = t.database AND c.table = t.name
		WHERE t.database = currentDatabase() AND t.name LIKE 'report\\_%' AND t.engine = 'View' GROUP BY t.name ORDER BY t.name SETTINGS final = 0`)
	for line := range strings.Lines(views) {
		name, timed, _ := strings.Cut(strings.TrimSpace(line), "\t")
		out = append(out, question{name, 7 * 24 * time.Hour, func(s *sized, window time.Duration) (string, error) {
			query := "SELECT * FROM " + name
			if timed == "1" {
				query += fmt.Sprintf(" WHERE started_at >= toDateTime(%d) AND started_at <= toDateTime(%d) ORDER BY started_at DESC LIMIT 1000", s.now.Add(-window).Unix(), s.now.Unix())
			}
			return query, nil
		}})
	}
	return out
}

func windowOf(t *testing.T, from string) time.Duration {
	t.Helper()
	text, ok := strings.CutPrefix(from, "now-")
	n, err := strconv.Atoi(strings.TrimRight(text, "hd"))
	if !ok || err != nil {
		t.Fatalf("a window of %q", from)
	}
	if strings.HasSuffix(text, "h") {
		return time.Duration(n) * time.Hour
	}
	return time.Duration(n) * 24 * time.Hour
}

// cost is a median.
type cost struct{ wall, cpu time.Duration }

// measure runs a question.
func (s *sized) measure(t *testing.T, q question, window time.Duration) cost {
	t.Helper()
	query, err := q.sql(s, window)
	if err != nil {
		t.Fatalf("%s: %v", q.name, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var walls []time.Duration
	var before time.Duration
	for run := range *sizeRuns + 1 {
		if run == 1 {
			before = s.spent(t)
		}
		began := time.Now()
		if err := s.db.Query(ctx, io.Discard, query, "Native"); err != nil {
			t.Errorf("%s over %v: %v", q.name, window, err)
			return cost{-1, -1}
		}
		if run > 0 {
			walls = append(walls, time.Since(began))
		}
	}
	slices.Sort(walls)
	return cost{walls[len(walls)/2], (s.spent(t) - before) / time.Duration(*sizeRuns)}
}

// compare measures a question on both and says where it takes too long.
func compare(t *testing.T, q question, large, small *sized) string {
	t.Helper()
	usual, long := large.measure(t, q, q.window), large.measure(t, q, longest)
	growth := ""
	if small != nil {
		week := usual
		if q.window != 7*24*time.Hour {
			week = large.measure(t, q, 7*24*time.Hour)
		}
		ratio := float64(week.wall) / float64(small.measure(t, q, 7*24*time.Hour).wall)
		growth = fmt.Sprintf("%.2f%s", ratio, mark(ratio > atTenfold))
	}
	if usual.wall > atDefault || long.wall > atTwoYears {
		t.Errorf("%s takes %v, over two years %v", q.name, usual.wall, long.wall)
	}
	return fmt.Sprintf("%s\t%v\t%.1f%s\t%.0f\t%.1f%s\t%.0f\t%s\t", q.name, shortly(q.window),
		ms(usual.wall), mark(usual.wall > atDefault), ms(usual.cpu), ms(long.wall), mark(long.wall > atTwoYears), ms(long.cpu), growth)
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func mark(bad bool) string {
	if bad {
		return " !"
	}
	return ""
}

func shortly(d time.Duration) string {
	if d < 48*time.Hour {
		return fmt.Sprintf("%.0f h", d.Hours())
	}
	return fmt.Sprintf("%.0f d", d.Hours()/24)
}

// disk prints what a notification and a call take, column by column.
func (s *sized) disk(t *testing.T) {
	t.Helper()
	for _, table := range []string{"events", "calls", "legs", "calls_by_client", "recordings"} {
		fmt.Printf("\n%s: bytes a row on disk\n%s\n", table, askTSV(t, s.disks, fmt.Sprintf(`
			SELECT column, round(sum(column_bytes_on_disk) / sum(rows), 2) AS bytes
			FROM system.parts_columns WHERE active AND database = 'fonoteka' AND table = '%s'
			GROUP BY column ORDER BY bytes DESC SETTINGS final = 0`, table)))
	}
	each := askTSV(t, s.disks, "SELECT sum(bytes_on_disk) / sum(rows) FROM system.parts WHERE active AND database = 'fonoteka' AND table = 'events' SETTINGS final = 0")
	bytes, err := strconv.ParseFloat(each, 64)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("\na notification takes %.1f bytes on disk, its raw body included\n", bytes)
	if bytes > 70 {
		t.Errorf("a notification takes %.1f bytes on disk, more than 70", bytes)
	}
}
