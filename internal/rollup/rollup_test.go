package rollup_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/call"
	"fonoteka/internal/correlate"
	"fonoteka/internal/directory"
	"fonoteka/internal/rollup"
)

// A Monday's morning: each kind of call once or twice, every figure by hand.
func TestOneHourOfEveryKindOfCall(t *testing.T) {
	t.Parallel()
	o := open(t)
	transfer := answered("2026-03-02 10:57:00", call.Incoming, "79990000007", anna, 8*time.Second, 90*time.Second)
	transfer.Legs[0].Talk = 30 * time.Second
	second := leg(transfer, boris, 40*time.Second, 50*time.Second)
	transfer.Legs, transfer.Transfers = append(transfer.Legs, second), 1
	internal := answered("2026-03-02 10:55:00", call.Internal, "", anna, 2*time.Second, 20*time.Second)
	internal.Legs = append(internal.Legs, leg(internal, boris, 3*time.Second, 19*time.Second)) // told a second later: no transfer
	own := answered("2026-03-02 10:58:00", call.Outgoing, secondClient, boris, 50*time.Second, 10*time.Second)
	noAnswer := base("2026-03-02 10:50:00", call.Outgoing, call.NoAnswer, secondClient)
	noAnswer.AccountID, noAnswer.Legs = anna, []call.Leg{leg(noAnswer, anna, 0, 0)}
	o.is(
		answered("2026-03-02 10:00:00", call.Incoming, client, anna, 5*time.Second, time.Minute),
		answered("2026-03-02 10:10:00", call.Incoming, secondClient, boris, 25*time.Second, 30*time.Second),
		unanswered("2026-03-02 10:20:00", call.Missed, "79990000003", 40*time.Second, anna, boris),
		unanswered("2026-03-02 10:30:00", call.Abandoned, "79990000004", 3*time.Second, anna),
		answered("2026-03-02 10:40:00", call.Outgoing, client, anna, 10*time.Second, 2*time.Minute),
		noAnswer, internal, transfer, own,
		unanswered("2026-03-02 10:59:00", call.Missed, "", 30*time.Second, boris),
	)
	if err := o.db.WriteLinks(t.Context(), []correlate.Link{{
		Integration: "main", Kind: correlate.Own, From: correlate.Ref{CallID: own.CallID, StartedAt: own.StartedAt},
		ActionID: "a1", Confidence: correlate.Certain,
	}}, nil); err != nil {
		t.Fatal(err)
	}
	o.pass()
	o.want(`SELECT started_at, local_day, local_hour, weekday, working, calls, received, answered, missed, abandoned, outgoing, reached, internal, hidden, transferred
		FROM report_volume WHERE external_number != ''`,
		"2026-03-02 07:00:00|2026-03-02|10|1|true|9|6|3|2|1|3|2|0|1|1")
	o.want(`SELECT sum(internal), sum(received), sum(incoming_talk_ms), sum(outgoing_talk_ms) FROM report_volume`,
		"1|6|180000|130000") // in: 60 + 30 + 90 s, out: 120 + 10 s
	// Of waits 5, 25 and 8 s, two are within 10 s, and within the 20 s of the target.
	o.want(`SELECT sum(answered_waits), sum(answered_wait_ms), sum(answered_in_10s), sum(answered_in_20s), sum(answered_in_30s), sum(answered_in_60s), sum(answered_in_target), max(target_s) FROM report_service_level`,
		"3|38000|2|2|3|3|2|20")
	o.want(`SELECT received, missed, abandoned, missed_wait_ms, missed_waits FROM report_abandonment WHERE external_number != ''`, "6|2|1|70000|2")
	// 3 answered of 5 that waited; 2 in time of 3 answered, and of 5 received.
	o.want(`SELECT received, round(answer_rate, 3), round(missed_rate, 3), round(abandoned_rate, 3),
		round(service_level_of_answered, 3), round(service_level_of_received, 3), round(reach_rate, 3), round(average_wait_ms), longest_wait_ms FROM report_daily`,
		"6|0.6|0.4|0.167|0.667|0.4|0.667|12667|40000")
	// The call of our own has no place in waits and rings; its talk is talk.
	o.want(`SELECT measure, direction, groupArray(duration_ms) FROM
		(SELECT measure, direction, duration_ms FROM live_durations ORDER BY duration_ms) GROUP BY ALL ORDER BY ALL`, `
missed wait|incoming|[30000,40000]
ring|incoming|[5000,8000,25000]
ring|outgoing|[10000]
talk|incoming|[30000,60000,90000]
talk|outgoing|[10000,120000]
wait|incoming|[5000,8000,25000]`)
	o.want(`SELECT employee, sum(rang), sum(answered), sum(missed), sum(outgoing), sum(reached), sum(internal), sum(transfers), sum(incoming_talk_ms), sum(outgoing_talk_ms), sum(answered_ring_ms), sum(answered_rings)
		FROM report_employees GROUP BY employee ORDER BY employee`,
		anna+"|4|2|2|2|1|1|1|90000|120000|13000|2\n"+
			boris+"|4|2|2|1|1|1|0|80000|10000|65000|2")
	o.want(`SELECT department, sum(received), sum(answered), sum(missed), sum(abandoned), sum(outgoing), sum(reached) FROM report_departments GROUP BY department`, "6|3|2|1|3|2") // the department is empty
	o.want(`SELECT employee, outcome, wait_ms FROM report_longest_waits ORDER BY wait_ms DESC LIMIT 2`, anna+"|missed|40000\n"+boris+"|missed|30000")
	o.want(`SELECT local_hour, weekday, sum(received), sum(answered) FROM report_heatmap WHERE received > 0 GROUP BY ALL`, "10|1|6|3")
	o.want(`SELECT state, count() FROM report_missed GROUP BY state ORDER BY state`, "hidden|1\nlapsed|1")
	o.want(`SELECT sum(answered), sum(answered_external), sum(answered_without_recording), sum(without_end), sum(bad_times) FROM report_data_quality`, "6|5|5|0|0")
}

func TestTwoPhonesOfOneWorkplaceAreOneRing(t *testing.T) {
	t.Parallel()
	o := open(t)
	const desk, phone, mobile = "883140000000009", "883140000000091", "883140000000092"
	rows := []directory.Row{
		{Kind: directory.Workplace, Integration: "main", ID: desk, Word: "Вера", ValidFrom: moscow("2026-01-01 00:00:00")},
		{Kind: directory.Terminal, Integration: "main", ID: phone, Word: desk, ValidFrom: moscow("2026-01-01 00:00:00")},
		{Kind: directory.Terminal, Integration: "main", ID: mobile, Word: desk, ValidFrom: moscow("2026-01-01 00:00:00")},
	}
	if err := o.db.InsertDirectory(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	o.is(unanswered("2026-03-02 10:20:00", call.Missed, client, 40*time.Second, phone, mobile, boris))
	o.pass()
	o.want("SELECT employee, sum(rang), sum(missed) FROM report_employees GROUP BY employee ORDER BY employee", boris+"|1|1\nВера|1|1")
	o.want("SELECT employee, state FROM report_missed", "Вера|lapsed")
}

// Departments add up to all calls: one that rang at no workplace is counted where
// no department is.
func TestDepartmentsAddUpToAllCalls(t *testing.T) {
	t.Parallel()
	o := open(t)
	staff := func(workplace, employee, department string) directory.Row {
		return directory.Row{Kind: directory.Staff, Integration: "main", ID: workplace, Word: employee, Department: department, ValidFrom: time.Unix(0, 0)}
	}
	if err := o.db.InsertDirectory(t.Context(), []directory.Row{staff(anna, "Anna", "Sales")}); err != nil {
		t.Fatal(err)
	}
	o.is(
		answered("2026-03-02 10:00:00", call.Incoming, client, anna, time.Second, time.Minute),
		answered("2026-03-02 10:05:00", call.Incoming, client, boris, time.Second, 30*time.Second), // of no department
		unanswered("2026-03-02 10:10:00", call.Missed, client, time.Minute),                        // after hours: nowhere
		unanswered("2026-03-02 10:15:00", call.Abandoned, client, time.Second),
		unanswered("2026-03-02 10:18:00", call.Missed, client, time.Minute, ""), // nobody said where
		unanswered("2026-03-02 10:20:00", call.Missed, client, time.Minute, anna),
		answered("2026-03-02 10:25:00", call.Outgoing, client, anna, time.Second, time.Minute),
		base("2026-03-02 10:30:00", call.Outgoing, call.NoAnswer, client), // made at no phone that we know
	)
	o.pass()
	const byDepartment = "SELECT if(department = '', '-', department) AS d, received, answered, missed, abandoned, nowhere, outgoing, reached, incoming_talk_ms, outgoing_talk_ms FROM report_departments ORDER BY d"
	o.want(byDepartment, `
-|4|1|2|1|3|1|0|30000|0
Sales|2|1|1|0|0|1|1|60000|60000`)
	const sums = "SELECT sum(received), sum(answered), sum(missed), sum(abandoned), sum(outgoing), sum(reached), sum(incoming_talk_ms), sum(outgoing_talk_ms) FROM "
	o.want(sums+"report_departments", o.ask(sums+"report_volume"))
	o.want("SELECT count(), countIf(workplace = '') FROM report_employees", "2|0") // nobody is no employee
	o.want("SELECT count(), countIf(workplace = '') FROM report_employees_daily", "2|0")

	// Who is in which department becomes known later, and nothing else is worked out for it.
	before := o.ask("SELECT sum(version) FROM rollup_days")
	if err := o.db.InsertDirectory(t.Context(), []directory.Row{staff(boris, "Boris", "Support")}); err != nil {
		t.Fatal(err)
	}
	o.pass()
	o.want(byDepartment, `
-|3|0|2|1|3|1|0|0|0
Sales|2|1|1|0|0|1|1|60000|60000
Support|1|1|0|0|0|0|0|30000|0`)
	o.want("SELECT sum(version) FROM rollup_days", before)
}

// noDepartments is a store whose departments cannot be worked out.
type noDepartments struct{ rollup.Store }

func (noDepartments) RollDepartments(context.Context, rollup.Span) error {
	return errors.New("no room")
}

func TestDaysThatWaitForTheirDepartmentsAreCounted(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.is(answered("2026-03-02 10:00:00", call.Incoming, client, anna, time.Second, time.Minute))
	o.is(answered("2026-03-04 10:00:00", call.Incoming, client, anna, time.Second, time.Minute))
	o.pass()
	err := o.db.InsertDirectory(t.Context(), []directory.Row{{
		Kind: directory.Staff, Integration: "main", ID: anna, Word: "Anna", Department: "Sales", ValidFrom: time.Unix(0, 0),
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		store  rollup.Store
		fails  bool
		metric string
	}{{noDepartments{o.db}, true, "2"}, {o.db, false, "0"}} {
		reg := prometheus.NewRegistry()
		r, err := rollup.New(rollup.Options{
			Store: c.store, Settings: settings, Integrations: []string{"main"}, Log: slog.New(slog.DiscardHandler), Registerer: reg,
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Pass(t.Context()); (err != nil) != c.fails {
			t.Fatal(err)
		}
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		var got string
		for _, f := range families {
			for _, m := range f.GetMetric() {
				if f.GetName() == "fonoteka_rollup_waiting_days" && m.GetLabel()[0].GetValue() == "departments" {
					got = fmt.Sprint(m.GetGauge().GetValue())
				}
			}
		}
		if got != c.metric {
			t.Errorf("departments wait for %s days, want %s", got, c.metric)
		}
	}
}

// A new phone changes nothing that was rolled up; one that stood elsewhere
// changes the days in which it had calls.
func TestADirectoryRollsUpOnlyWhatItChanges(t *testing.T) {
	t.Parallel()
	o := open(t)
	const desk, other, phone, unused = "883140000000009", "883140000000008", "883140000000091", "883140000000092"
	terminal := func(id, desk, since string) directory.Row {
		return directory.Row{Kind: directory.Terminal, Integration: "main", ID: id, Word: desk, ValidFrom: moscow(since)}
	}
	directory := func(rows ...directory.Row) {
		if err := o.db.InsertDirectory(t.Context(), rows); err != nil {
			t.Fatal(err)
		}
		o.pass()
	}
	directory(terminal(phone, desk, "2026-01-01 00:00:00"))
	o.is(
		answered("2026-03-02 10:00:00", call.Incoming, client, phone, time.Second, time.Second),
		answered("2026-03-03 10:00:00", call.Incoming, client, anna, time.Second, time.Second),
		answered("2026-03-04 10:00:00", call.Incoming, client, phone, time.Second, time.Second),
		answered("2026-03-04 16:00:00", call.Incoming, client, phone, time.Second, time.Second),
	)
	o.pass()
	const versions, places = "SELECT day, version FROM rollup_days WHERE name = 'calls' ORDER BY day", "SELECT toDate(started_at), workplace, answered FROM report_employees ORDER BY started_at"
	before := o.ask(versions)
	directory(terminal(unused, desk, "2026-03-01 00:00:00"))
	o.want(versions, before)
	o.want(places, `
2026-03-02|883140000000009|1
2026-03-03|883140000000001|1
2026-03-04|883140000000009|1
2026-03-04|883140000000009|1`)
	directory(terminal(phone, other, "2026-03-04 12:00:00"))
	o.want(places, `
2026-03-02|883140000000009|1
2026-03-03|883140000000001|1
2026-03-04|883140000000009|1
2026-03-04|883140000000008|1`)
	if after := o.ask(versions); strings.Split(after, "\n")[2] == strings.Split(before, "\n")[2] || !strings.HasPrefix(after, strings.Join(strings.Split(before, "\n")[:2], "\n")) {
		t.Errorf("only the day of the move is to be rolled up again:\n%s\nafter\n%s", after, before)
	}
}
