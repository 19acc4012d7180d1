package calls_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/call"
	"fonoteka/internal/cdr"
	"fonoteka/internal/correlate"
	"fonoteka/internal/warehouse/warehousetest"
)

const seat1, seat2, phone1 = warehousetest.Seat1, warehousetest.Seat2, warehousetest.Phone1

// conversation is a call of a client at an account, answered, of a minute.
func conversation(id uint64, start time.Time, account, client string) call.Record {
	leg := call.Leg{ID: id, PlatformID: fmt.Sprintf("C%d~1o", id), Kind: call.Workplace, AccountID: account, StartedAt: start, AnsweredAt: start.Add(5 * time.Second), EndedAt: start.Add(time.Minute), Answered: true}
	return call.Record{
		Integration: "main", CallID: id, GroupID: id, PlatformCallID: fmt.Sprintf("C%d", id), AccountID: account,
		ClientNumber: call.Number{Digits: client}, StartedAt: start, AnsweredAt: start.Add(5 * time.Second), EndedAt: start.Add(time.Minute),
		Legs: []call.Leg{leg}, Events: 3,
	}
}

func writeCalls(t *testing.T, db *warehousetest.DB, records ...call.Record) {
	t.Helper()
	var writes []cdr.CallWrite
	for _, r := range records {
		writes = append(writes, cdr.CallWrite{Record: r, Version: cdr.CallVersion(0, uint32(r.Events), 0)})
	}
	must(t, db.WriteCalls(t.Context(), writes))
}

func linksOf(t *testing.T, db *warehousetest.DB) string {
	t.Helper()
	found, err := db.Links(t.Context(), at("2026-01-01 00:00:00"), at("2027-01-01 00:00:00"))
	must(t, err)
	var words []string
	for _, l := range found {
		words = append(words, fmt.Sprintf("%s %d>%d %s", l.Kind, l.From.CallID, l.To.CallID, l.Confidence))
	}
	return strings.Join(words, ", ")
}

func TestAPassLinksWhatIsInTheWarehouse(t *testing.T) {
	t.Parallel()
	db := open(t)
	warehousetest.FillDirectory(t, db)
	noon := at("2026-03-02 12:00:00")
	const client, other = "79219462761", "79990000001"
	// A makeCall from seat1, whose number's leg rang its terminal under another id.
	first, second := conversation(1, noon.Add(time.Second), seat1, ""), conversation(2, noon.Add(10*time.Second), phone1, client)
	// The operator led a call on, an hour later; and calls that have nothing to do with it.
	from, to := conversation(3, noon.Add(time.Hour), phone1, other), conversation(4, noon.Add(time.Hour+61*time.Second), seat2, other)
	writeCalls(t, db, first, second, from, to, conversation(5, noon.Add(3*time.Hour), seat2, other), conversation(6, noon.Add(time.Hour), seat2, client))
	action := correlate.Action{Integration: "main", ID: "a1", Kind: correlate.Make, At: noon, AccountID: seat1, Number: client, PlatformCallID: "C1~1o"}
	must(t, db.SaveAction(t.Context(), action, "begun"))
	must(t, db.SaveAction(t.Context(), action, "done"))
	must(t, db.SaveAction(t.Context(), correlate.Action{Integration: "main", ID: "a2", Kind: correlate.Make, At: noon.Add(time.Hour), AccountID: seat2, Number: client}, "refused"))

	p, err := correlate.NewPasser(correlate.PasserOptions{Store: db, SeatOf: db.SeatOf, Forwarders: func(_ context.Context, calls []call.Record) ([][]string, error) {
		out := make([][]string, len(calls))
		for i, c := range calls {
			if c.CallID == 5 {
				t.Error("a call that overlaps none was looked at")
			}
			if c.CallID == 4 {
				out[i] = []string{seat1}
			}
		}
		return out, nil
	}})
	must(t, err)
	pass := func() {
		t.Helper()
		must(t, p.Pass(t.Context(), noon.Add(-time.Hour), noon.Add(2*time.Hour)))
	}
	pass()
	pass()
	const want = "own 1>0 certain, click_to_call 1>2 inferred, own 2>0 inferred, forwarded 3>4 inferred"
	if diff := cmp.Diff(want, linksOf(t, db)); diff != "" {
		t.Fatal(diff)
	}
	if got := ask(t, db, "SELECT call_id, action_id, confidence FROM own_calls ORDER BY call_id"); got != "1\ta1\tcertain\n2\ta1\tinferred" {
		t.Errorf("own calls: %s", got)
	}
	if n := ask(t, db, "SELECT count() FROM call_links SETTINGS final = 0"); n != "4" {
		t.Errorf("%s rows: the second pass wrote again", n)
	}
	shown, err := db.ShowCall(t.Context(), "4", db.OfCall)
	must(t, err)
	if len(shown) != 1 || len(shown[0].Links) != 1 || shown[0].Links[0].From.CallID != 3 || !shown[0].Links[0].To.StartedAt.Equal(to.StartedAt) {
		t.Errorf("links of call 4: %+v", shown)
	}

	// Another call that may as well be the one it came from: now nobody knows.
	writeCalls(t, db, conversation(7, noon.Add(time.Hour+2*time.Second), seat1, other))
	pass()
	if diff := cmp.Diff(strings.TrimSuffix(want, ", forwarded 3>4 inferred"), linksOf(t, db)); diff != "" {
		t.Error(diff)
	}
}

func TestTheNewestEventOfALegIsByArrival(t *testing.T) {
	t.Parallel()
	db := open(t)
	const leg = "X@pbx~2o"
	id := call.ID("main", "X@pbx")
	var rows []call.Notification
	for i, body := range []string{"showing~2o tag1", "connected~2o tag2", "showing~1o other"} {
		rows = append(rows, call.Notification{Integration: "main", GroupID: id, EventID: uint64(i + 1), ReceivedAt: at("2026-03-01 10:00:00").Add(time.Duration(i) * time.Second), Kind: call.KindCall, Body: []byte(body)})
	}
	must(t, db.InsertEvents(t.Context(), rows))
	decode := func(_ string, body []byte, received time.Time) (call.Event, error) {
		state, tag, _ := strings.Cut(string(body), " ")
		name, suffix, _ := strings.Cut(state, "~")
		return call.Event{PlatformID: "X@pbx~" + suffix, State: call.State(name), Tag: tag, ReceivedAt: received}, nil
	}
	got, err := db.NewestEvent(t.Context(), "main", leg, decode)
	if err != nil || got.Tag != "tag2" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := db.NewestEvent(t.Context(), "main", "X@pbx~9o", decode); err == nil {
		t.Error("a leg that nobody knows")
	}
}
