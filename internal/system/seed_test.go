package system

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/call"
	"fonoteka/internal/cdr"
	"fonoteka/internal/embedded/embeddedtest"
	"fonoteka/internal/fixity"
	"fonoteka/internal/relay"
	"fonoteka/internal/seed"
	"fonoteka/internal/sim"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/calls"
	"fonoteka/internal/warehouse/catalogue"
)

// What mttsim seed writes straight into the tables is what the product makes of
// the same notifications.
func TestSeedIsWhatTheProductDerives(t *testing.T) {
	t.Parallel()
	const calls = 4000
	seeded, database := benchWarehouse(t)
	_, address, user, password := embeddedtest.ClickHouse(t)
	until := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	n, err := seed.Run(t.Context(), seed.Options{
		Address: address, User: user, Password: password, Database: database, Log: slog.New(slog.DiscardHandler),
		History: sim.HistoryOptions{Seed: 1, Calls: calls, From: until.AddDate(0, -2, 0), To: until},
	})
	if err != nil {
		t.Fatal(err)
	}
	if n.Calls != calls || n.Events < 5*calls || n.Legs < calls || n.Recordings < calls/2 {
		t.Fatalf("seeded %+v", n)
	}
	eventsAreRelayed(t, seeded)

	derived, other := benchWarehouse(t)
	change(t, fmt.Sprintf("INSERT INTO %s.events SELECT * FROM %s.events", other, database))
	deriveAll(t, derived, calls)
	for _, table := range []string{"calls", "legs", "calls_by_client", "call_keys"} {
		columns := "* EXCEPT (version)" // whose revision tells when it was derived
		if table == "call_keys" {
			columns = "*"
		}
		rows := func(database string) []string {
			got := askTSV(t, derived, fmt.Sprintf("SELECT %s FROM %s.%s FINAL ORDER BY ALL", columns, database, table))
			return strings.Split(got, "\n")
		}
		if diff := cmp.Diff(rows(database), rows(other)); diff != "" {
			t.Errorf("%s, -seeded +derived: %.3000s", table, diff)
		}
	}
	if got := askTSV(t, derived, fmt.Sprintf("SELECT countIf(bitShiftRight(version, 16) != events OR bitAnd(version, 0xffff) != partial) FROM %s.calls", database)); got != "0" {
		t.Errorf("%s versions are not of their number of events", got)
	}
}

// eventsAreRelayed compares rows of events and recordings with what the relay
// makes of the bodies.
func eventsAreRelayed(t *testing.T, db *warehouse.DB) {
	t.Helper()
	recordings := map[string]call.Recording{}
	for line := range strings.Lines(askFormat(t, db, "SELECT toString(group_id) AS call, toString(event_id) AS id, kind, state, toUnixTimestamp64Milli(received_at) AS at, body FROM events", "JSONEachRow")) {
		var row struct {
			Call, ID, Kind, State, Body string
			At                          int64 `json:"at"`
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		e, err := decode("main", []byte(row.Body), time.UnixMilli(row.At))
		if err != nil {
			t.Fatalf("%v: %s", err, row.Body)
		}
		if got := fmt.Sprintf("%d %d %s %s", e.GroupID(), e.ID, e.Kind, e.State); got != strings.Join([]string{row.Call, row.ID, row.Kind, row.State}, " ") {
			t.Fatalf("the relay makes %s of %+v", got, row)
		}
		for _, r := range relay.Announcements(e, linkLife) {
			recordings[r.ID] = r
		}
	}
	due, err := catalogue.New(db).Archived(t.Context(), fixity.Query{}, 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range due {
		if want := recordings[r.ID]; r.Recording != want {
			t.Fatalf("recording\n%+v, the relay announces\n%+v", r.Recording, want)
		}
		delete(recordings, r.ID)
	}
	if len(due) == 0 || len(recordings) > len(due)/20 {
		t.Errorf("%d recordings archived, %d not", len(due), len(recordings))
	}
	if got := askTSV(t, db, "SELECT count() FROM recordings FINAL"); got != fmt.Sprint(len(due)+len(recordings)) {
		t.Errorf("%s recordings, want %d and %d", got, len(due), len(recordings))
	}
	if got := askTSV(t, db, "SELECT count() FROM recordings_open"); got != fmt.Sprint(len(recordings)) {
		t.Errorf("%s are open, want %d", got, len(recordings))
	}
}

// deriveAll runs the deriver until so many calls are there.
func deriveAll(t *testing.T, db *warehouse.DB, n int) {
	t.Helper()
	d, err := cdr.New(cdr.Options{
		Store: calls.New(db), Decode: decode, Rules: rules, Every: 50 * time.Millisecond,
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	for deadline := time.Now().Add(2 * time.Minute); askTSV(t, db, "SELECT count() FROM calls") != fmt.Sprint(n); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the deriver does not come to an end")
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// change is for what the product never does, as its own database user.
func change(t *testing.T, query string) {
	t.Helper()
	_, addr, user, password := embeddedtest.ClickHouse(t)
	changeAt(t, addr, user, password, query)
}

func changeAt(t testing.TB, addr, user, password, query string) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodPost, "http://"+addr+"/", strings.NewReader(query))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(user, password)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if answer, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %s %v", query, resp.Status, answer, err)
	}
}

func askTSV(t *testing.T, db *warehouse.DB, query string) string {
	t.Helper()
	return askFormat(t, db, query, "TSV")
}

func askFormat(t *testing.T, db *warehouse.DB, query, format string) string {
	t.Helper()
	var out bytes.Buffer
	if err := db.QueryFormat(t.Context(), &out, query, format); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out.String())
}

// A share is posted and not written; another is written again, and shows once.
func TestSeedPostsAndRewritesShares(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	posted := map[uint64]int{} // notifications by call
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		e, bad := decode("main", body, time.Now())
		if err != nil || bad != nil || r.URL.Path != "/mtt/secret/events" || e.State == call.Recorded {
			http.Error(w, "not a notification", http.StatusBadRequest)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		posted[e.GroupID()]++
	}))
	defer listener.Close()
	db, database := benchWarehouse(t)
	_, address, user, password := embeddedtest.ClickHouse(t)
	until := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	n, err := seed.Run(t.Context(), seed.Options{
		Address: address, User: user, Password: password, Database: database, Log: slog.New(slog.DiscardHandler),
		History: sim.HistoryOptions{Seed: 2, Calls: 1000, From: until.AddDate(0, 0, -20), To: until},
		Posted:  0.1, RedirectURI: listener.URL + "/mtt/secret/", Reversioned: 0.2,
	})
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for id, notes := range posted {
		told += notes
		if got := askTSV(t, db, fmt.Sprintf("SELECT count() FROM calls WHERE call_id = %d", id)); got != "0" {
			t.Fatalf("call %d was posted and written", id)
		}
	}
	if len(posted) < 50 || len(posted) > 150 || int(n.Calls)+len(posted) != 1000 || int(n.Posted) != told {
		t.Errorf("%d calls written, %d posted with %d notifications, counted %d", n.Calls, len(posted), told, n.Posted)
	}
	for _, table := range []string{"calls", "legs", "calls_by_client"} {
		got := askTSV(t, db, fmt.Sprintf("SELECT c.n > 1.1 * l.n, c.n < 1.3 * l.n FROM (SELECT count() AS n FROM %[1]s SETTINGS final = 0) AS c, (SELECT count() AS n FROM %[1]s FINAL) AS l", table))
		if got != "1\t1" {
			t.Errorf("%s: not a fifth is there twice: %s", table, got)
		}
	}
	const named = "SELECT countIf(w.name = '' OR s.department = '') FROM directory_terminals AS t " +
		"LEFT JOIN directory_workplaces AS w USING (workplace) LEFT JOIN directory_staff AS s USING (workplace)"
	if got := askTSV(t, db, named); got != "0" {
		t.Errorf("%s terminals belong to nobody", got)
	}
	if got := askTSV(t, db, "SELECT count() FROM legs WHERE kind = 'workplace' AND account_id NOT IN (SELECT terminal FROM directory_terminals)"); got != "0" {
		t.Errorf("%s legs at terminals that the directory does not know", got)
	}
}
