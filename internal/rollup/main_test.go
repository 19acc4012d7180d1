package rollup_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/cdr"
	"fonoteka/internal/embedded/embeddedtest"
	"fonoteka/internal/rollup"
	"fonoteka/internal/warehouse/warehousetest"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

var ids atomic.Uint64

// office is a company in Moscow with a warehouse of its own.
type office struct {
	t        *testing.T
	db       *warehousetest.DB
	settings func(integration string) rollup.ReportSettings
}

func open(t *testing.T) *office {
	t.Helper()
	return &office{t: t, db: warehousetest.Open(t), settings: settings}
}

// settings: Monday to Friday from 9 to 18 by the clock of Moscow (UTC+3).
func settings(integration string) rollup.ReportSettings {
	zone, err := time.LoadLocation("Europe/Moscow")
	if err != nil {
		panic(err)
	}
	s := rollup.ReportSettings{
		Integration: integration, Zone: zone, ShortDay: time.Hour,
		ServiceLevel: 20 * time.Second, CallbackDays: 7, RepeatHours: 24,
	}
	for day := range 5 {
		s.WorkFrom[day], s.WorkTo[day] = 9*time.Hour, 18*time.Hour
	}
	return s
}

// pass makes another Roller, as a new process does, and lets it roll up all
// that has changed.
func (o *office) pass() {
	o.t.Helper()
	r, err := rollup.New(rollup.Options{
		Store: o.db, Settings: o.settings, Integrations: []string{"main"}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		o.t.Fatal(err)
	}
	if err := r.Pass(o.t.Context()); err != nil {
		o.t.Fatal(err)
	}
}

// ask returns the answer's rows, a line each, the fields with | between.
func (o *office) ask(sql string) string {
	o.t.Helper()
	var b bytes.Buffer
	if err := o.db.QueryFormat(context.Background(), &b, sql, "TSV"); err != nil {
		o.t.Fatalf("%s: %v", sql, err)
	}
	return strings.ReplaceAll(strings.TrimSpace(b.String()), "\t", "|")
}

func (o *office) want(sql, want string) {
	o.t.Helper()
	if got := o.ask(sql); got != strings.TrimSpace(want) {
		o.t.Errorf("%s\ngot\n%s\nwant\n%s", sql, got, strings.TrimSpace(want))
	}
}

// merge leaves only the newest row of each key of a table.
func (o *office) merge(table string) {
	o.t.Helper()
	_, addr, user, password := embeddedtest.ClickHouse(o.t)
	query := url.Values{"database": {o.ask("SELECT currentDatabase()")}, "query": {"OPTIMIZE TABLE " + table + " FINAL"}}
	req, err := http.NewRequestWithContext(o.t.Context(), http.MethodPost, "http://"+addr+"/?"+query.Encode(), nil)
	if err != nil {
		o.t.Fatal(err)
	}
	req.SetBasicAuth(user, password)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		o.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		o.t.Fatal(resp.Status)
	}
}

// is writes calls as they are now, each under a higher version than before.
func (o *office) is(records ...call.Record) {
	o.t.Helper()
	var writes []cdr.CallWrite
	for _, r := range records {
		writes = append(writes, cdr.CallWrite{Record: r, Version: ids.Add(1)})
	}
	if err := o.db.WriteCalls(o.t.Context(), writes); err != nil {
		o.t.Fatal(err)
	}
}

// is no more: tombstones.
func (o *office) isGone(records ...call.Record) {
	o.t.Helper()
	var writes []cdr.CallWrite
	for _, r := range records {
		writes = append(writes, cdr.CallWrite{Record: r, Version: ids.Add(1), Deleted: true})
	}
	if err := o.db.WriteCalls(o.t.Context(), writes); err != nil {
		o.t.Fatal(err)
	}
}

// moscow reads a time of the company's clock.
func moscow(s string) time.Time {
	zone, err := time.LoadLocation("Europe/Moscow")
	if err != nil {
		panic(err)
	}
	t, err := time.ParseInLocation("2006-01-02 15:04:05", s, zone)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

const (
	anna, boris  = "883140000000001", "883140000000002"
	sales        = "74950000001"
	client       = "79990000001"
	secondClient = "79990000002"
)

func base(at string, d call.Direction, outcome call.Outcome, number string) call.Record {
	id := ids.Add(1)
	r := call.Record{
		Integration: "main", CallID: id, GroupID: id, PlatformCallID: fmt.Sprint(id), Direction: d, Outcome: outcome,
		StartedAt: moscow(at), HungUp: call.UnknownSide, Events: 3,
	}
	if d != call.Internal {
		r.ExternalNumber = call.Number{Raw: sales, Digits: sales}
		r.ClientNumber = call.Number{Raw: number, Digits: number}
	}
	return r
}

// answered is a call that waited, rang and talked at an account.
func answered(at string, d call.Direction, number, account string, wait, talk time.Duration) call.Record {
	r := base(at, d, call.Answered, number)
	r.AccountID, r.AnsweredAt = account, r.StartedAt.Add(wait)
	r.Wait, r.WaitKnown, r.Ring, r.RingKnown, r.Talk = wait, true, wait, true, talk
	r.EndedAt = r.AnsweredAt.Add(talk)
	r.Legs = []call.Leg{leg(r, account, wait, talk)}
	return r
}

func leg(r call.Record, account string, wait, talk time.Duration) call.Leg {
	l := call.Leg{
		ID: ids.Add(1), PlatformID: fmt.Sprint(ids.Add(1)), Kind: call.Workplace, AccountID: account, Type: string(r.Direction),
		StartedAt: r.StartedAt, EndedAt: r.EndedAt, Finished: true, Events: 3,
	}
	if talk > 0 {
		l.Answered, l.AnsweredAt, l.Ring, l.RingKnown, l.Talk = true, r.StartedAt.Add(wait), wait, true, talk
	}
	return l
}

// unanswered is an incoming call that rang at accounts and was given up.
func unanswered(at string, outcome call.Outcome, number string, wait time.Duration, accounts ...string) call.Record {
	r := base(at, call.Incoming, outcome, number)
	r.Wait, r.WaitKnown, r.EndedAt = wait, true, r.StartedAt.Add(wait)
	for _, a := range accounts {
		r.Legs = append(r.Legs, leg(r, a, wait, 0))
	}
	if len(accounts) > 0 {
		r.AccountID = accounts[0]
	}
	return r
}
