package dashboard_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/call"
	"fonoteka/internal/dashboard"
)

const (
	day      = 24 * time.Hour
	twoYears = 730 * day
)

func panels() (list []dashboard.Query) {
	for _, q := range dashboard.Queries() {
		if q.Panel != nil {
			list = append(list, q)
		}
	}
	return list
}

func TestEveryVariableResolves(t *testing.T) {
	t.Parallel()
	c := openCompany(t)
	for _, q := range dashboard.Queries() {
		if q.Variable == nil {
			continue
		}
		a, sql := c.ask(t, q, 7*day, nil)
		if len(a.Data) == 0 || len(a.Meta) > 2 {
			t.Errorf("%s resolves to %d values in %d columns\n%s", q.Name, len(a.Data), len(a.Meta), sql)
			continue
		}
		if _, text := a.Data[0][0].(string); !text {
			t.Errorf("%s resolves to %v, no text", q.Name, a.Data[0][0])
		}
	}
}

func TestEveryPanelShowsWhatItPromises(t *testing.T) {
	t.Parallel()
	c := openCompany(t)
	open := dashboard.Values{"call": c.aCall(t)}
	for _, q := range panels() {
		for _, span := range []time.Duration{time.Hour, day, 7 * day, twoYears} {
			a, sql := c.ask(t, q, span, open)
			for _, wrong := range fits(a, *q.Panel) {
				t.Errorf("%s, %s, %v: %s\n%s", q.Dashboard, q.Name, span, wrong, sql)
			}
			if span >= day && len(a.Data) == 0 {
				t.Errorf("%s, %s, %v: is empty\n%s", q.Dashboard, q.Name, span, sql)
			}
		}
	}
}

// Sentences of the catalogue are English: panels show its codes, in the reader's
// words, and all of them.
func TestRecordingsAreExplainedInTheReadersLanguage(t *testing.T) {
	t.Parallel()
	explained := 0
	for _, q := range panels() {
		if !strings.Contains(q.SQL, "FROM recordings") {
			continue
		}
		for _, c := range q.Panel.Columns {
			if c.Name == "reason" {
				t.Errorf("%s, %s shows the catalogue's sentence", q.Dashboard, q.Name)
			}
			if c.Name != "reason_code" {
				continue
			}
			explained++
			said := map[string]dashboard.Text{}
			for _, w := range c.Words {
				said[w.Value] = w.Text
			}
			for _, w := range call.Codes() {
				if got := said[string(w.Code)]; got.In("ru") != w.RU || got.In("en") != w.EN {
					t.Errorf("%s, %s: %s is said %q", q.Dashboard, q.Name, w.Code, got)
				}
			}
		}
	}
	if explained != 2 {
		t.Errorf("%d panels explain recordings", explained)
	}
}

// Two values of each list and a text: what a reader may choose at once.
func TestAChoiceNarrowsEveryPanel(t *testing.T) {
	t.Parallel()
	c := openCompany(t)
	open, chosen := dashboard.Values{"call": c.aCall(t)}, dashboard.Values{
		"call": c.aCall(t), "direction": {"incoming", "outgoing"}, "outcome": {"answered", "it's"}, "client": {"7"}, "hours": {"working"},
	}
	for _, q := range dashboard.Queries() {
		if q.Variable != nil && !q.Variable.Single {
			a, _ := c.ask(t, q, 7*day, nil)
			for _, row := range a.Data[:min(2, len(a.Data))] {
				chosen[q.Variable.Name] = append(chosen[q.Variable.Name], fmt.Sprint(row[0]))
			}
		}
	}
	narrower := 0
	for _, q := range panels() {
		all, _ := c.ask(t, q, 7*day, open)
		some, sql := c.ask(t, q, 7*day, chosen)
		if len(some.Data) > len(all.Data) {
			t.Errorf("%s, %s: %d rows by choice, %d of all\n%s", q.Dashboard, q.Name, len(some.Data), len(all.Data), sql)
		}
		if fmt.Sprint(some.Data) != fmt.Sprint(all.Data) {
			narrower++
		}
	}
	if narrower < len(panels())*2/3 {
		t.Errorf("%d of %d panels change with the choice", narrower, len(panels()))
	}
}

// Reports by the hour count the hour in which a window begins, those by the day the day.
func TestAWindowOfMinutesIsNotEmpty(t *testing.T) {
	t.Parallel()
	c := openCompany(t)
	a, _ := c.ask(t, dashboard.Query{SQL: "SELECT toUnixTimestamp(argMax(started_at, received)) FROM report_volume WHERE started_at <= $__toTime"}, day, nil)
	busiest := time.Unix(int64(a.Data[0][0].(float64)), 0)
	minutes := dashboard.Window{From: busiest.Add(10 * time.Minute), To: busiest.Add(40 * time.Minute)}
	for _, q := range dashboard.Queries() {
		if q.Dashboard != "overview" && q.Name != "How long they wait for an answer" || q.Name == "$integration" {
			continue
		}
		sql, err := dashboard.Expand(q.SQL, minutes, nil)
		if err != nil {
			t.Fatal(err)
		}
		if a := c.answer(t, q, sql); len(a.Data) == 0 || q.Name == "The period in figures" && fmt.Sprint(a.Data[1][0]) == "0" {
			t.Errorf("%s: half an hour is empty\n%s", q.Name, sql)
		}
	}
}

var shapes = map[dashboard.Shape]*regexp.Regexp{
	dashboard.Number: regexp.MustCompile(`^(Nullable\()?(U?Int(8|16|32|64)|Float(32|64))\)?$`),
	dashboard.Word:   regexp.MustCompile(`^(LowCardinality\()?(Nullable\()?String\)*$`),
	dashboard.Moment: regexp.MustCompile(`^(Nullable\()?DateTime(64\(3, 'UTC'\)|\('UTC'\))\)?$`),
}

// fits tells what of an answer its panel cannot show.
func fits(a answer, p dashboard.Panel) (wrong []string) {
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if len(a.Meta) != len(p.Columns) {
		say("%d columns, the panel has %d", len(a.Meta), len(p.Columns))
		return wrong
	}
	for i, c := range p.Columns {
		if a.Meta[i].Name != c.Name || !shapes[c.Shape].MatchString(a.Meta[i].Type) {
			say("column %d is %s %s, the panel has %s", i, a.Meta[i].Name, a.Meta[i].Type, c.Name)
		}
	}
	switch p.Kind {
	case dashboard.Totals:
		if want := map[bool]int{false: 1, true: 2}[p.Compared]; len(a.Data) != want {
			say("%d rows of large figures, not %d", len(a.Data), want)
		}
	case dashboard.Lines, dashboard.Bars:
		var times []string
		for _, row := range a.Data {
			times = append(times, row[0].(string))
		}
		if !slices.IsSorted(times) || len(slices.Compact(slices.Clone(times))) != len(times) || len(times) > 200 {
			say("the times do not rise, or are too many: %v", times)
		}
	case dashboard.Categories:
		if len(a.Data) > 15 {
			say("%d bars", len(a.Data))
		}
	}
	return wrong
}

// unpruned are the panels whose tables are not kept by time, with the reason.
var unpruned = map[string]string{
	"Not in the archive yet":       "the catalogue is kept by recording; an index on the state finds these",
	"Whom to call back now":        "is about now, whatever the window",
	"Now":                          "likewise",
	"Today":                        "likewise",
	"Who waits for an answer":      "likewise",
	"Who talks":                    "likewise",
	"Recordings without a call":    "few, and found by id",
	"Notifications not understood": "few",
	"Silence":                      "one may have begun long before the window",
}

var readParts = regexp.MustCompile(`(?:Parts|Granules): (\d+)/(\d+)`)

func TestAWindowReadsNoOtherMonths(t *testing.T) {
	t.Parallel()
	c := openCompany(t)
	for _, q := range panels() {
		if _, known := unpruned[q.Name]; known {
			continue
		}
		q.SQL = "EXPLAIN indexes = 1 " + q.SQL
		a, sql := c.ask(t, q, day, dashboard.Values{"call": c.aCall(t)})
		read, all := 0, 0
		for _, row := range a.Data {
			if m := readParts.FindStringSubmatch(row[0].(string)); m != nil {
				some, _ := strconv.Atoi(m[1])
				of, _ := strconv.Atoi(m[2])
				read, all = read+some, all+of
			}
		}
		if read >= all {
			t.Errorf("%s, %s: a day reads %d of %d parts and granules\n%s", q.Dashboard, q.Name, read, all, sql)
		}
	}
}

// What should be recorded are talks with clients, not those between two of ours.
func TestTalksWithoutARecordingAreAShareOfTalksWithClients(t *testing.T) {
	t.Parallel()
	c := openCompany(t)
	share := func(a answer, column int) (list []any) {
		for _, row := range a.Data {
			list = append(list, row[column])
		}
		return list
	}
	want, _ := c.ask(t, dashboard.Query{SQL: `WITH outcome = 'answered' AND direction IN ('incoming', 'outgoing') AND talk_ms > 0 AS talked
		SELECT local_day, countIf(talked AND empty(recordings)) / nullIf(countIf(talked), 0) FROM report_calls
		WHERE started_at >= toStartOfHour($__fromTime) AND toStartOfHour(started_at) <= $__toTime
		GROUP BY local_day ORDER BY local_day`}, 30*day, nil)
	for _, q := range panels() {
		if q.Name != "Share of calls with gaps" {
			continue
		}
		got, sql := c.ask(t, q, 30*day, nil)
		if diff := cmp.Diff(share(want, 1), share(got, 1)); diff != "" || len(want.Data) < 30 {
			t.Errorf("%s\n%s", diff, sql)
		}
		return
	}
	t.Error("there is no such panel")
}

// Two people of one name are two rows and two choices, told apart by a number.
func TestNamesakesAreTwoPeople(t *testing.T) {
	t.Parallel()
	c := openCompany(t)
	var seen []string
	for _, q := range dashboard.Queries() {
		if q.Name != "Employees" && q.Name != "$employee" {
			continue
		}
		seen = append(seen, q.Name)
		for _, span := range []time.Duration{30 * day, 60 * day} {
			a, sql := c.ask(t, q, span, nil)
			names := map[string]bool{}
			for _, row := range a.Data {
				for _, v := range row {
					if name, is := v.(string); is && strings.HasPrefix(name, namesake) {
						names[name] = true
					}
				}
			}
			if len(names) != 2 || names[namesake] {
				t.Errorf("%s: the two namesakes are shown as %v\n%s", q.Name, names, sql)
			}
		}
	}
	if len(seen) != 2 {
		t.Errorf("looked at %v only", seen)
	}
}

// A list of the last calls is the same whether the window is narrowed for it or,
// where every value of a variable is chosen by hand, read whole.
func TestListsOfTheLastCallsMissNone(t *testing.T) {
	t.Parallel()
	c := openCompany(t)
	whole := map[string]dashboard.Values{
		"Calls":        {"direction": {"incoming", "outgoing", "internal", "unknown"}},
		"Missed calls": {"hours": {"working", "rest"}},
	}
	for _, q := range panels() {
		if whole[q.Name] == nil {
			continue
		}
		for _, span := range []time.Duration{90 * time.Minute, 36 * time.Hour, twoYears} {
			narrowed, _ := c.ask(t, q, span, nil)
			all, sql := c.ask(t, q, span, whole[q.Name])
			if diff := cmp.Diff(all.Data, narrowed.Data); diff != "" {
				t.Errorf("%s, %v: (-whole +narrowed)\n%.600s\n%s", q.Name, span, diff, sql)
			}
		}
	}
}
