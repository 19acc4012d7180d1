package cdr_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/call"
	"fonoteka/internal/call/calltest"
	"fonoteka/internal/cdr"
	"fonoteka/internal/mtt"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/warehousetest"
)

// told is a warehouse in which all stories have happened, each in an integration
// of its own.
type told struct {
	*warehousetest.DB
	t       *testing.T
	o       warehouse.Options
	stories map[string]calltest.Story
}

// few are stories of every kind of row: with several legs, calls and recordings,
// without a call, of a Call-ID that comes again, hidden.
var few = []string{"01-", "11-", "17-", "22-", "27-", "32-", "39-", "42-", "49-", "58-", "61-", "67-"}

// tell stores the stories' notifications and has them derived as they come;
// without names, those of all stories.
func tell(t *testing.T, names ...string) *told {
	t.Helper()
	w := &told{t: t, o: warehousetest.Options(t), stories: map[string]calltest.Story{}}
	w.DB = warehousetest.Migrated(t, w.o)
	var rows []call.Notification
	for _, s := range calltest.Read(t, "../call/testdata/stories") {
		if len(names) > 0 && !slices.Contains(names, s.Name[:3]) {
			continue
		}
		w.stories[s.Name] = s
		for _, n := range s.Notes {
			e, err := w.decode(s.Name, n.Body, n.ReceivedAt)
			if err != nil {
				t.Fatal(err)
			}
			rows = append(rows, call.Notification{Integration: s.Name, GroupID: e.GroupID(), EventID: e.ID, ReceivedAt: n.ReceivedAt, Kind: e.Kind, State: string(e.State), Body: n.Body})
		}
	}
	d := w.deriver(w.DB)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = d.Run(ctx) }()
	for _, from := range []int{1, 0} { // half of them later, so that rows change
		var half []call.Notification
		for i := from; i < len(rows); i += 2 {
			half = append(half, rows[i])
		}
		if err := w.InsertEvents(t.Context(), half); err != nil {
			t.Fatal(err)
		}
		least := len(half) - 9 // recordings may yet be without their calls
		if from == 0 {
			least = len(rows) - 1 // one is for ever
			for _, uncounted := range []string{"43-unknown-state", "52-told-again-in-other-words", "54-two-equal-talks-of-one-leg"} {
				if _, ok := w.stories[uncounted]; ok { // a notification that says nothing, or is told twice
					least--
				}
			}
		}
		w.eventually("1", fmt.Sprintf("SELECT sum(events) >= %d FROM calls FINAL", least))
	}
	cancel()
	<-done
	return w
}

func (w *told) decode(integration string, body []byte, received time.Time) (call.Event, error) {
	return mtt.Decode(body, mtt.Context{Integration: integration, ReceivedAt: received, Zone: w.stories[integration].Zone})
}

func (w *told) deriver(store cdr.Store) *cdr.Deriver {
	w.t.Helper()
	d, err := cdr.New(cdr.Options{
		Store: store, Decode: w.decode, Rules: func(integration string) call.Rules { return w.stories[integration].Rules },
		Every: 20 * time.Millisecond, Page: 7, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

func (w *told) rebuild(o cdr.RebuildOptions) cdr.Rebuilt {
	w.t.Helper()
	o.Slice = 50
	r, err := w.deriver(w.DB).Rebuild(w.t.Context(), w.DB, o, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// exec changes the tables as an operator might.
func (w *told) exec(sql string) {
	w.t.Helper()
	u := url.URL{Scheme: "http", Host: w.o.HTTPAddr, RawQuery: url.Values{"database": {w.o.Database}, "mutations_sync": {"1"}}.Encode()}
	req, _ := http.NewRequest(http.MethodPost, u.String(), strings.NewReader(sql))
	req.SetBasicAuth(w.o.User, w.o.Password)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	if words, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		w.t.Fatalf("%s: %s", sql, words)
	}
}

func (w *told) ask(sql string) string {
	w.t.Helper()
	var out strings.Builder
	if err := w.QueryFormat(w.t.Context(), &out, sql, "TSV"); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
	return strings.TrimSpace(out.String())
}

func (w *told) eventually(want, sql string) {
	w.t.Helper()
	got := ""
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if got = w.ask(sql); got == want {
			return
		}
	}
	w.t.Fatalf("%s answers %s, want %s", sql, got, want)
}

// content is a checksum of what the tables show, whatever its versions.
func (w *told) content() string {
	w.t.Helper()
	return w.ask(`SELECT (SELECT (count(), sum(cityHash64(* EXCEPT version))) FROM calls), (SELECT (count(), sum(cityHash64(* EXCEPT version))) FROM legs),
		(SELECT (count(), sum(cityHash64(* EXCEPT version))) FROM calls_by_client)`)
}

func TestStoriesComeTrueInTheWarehouse(t *testing.T) {
	t.Parallel()
	w := tell(t)
	for name, s := range w.stories {
		var keys []call.GroupKey
		for _, n := range s.Notes {
			e, _ := w.decode(name, n.Body, n.ReceivedAt)
			keys = append(keys, call.GroupKey{Integration: name, GroupID: e.GroupID()})
		}
		stored, err := w.StoredCalls(t.Context(), keys)
		if err != nil {
			t.Fatal(err)
		}
		var records []call.Record
		for _, rows := range stored {
			for _, row := range rows {
				records = append(records, row.Record)
			}
		}
		if diff := cmp.Diff(s.Calls, s.See(records)); diff != "" {
			t.Errorf("%s (-told +stored):\n%s", s.Title, diff)
		}
	}
	// Derived again, they are the same rows, and none is written.
	versions := w.ask("SELECT sum(cityHash64(*)) FROM calls") + w.ask("SELECT sum(cityHash64(*)) FROM legs")
	r := w.rebuild(cdr.RebuildOptions{})
	if r.Calls < len(w.stories) || r.Differ != 0 || r.Written != 0 || r.NotReplaced != 0 || r.WithoutEvents != 0 || r.MissingKeys != 0 || r.Share != 1 {
		t.Errorf("rebuilt %+v", r)
	}
	if now := w.ask("SELECT sum(cityHash64(*)) FROM calls") + w.ask("SELECT sum(cityHash64(*)) FROM legs"); now != versions {
		t.Error("the rows are not those of before")
	}
}

func TestRebuildHealsDamage(t *testing.T) {
	t.Parallel()
	w := tell(t, few...)
	right := w.content()
	w.exec("DELETE FROM legs WHERE kind = 'parking'")
	wrong := w.content()
	if dry := w.rebuild(cdr.RebuildOptions{DryRun: true}); dry.Differ < 3 || w.content() != wrong {
		t.Errorf("on trial: %+v", dry)
	}
	const higher = "INSERT INTO calls SELECT * REPLACE (version + %d AS version, talk_ms + 5000 AS talk_ms) FROM calls FINAL WHERE integration < '2'"
	for _, c := range []struct {
		name, damage string
		invisible    bool // nothing shows it, yet
	}{
		{"rows deleted", "DELETE FROM calls WHERE integration > '20'", false},
		{"legs deleted", "ALTER TABLE legs DELETE WHERE kind = 'parking'", false},
		{"all lost", "TRUNCATE TABLE calls", false},
		{"altered under a lower version", "INSERT INTO calls SELECT * REPLACE (version - 1 AS version, talk_ms + 5000 AS talk_ms) FROM calls FINAL", true},
		{"altered under a higher version", fmt.Sprintf(higher, 3), false},
		{"a leg altered under a higher version", "INSERT INTO legs SELECT * REPLACE (version + 2 AS version, 'x' AS reason) FROM legs FINAL", false},
		{"buried under a higher version", "INSERT INTO calls SELECT * REPLACE (version + 5 AS version, 1 AS is_deleted) FROM calls FINAL", false},
		{"shown twice", "INSERT INTO calls SELECT * REPLACE (started_at + 60 AS started_at) FROM calls FINAL WHERE integration < '2'", false},
		{"clients' lists lost", "TRUNCATE TABLE calls_by_client", false},
		{"keys lost", "TRUNCATE TABLE call_keys", true},
		{"a call that was never", "INSERT INTO legs SELECT * REPLACE (1 AS leg_id) FROM legs FINAL WHERE integration > '30'", false},
	} {
		w.exec(c.damage)
		if (w.content() == right) != c.invisible {
			t.Errorf("%s: invisible %v", c.name, !c.invisible)
		}
		r := w.rebuild(cdr.RebuildOptions{})
		if now := w.content(); now != right {
			t.Errorf("%s: rebuilt %+v, and the rows are\n%s, not\n%s", c.name, r, now, right)
		}
	}
	// Above anything that as many notifications can say: only a new epoch stands
	// higher.
	w.exec(fmt.Sprintf(higher, 1000<<16))
	wrong = w.content()
	if r := w.rebuild(cdr.RebuildOptions{}); r.NotReplaced != 3 || r.Written != 0 || w.content() != wrong {
		t.Errorf("rows of a higher version: %+v", r)
	}
	r := w.rebuild(cdr.RebuildOptions{ChangedRules: true})
	if r.Epoch != 1 || r.NotReplaced != 0 || r.Written != 3 || w.content() != right {
		t.Errorf("under a new epoch: %+v", r)
	}
	if r := w.rebuild(cdr.RebuildOptions{ChangedRules: true}); r.Epoch != 2 || r.Written != 0 {
		t.Errorf("and once more: %+v", r)
	}
}

// A call under a new epoch goes on to be derived as its notifications come.
func TestCallsOfANewEpochStillChange(t *testing.T) {
	t.Parallel()
	w := tell(t, few...)
	w.exec("INSERT INTO calls SELECT * REPLACE (version + 100000000 AS version, 'x' AS outcome) FROM calls FINAL WHERE integration LIKE '01-%'")
	w.rebuild(cdr.RebuildOptions{ChangedRules: true, Call: "a"})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	d := w.deriver(w.DB)
	go func() { defer close(done); _ = d.Run(ctx) }()
	defer func() { cancel(); <-done }()
	body := strings.ReplaceAll(notification("connected", "10:00:03", ""), "c1~2o", "a~2o")
	e, _ := w.decode("01-answered-at-once", []byte(body), time.Now())
	row := call.Notification{Integration: "01-answered-at-once", GroupID: e.GroupID(), EventID: e.ID, ReceivedAt: time.Now(), Kind: e.Kind, State: string(e.State), Body: []byte(body)}
	if err := w.InsertEvents(t.Context(), []call.Notification{row}); err != nil {
		t.Fatal(err)
	}
	w.eventually("answered\t3000\t6", "SELECT outcome, wait_ms, events FROM calls WHERE integration LIKE '01-%'")
}

func TestRebuildNamesSomeCalls(t *testing.T) {
	t.Parallel()
	w := tell(t, few...)
	right := w.content()
	w.exec("INSERT INTO calls SELECT * REPLACE (version + 1 AS version, 'x' AS outcome) FROM calls FINAL")
	id := w.ask("SELECT call_id FROM calls WHERE integration LIKE '27-%' AND account_id = '883140777828302'") // the second under its Call-ID
	if r := w.rebuild(cdr.RebuildOptions{Call: id}); r.Calls != 1 || r.Written != 2 {
		t.Errorf("one call by our id: %+v", r)
	}
	if r := w.rebuild(cdr.RebuildOptions{Call: "m~2o"}); r.Calls != 1 || r.Written != 1 {
		t.Errorf("one call by the operator's id: %+v", r)
	}
	if r := w.rebuild(cdr.RebuildOptions{Call: "nobody's"}); r.Calls != 0 || r.Share != 1 {
		t.Errorf("no call: %+v", r)
	}
	day := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	r := w.rebuild(cdr.RebuildOptions{From: day, To: day.AddDate(0, 0, 1)})
	if left := w.ask("SELECT groupArray(toYear(started_at)) FROM calls WHERE outcome = 'x'"); left != "[2024]" {
		t.Errorf("after a day: %+v, altered are still %s", r, left)
	}
	if r := w.rebuild(cdr.RebuildOptions{To: day}); r.Calls != 1 || w.content() != right {
		t.Errorf("and before it: %+v", r)
	}
}

// failing gives up at some write, before or after it took effect.
type failing struct {
	*warehousetest.DB
	left  *atomic.Int64
	after bool
}

var errCut = errors.New("cut off")

func (f failing) WriteCalls(ctx context.Context, w []cdr.CallWrite) error {
	if f.left.Add(-1) >= 0 {
		return f.DB.WriteCalls(ctx, w)
	}
	if f.after {
		_ = f.DB.WriteCalls(ctx, w)
	}
	return errCut
}

func TestAnInterruptedRebuildGoesOn(t *testing.T) {
	t.Parallel()
	w := tell(t, few...)
	right := w.content()
	for _, table := range []string{"calls", "legs", "calls_by_client", "call_keys"} {
		w.exec("TRUNCATE TABLE " + table)
	}
	last, resumed := 0.0, 0
	for round := 0; ; round++ {
		left := new(atomic.Int64)
		left.Store(1)
		r, err := w.deriver(failing{w.DB, left, round%2 == 0}).Rebuild(t.Context(), w.DB, cdr.RebuildOptions{Slice: 10}, nil)
		if r.Resumed {
			resumed++
		}
		if err == nil {
			break
		}
		if !errors.Is(err, errCut) || r.Share < last || round > 100 {
			t.Fatalf("round %d: at %v after %v: %v", round, r.Share, last, err)
		}
		last = r.Share
	}
	if now := w.content(); now != right || resumed < 3 {
		t.Errorf("after %d rounds that went on the rows are\n%s, not\n%s", resumed, now, right)
	}
	if r := w.rebuild(cdr.RebuildOptions{}); r.Resumed || r.Differ != 0 {
		t.Errorf("the next one: %+v", r)
	}
}

// What notifications have made stays when their retention is over.
func TestRebuildLeavesAloneWhatHasNoNotificationsAnyMore(t *testing.T) {
	t.Parallel()
	w := tell(t, few...)
	right := w.content()
	w.exec("ALTER TABLE events DELETE WHERE integration LIKE '0%' OR integration LIKE '1%' AND state = 'trying'")
	for _, o := range []cdr.RebuildOptions{{}, {ChangedRules: true}} {
		r := w.rebuild(o)
		if w.content() != right || r.Written != 0 || r.WithoutEvents != 1 || r.NotReplaced != 2 {
			t.Errorf("%+v: %+v", o, r)
		}
	}
}
