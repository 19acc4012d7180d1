package system

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"fonoteka/internal/dashboard"
)

// What a panel or report may take, warm, at 15 million calls.
const (
	atDefault = 100 * time.Millisecond
	atTwoYear = 300 * time.Millisecond
	atTenfold = 1.5 // a window of 7 days, when history grows tenfold
	week      = 7 * 24 * time.Hour
	longest   = 730 * 24 * time.Hour
)

// TestPanelsAtSize measures every panel of the dashboards and every report view:
// at the window that it opens with, at two years, and at 7 days beside an
// installation of a tenth of the history. On a busy machine the processor time and
// the rows that were read tell more than the time.
func TestPanelsAtSize(t *testing.T) {
	large := openSize(t, *sizeLarge)
	var small *sized
	if *sizeSmall != "" {
		small = openSize(t, *sizeSmall)
	}
	fmt.Println(large.about(t))
	panelsOf(t, "", large, small)
}

// about says how much there is of what.
func (s *sized) about(t *testing.T) string {
	t.Helper()
	return askTSV(t, s.db, `SELECT concat(
		(SELECT toString(uniqCombined64(call_id)) FROM calls SETTINGS final = 0), ' calls, about; ',
		toString(sumIf(rows, table = 'events')), ' notifications, ',
		toString(sumIf(rows, table = 'calls')), ' rows of calls in ', toString(countIf(table = 'calls')), ' parts, ',
		toString(sumIf(rows, table = 'legs')), ' of legs, ', toString(sumIf(rows, table = 'recordings')), ' of recordings')
		FROM system.parts WHERE active AND database = currentDatabase() SETTINGS final = 0`)
}

// panelsOf prints a table of what everything takes, and counts what misses.
func panelsOf(t *testing.T, how string, large, small *sized) {
	t.Helper()
	var asked, failed, slow, slowLong, grown int
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "window\tms\tcpu\trows\t2 years: ms\tcpu\trows\t7 days: ms\tcpu\trows\tat a tenth: ms\trows\ttimes\t")
	for _, q := range large.questions(t) {
		usual, long, seven := q.sample(t, large, q.window), q.sample(t, large, longest), q.sample(t, large, week)
		all := []*sample{usual, long, seven}
		var tenth *sample
		if small != nil {
			tenth = q.sample(t, small, week)
			all = append(all, tenth)
		}
		asked++
		if err := measure(t, all...); err != nil {
			t.Errorf("%s: %v", q.name, err)
			failed++
			continue
		}
		a, b, c := usual.typical(), long.typical(), seven.typical()
		var growth string
		if tenth != nil {
			d := tenth.typical()
			times := float64(c.wall) / float64(d.wall)
			growth = fmt.Sprintf("%.1f\t%s\t%.2f%s", ms(d.wall), many(d.rows), times, mark(times > atTenfold))
			grown += one(times > atTenfold)
		} else {
			growth = "\t\t"
		}
		slow, slowLong = slow+one(a.wall > atDefault), slowLong+one(b.wall > atTwoYear)
		fmt.Fprintf(w, "%s\t%.1f%s\t%.0f\t%s\t%.1f%s\t%.0f\t%s\t%.1f\t%.0f\t%s\t%s\t  %s\n", shortly(q.window),
			ms(a.wall), mark(a.wall > atDefault), ms(a.cpu), many(a.rows), ms(b.wall), mark(b.wall > atTwoYear), ms(b.cpu), many(b.rows),
			ms(c.wall), ms(c.cpu), many(c.rows), growth, q.name)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	of := fmt.Sprintf("of %d panels and reports%s", asked, how)
	verdict(t, failed > 0, "failed, "+of, "none", "%d", failed)
	verdict(t, slow > 0, "slower than 100 ms at the window that they open with, "+of, "none", "%d", slow)
	verdict(t, slowLong > 0, "slower than 300 ms at two years, "+of, "none", "%d", slowLong)
	if small != nil {
		verdict(t, grown > 0, "7 days cost more than 1.5 times what they cost at a tenth, "+of, "none", "%d", grown)
	}
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// question is something that people ask, over a window.
type question struct {
	name   string
	window time.Duration // that it opens with
	sql    func(s *sized, window time.Duration) (string, error)
}

func (q question) sample(t *testing.T, s *sized, window time.Duration) *sample {
	t.Helper()
	query, err := q.sql(s, window)
	if err != nil {
		t.Fatalf("%s: %v", q.name, err)
	}
	return &sample{at: s, query: query}
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
	views := askTSV(t, s.db, `SELECT t.name, countIf(c.name = 'started_at') FROM system.tables AS t LEFT JOIN system.columns AS c ON c.database = t.database AND c.table = t.name
		WHERE t.database = currentDatabase() AND t.name LIKE 'report\\_%' AND t.engine = 'View' GROUP BY t.name ORDER BY t.name SETTINGS final = 0`)
	for line := range strings.Lines(views) {
		name, timed, _ := strings.Cut(strings.TrimSpace(line), "\t")
		all := "SELECT * FROM " + name
		if timed == "0" {
			out = append(out, question{name, week, func(*sized, time.Duration) (string, error) { return all + " LIMIT 1000", nil }})
			continue
		}
		out = append(out, question{name, week, func(s *sized, window time.Duration) (string, error) {
			return fmt.Sprintf("%s WHERE started_at >= toDateTime(%d) AND started_at <= toDateTime(%d) ORDER BY started_at DESC LIMIT 1000", all, s.now.Add(-window).Unix(), s.now.Unix()), nil
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

func shortly(d time.Duration) string {
	if d < 48*time.Hour {
		return fmt.Sprintf("%.0f h", d.Hours())
	}
	return fmt.Sprintf("%.0f d", d.Hours()/24)
}
