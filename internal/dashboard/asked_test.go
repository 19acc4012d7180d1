package dashboard_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/dashboard"
)

// panel finds a panel by the name of its query.
func panel(t *testing.T, board, name string) dashboard.Query {
	t.Helper()
	for _, q := range panels() {
		if q.Dashboard == board && q.Name == name {
			return q
		}
	}
	t.Fatalf("%s has no panel %s", board, name)
	return dashboard.Query{}
}

func TestPeopleOfNoDepartmentCanBeChosen(t *testing.T) {
	t.Parallel()
	c := openCompany(t)
	for _, q := range dashboard.Queries() {
		if q.Name != "$department" {
			continue
		}
		a, _ := c.ask(t, q, 60*day, nil)
		list := a.column(a.Meta[0].Name)
		if len(list) < 3 || list[len(list)-1] != "–" {
			t.Errorf("the departments are %v", list)
		}
	}
	q := panel(t, "employees", "Departments")
	all, _ := c.ask(t, q, 60*day, nil)
	none, sql := c.ask(t, q, 60*day, dashboard.Values{"department": {"–"}})
	if got := none.column("department"); len(got) != 1 || got[0] != "" || len(all.Data) < 3 {
		t.Errorf("of %d departments, – is %q\n%s", len(all.Data), got, sql)
	}
}

func TestAClientIsFoundHoweverTheNumberIsSpelled(t *testing.T) {
	t.Parallel()
	c := openCompany(t)
	q := panel(t, "calls", "Calls")
	a, _ := c.ask(t, dashboard.Query{SQL: "SELECT client_number FROM calls WHERE length(client_number) = 11 AND startsWith(client_number, '7') AND started_at BETWEEN now() - INTERVAL 1 DAY AND now() ORDER BY call_id LIMIT 1"}, day, nil)
	n := fmt.Sprint(a.Data[0][0])
	find := func(typed string) []any {
		a, _ := c.ask(t, q, 36*time.Hour, dashboard.Values{"client": {typed}})
		return a.column("client_number")
	}
	whole := find(n)
	if len(whole) == 0 {
		t.Fatal("the number as it is stored finds nothing")
	}
	spelled := fmt.Sprintf("(%s) %s-%s-%s", n[1:4], n[4:7], n[7:9], n[9:])
	for _, typed := range []string{"+7 " + spelled, "8 " + spelled, "8" + n[1:], "810" + n, "00" + n, " tel. " + n} {
		if diff := cmp.Diff(whole, find(typed)); diff != "" {
			t.Errorf("%q: %s", strings.Map(masked, typed), diff)
		}
	}
	for _, part := range []string{n[3:8], n[4:7] + "-" + n[7:9], n[7:], "8" + n[1:6]} {
		if got := find(part); !slices.Contains(got, any(n)) {
			t.Errorf("a part of the number finds %d calls, none of them his", len(got))
		}
	}
	for _, words := range []string{"nobody", "%", "'"} {
		if got := find(words); len(got) != 0 {
			t.Errorf("%q finds %d calls", words, len(got))
		}
	}
}

// masked keeps the spelling of a number, and not the number.
func masked(r rune) rune {
	if r >= '0' && r <= '9' {
		return '0'
	}
	return r
}

func TestWhomToCallBackObeysTheHoursAndLeadsToTheCall(t *testing.T) {
	t.Parallel()
	c := openCompany(t)
	q := panel(t, "missed", "Whom to call back now")
	clients := func(hours ...string) (a answer, list []string) {
		a, _ = c.ask(t, q, day, dashboard.Values{"hours": hours})
		for _, n := range a.column("client_number") {
			list = append(list, fmt.Sprint(n))
		}
		slices.Sort(list)
		return a, list
	}
	a, all := clients()
	_, working := clients("working")
	_, rest := clients("rest")
	if both := append(slices.Clone(working), rest...); len(working) == 0 || len(working) >= len(all) || len(rest) >= len(all) {
		t.Errorf("%d clients: %d in working hours, %d in the others", len(all), len(working), len(rest))
	} else if slices.Sort(both); !slices.Equal(slices.Compact(both), all) {
		t.Error("the two kinds of hours have not all clients")
	}
	last := a.column("last_missed_at")
	if !slices.IsSortedFunc(last, func(x, y any) int { return strings.Compare(fmt.Sprint(y), fmt.Sprint(x)) }) {
		t.Error("the latest missed are not first")
	}
	open, sql := c.ask(t, panel(t, "calls", "In short"), day, dashboard.Values{"call": {fmt.Sprint(a.column("call_id")[0])}})
	got := fmt.Sprint(open.column("started_at"), open.column("client_number"), open.column("outcome"))
	if want := fmt.Sprint(last[:1], a.column("client_number")[:1], []any{"missed"}); got != want {
		t.Errorf("the link leads to another call than the last missed one\n%s", sql)
	}
}

// Where nobody called there is a point all the same, which breaks the line.
func TestLinesBreakWhereNobodyCalled(t *testing.T) {
	t.Parallel()
	c := openCompany(t)
	nulls := 0
	for _, q := range panels() {
		if q.Panel.Kind != dashboard.Lines {
			continue
		}
		for span, step := range map[time.Duration]time.Duration{7 * day: time.Hour, 30 * day: day, twoYears: 7 * day} {
			a, sql := c.ask(t, q, span, nil)
			if strings.Contains(q.SQL, "daily") || !strings.Contains(q.SQL, "<= 8 * 86400") {
				step = max(step, day)
			}
			for i, row := range a.Data {
				nulls += strings.Count(fmt.Sprint(row[1:]...), "<nil>")
				if i == 0 {
					continue
				}
				before, _ := time.Parse(time.DateTime, fmt.Sprint(a.Data[i-1][0]))
				at, err := time.Parse(time.DateTime, fmt.Sprint(row[0]))
				if err != nil || at.Sub(before) != step {
					t.Fatalf("%s, %s, %v: after %v comes %v\n%s", q.Dashboard, q.Name, span, a.Data[i-1][0], row[0], sql)
				}
			}
		}
	}
	if nulls < 20 {
		t.Errorf("%d points of nothing", nulls)
	}
}

// What is read are the settings, and days of the calendar: a view of calls has them at
// hand whatever is asked.
func TestTheOpenCallOfNobodyReadsNoCall(t *testing.T) {
	t.Parallel()
	c := openCompany(t)
	asked := 0
	for _, q := range panels() {
		if !strings.Contains(q.SQL, "${call:") {
			continue
		}
		asked++
		a, sql := c.ask(t, q, day, dashboard.Values{"call": {""}})
		open, _ := c.ask(t, q, day, dashboard.Values{"call": c.aCall(t)})
		if len(a.Data) != 0 || a.Statistics.RowsRead > 100 || len(open.Data) == 0 {
			t.Errorf("%s: %d rows of nobody's call out of %d that were read; %d of an open one\n%s", q.Name, len(a.Data), a.Statistics.RowsRead, len(open.Data), sql)
		}
	}
	if asked != 4 {
		t.Errorf("%d panels are of the open call", asked)
	}
}

func TestHeadlinesCompareWithThePeriodBefore(t *testing.T) {
	t.Parallel()
	c := openCompany(t)
	for _, span := range []time.Duration{7*day + 10*time.Minute, 40 * time.Minute} {
		from := c.now.Add(-span).Truncate(time.Hour)
		count := func(from, to time.Time) string {
			a, _ := c.ask(t, dashboard.Query{SQL: fmt.Sprintf("SELECT sum(received) FROM report_volume WHERE started_at >= toStartOfHour(toDateTime(%d)) AND started_at <= toDateTime(%d)", from.Unix(), to.Unix())}, span, nil)
			return fmt.Sprint(a.Data[0][0])
		}
		a, sql := c.ask(t, panel(t, "overview", "The period in figures"), span, nil)
		got := fmt.Sprint(a.column("received")...)
		if want := count(from.Add(from.Sub(c.now)), from.Add(-time.Second)) + " " + count(from, c.now); got != want && got != strings.Replace(want, "0 ", "<nil> ", 1) {
			t.Errorf("%v: received are %s, want %s\n%s", span, got, want, sql)
		}
	}
	// Of before the company's first day there is nothing to compare with.
	a, sql := c.ask(t, panel(t, "missed", "The period in figures"), twoYears, nil)
	if got := a.column("missed"); len(got) != 2 || got[0] != nil || got[1] == nil {
		t.Errorf("missed are %v\n%s", got, sql)
	}
}

func TestWhatGoesOnNowIsShown(t *testing.T) {
	t.Parallel()
	c := openCompany(t)
	a, sql := c.ask(t, panel(t, "now", "Now"), day, nil)
	if got := fmt.Sprint(a.Data); !strings.HasPrefix(got, "[[3 1 ") || !strings.HasSuffix(got, " 1 1]]") {
		t.Errorf("now: %s\n%s", got, sql)
	}
	a, sql = c.ask(t, panel(t, "now", "Who waits for an answer"), day, nil)
	if got := a.column("client_number"); !slices.Equal(got, []any{"79990000001"}) {
		t.Errorf("%d wait\n%s", len(got), sql)
	}
	a, sql = c.ask(t, panel(t, "now", "Who talks"), day, nil)
	if got := a.column("employee"); !slices.Equal(got, []any{"883140700000002"}) {
		t.Errorf("those who talk: %v, not him to whom the call was transferred\n%s", got, sql)
	}
}
