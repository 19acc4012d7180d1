package dashboard_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/cdr"
	"fonoteka/internal/dashboard"
	"fonoteka/internal/directory"
	"fonoteka/internal/embedded"
	"fonoteka/internal/embedded/embeddedtest"
	"fonoteka/internal/relay"
	"fonoteka/internal/rollup"
	"fonoteka/internal/seed"
	"fonoteka/internal/sim"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/reports"
	"fonoteka/internal/warehouse/warehousetest"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

// company is a warehouse with the last ten weeks of a simulated company, asked
// as Grafana's user asks.
type company struct {
	reader *warehouse.DB
	now    time.Time
}

var (
	once sync.Once
	// theCompany is the same for all tests: to make it takes longer than they do.
	theCompany company
	makingIt   error
)

func openCompany(t *testing.T) company {
	t.Helper()
	o := options(t)
	once.Do(func() { theCompany, makingIt = found(t.Context(), o) })
	if makingIt != nil {
		t.Fatal(makingIt)
	}
	return theCompany
}

func options(t *testing.T) warehouse.Options {
	t.Helper()
	native, http, user, password := embeddedtest.ClickHouse(t)
	return warehouse.Options{Addrs: []string{native}, HTTPAddr: http, User: user, Password: password, Database: embedded.ClickHouseDatabase}
}

// found fills the database that the read-only user may see.
func found(ctx context.Context, o warehouse.Options) (company, error) {
	c := company{now: time.Now()}
	db, err := warehouse.Open(o)
	if err != nil {
		return c, err
	}
	defer db.Close()
	if err := db.Migrate(ctx, nil); err != nil {
		return c, err
	}
	log := slog.New(slog.DiscardHandler)
	_, err = seed.Run(ctx, seed.Options{
		Address: o.HTTPAddr, User: o.User, Password: o.Password, Database: o.Database, Log: log,
		History: sim.HistoryOptions{Seed: 5, Calls: 20_000, From: c.now.AddDate(0, 0, -70), To: c.now.Add(time.Hour)},
	})
	if err != nil {
		return c, err
	}
	if err := oddities(ctx, warehousetest.Of(db), c.now); err != nil {
		return c, err
	}
	roller, err := rollup.New(rollup.Options{Store: reports.New(db), Settings: settings, Integrations: []string{"main"}, Log: log})
	if err != nil {
		return c, err
	}
	if err := roller.Pass(ctx); err != nil {
		return c, err
	}
	o.User, o.Password = embeddedtest.Analyst()
	c.reader, err = warehouse.Open(o)
	return c, err
}

// namesake is what two employees are called.
const namesake = "Анна Однофамильцева"

// atThisMoment are calls that go on: a client who waits, one who talks, to whom a
// colleague has transferred him, and one who is being dialled.
func atThisMoment(now time.Time) (list []cdr.CallWrite) {
	for i, r := range []call.Record{
		{Direction: call.Incoming, Outcome: call.UnknownOutcome, ClientNumber: call.Number{Digits: "79990000001"}},
		{Direction: call.Incoming, Outcome: call.Answered, ClientNumber: call.Number{Digits: "79990000002"}, AnsweredAt: now.Add(-3 * time.Minute), AccountID: "883140700000001", Legs: []call.Leg{
			{ID: 1, Kind: call.Workplace, AccountID: "883140700000001", Answered: true, AnsweredAt: now.Add(-3 * time.Minute), EndedAt: now.Add(-2 * time.Minute), Talk: time.Minute},
			{ID: 2, Kind: call.Workplace, AccountID: "883140700000002", Answered: true, AnsweredAt: now.Add(-2 * time.Minute)},
		}},
		{Direction: call.Outgoing, Outcome: call.UnknownOutcome, ClientNumber: call.Number{Digits: "79990000003"}},
	} {
		r.Integration, r.CallID, r.GroupID, r.PlatformCallID = "main", uint64(1000+i), uint64(1000+i), fmt.Sprintf("GOES-ON-%d", i)
		r.StartedAt, r.HungUp, r.ExternalNumber = now.Add(-4*time.Minute), call.UnknownSide, call.Number{Digits: "74950001122"}
		list = append(list, cdr.CallWrite{Record: r, Version: cdr.CallVersion(1, 1, 0)})
	}
	return list
}

// oddities fill the lists of what is wrong and of what goes on, and the address of
// recordings, and give two employees the same name.
func oddities(ctx context.Context, db *warehousetest.DB, now time.Time) error {
	err := db.InsertRejected(ctx, []relay.Rejected{{Integration: "main", ReceivedAt: now.Add(-time.Hour), Reason: "unreadable", Detail: "not JSON", Body: []byte("x")}})
	if err != nil {
		return err
	}
	err = db.AnnounceRecordings(ctx, []call.Recording{{
		Integration: "main", ID: "0123456789abcdef0123456789abcdef", URL: "https://records.example.org/x.mp3", GroupID: 1,
		PlatformCallID: "NOBODY-KNOWS-THIS", AnnouncedAt: now.Add(-2 * time.Hour), ExpiresAt: now.AddDate(0, 0, 5),
	}})
	if err != nil {
		return err
	}
	if err := db.WriteCalls(ctx, atThisMoment(now)); err != nil {
		return err
	}
	var namesakes []directory.Row
	var two bytes.Buffer
	if err := db.QueryFormat(ctx, &two, "SELECT workplace FROM directory_staff GROUP BY workplace ORDER BY workplace LIMIT 2", "TSV"); err != nil {
		return err
	}
	for workplace := range strings.FieldsSeq(two.String()) {
		namesakes = append(namesakes, directory.Row{
			Kind: directory.Staff, Integration: "main", ID: workplace, Word: namesake, Department: "Продажи", ValidFrom: now.AddDate(0, 0, -69), Source: "import",
		})
	}
	if err := db.InsertDirectory(ctx, namesakes); err != nil {
		return err
	}
	return db.SaveAddress(ctx, "recordings", "http://127.0.0.1:8090")
}

// settings: Monday to Friday from 9 to 18 in Moscow.
func settings(integration string) rollup.ReportSettings {
	zone, err := time.LoadLocation("Europe/Moscow")
	if err != nil {
		panic(err)
	}
	s := rollup.ReportSettings{
		Integration: integration, Zone: zone, ShortDay: time.Hour, ServiceLevel: 20 * time.Second, CallbackDays: 7, RepeatHours: 24,
	}
	for day := range 5 {
		s.WorkFrom[day], s.WorkTo[day] = 9*time.Hour, 18*time.Hour
	}
	return s
}

// answer is what a query gives, as the plugin sees it.
type answer struct {
	Meta []struct{ Name, Type string }
	Data [][]any

	Statistics struct {
		RowsRead int `json:"rows_read"`
	}
}

// column are the values of one column.
func (a answer) column(name string) (list []any) {
	for i, m := range a.Meta {
		if m.Name == name {
			for _, row := range a.Data {
				list = append(list, row[i])
			}
		}
	}
	return list
}

// ask sends a query with its macros expanded for the span up to now.
func (c company) ask(t *testing.T, q dashboard.Query, span time.Duration, v dashboard.Values) (a answer, sql string) {
	t.Helper()
	sql, err := dashboard.Expand(q.SQL, dashboard.Window{From: c.now.Add(-span), To: c.now, Interval: span / 100}, v)
	if err != nil {
		t.Fatalf("%s, %s: %v", q.Dashboard, q.Name, err)
	}
	return c.answer(t, q, sql), sql
}

// answer runs what is expanded.
func (c company) answer(t *testing.T, q dashboard.Query, sql string) (a answer) {
	t.Helper()
	var out bytes.Buffer
	err := c.reader.QueryFormat(t.Context(), &out, sql, "JSONCompact")
	if err == nil {
		err = json.Unmarshal(out.Bytes(), &a)
	}
	if err != nil {
		t.Fatalf("%s, %s: %v\n%s", q.Dashboard, q.Name, err, sql)
	}
	return a
}

// aCall is the id of a recent call with a recording.
func (c company) aCall(t *testing.T) []string {
	t.Helper()
	a, _ := c.ask(t, dashboard.Query{SQL: "SELECT concat(toString(toUnixTimestamp64Milli(started_at)), '-', toString(call_id)) FROM calls WHERE notEmpty(recordings) AND started_at BETWEEN now() - INTERVAL 1 DAY AND now() ORDER BY transfers DESC, call_id LIMIT 1"}, time.Hour, nil)
	if len(a.Data) == 0 {
		t.Fatal("no call of the last day has a recording")
	}
	return []string{fmt.Sprint(a.Data[0][0])}
}
