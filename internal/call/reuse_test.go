package call_test

import (
	"testing"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/mtt"
)

// hear decodes a notification that came at a time of day.
func hear(t *testing.T, came, body string) call.Event {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04:05", "2026-03-02 "+came)
	if err != nil {
		t.Fatal(err)
	}
	e, err := mtt.Decode([]byte(`{"event":"callNotifications","result":{"callInfo":{`+body+`}}}`), mtt.Context{Integration: "main", ReceivedAt: at})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

const (
	sd1     = `"call":{"id":"SD1@127.0.0.1"},"type":"incoming",`
	toLine  = `"callee":{"accountId":"74996497803","centrexId":"1"}`
	toAnna  = `"callee":{"accountId":"883140777828301","centrexId":"1"}`
	aClient = `"caller":{"accountId":"78124241500@pstn"},`
	another = `"caller":{"accountId":"79161234567@pstn"},`
)

// The first call was over five hours before the second, and both are told of in one
// piece. The first one's end comes after the second call's begin by the operator's
// clock, but before anything of that call: it is the first one's.
func TestAnEndThatComesLateFindsItsOwnCall(t *testing.T) {
	t.Parallel()
	records := call.Derive([]call.Event{
		hear(t, "15:00:10.1", sd1+aClient+toLine+`,"state":"trying","startTime":"2026-03-02 10:00:00"`),
		hear(t, "15:00:10.2", sd1+aClient+toAnna+`,"state":"showing","startTime":"2026-03-02 10:00:01"`),
		hear(t, "15:00:10.3", sd1+aClient+toAnna+`,"state":"finished","duration":0`),
		hear(t, "15:00:10.4", sd1+another+toLine+`,"state":"trying","startTime":"2026-03-02 15:00:00"`),
		hear(t, "15:00:10.5", sd1+another+toAnna+`,"state":"showing","startTime":"2026-03-02 15:00:01"`),
		hear(t, "15:00:30.6", sd1+another+toAnna+`,"state":"finished","duration":0`),
	}, rules)
	if len(records) != 2 {
		t.Fatalf("%d records", len(records))
	}
	first, second := records[0], records[1]
	if first.Outcome != call.Missed || first.WaitKnown || !first.EndedAt.IsZero() || first.Partial || first.GoingOn() {
		t.Errorf("the first call: %+v", first)
	}
	if second.Outcome != call.Missed || second.Wait != 21*time.Second || second.ClientNumber.Digits != "79161234567" || second.Partial {
		t.Errorf("the second call: %+v", second)
	}
}

// Only somebody else's trying begins another call, only under an id of a border
// controller, and only while nothing of the call is open.
func TestWhatBeginsAnotherCallUnderAnID(t *testing.T) {
	t.Parallel()
	const (
		own   = `"call":{"id":"SD1~7@example.org"},"type":"incoming",`
		again = `,"state":"trying","startTime":"2026-03-02 15:00:00"`
	)
	first := func(id, end string) []call.Event {
		return []call.Event{
			hear(t, "10:00:00.4", id+aClient+toAnna+`,"state":"showing","startTime":"2026-03-02 10:00:00"`),
			hear(t, "10:00:20.4", id+aClient+toAnna+end),
		}
	}
	const finished = `,"state":"finished","duration":0`
	for name, c := range map[string]struct {
		events []call.Event
		want   int
	}{
		"somebody else":               {append(first(sd1, finished), hear(t, "15:00:00.4", sd1+another+toLine+again)), 2},
		"hidden by the exchange":      {append(first(sd1, finished), hear(t, "15:00:00.4", sd1+`"caller":{"accountId":"anonymous@pstn"},`+toLine+again)), 1},
		"an extension":                {append(first(sd1, finished), hear(t, "15:00:00.4", sd1+`"caller":{"id":"102"},`+toLine+again)), 1},
		"the same client":             {append(first(sd1, finished), hear(t, "15:00:00.4", sd1+`"caller":{"id":"8 (812) 424-15-00"},`+toLine+again)), 1},
		"an id of another form":       {append(first(own, finished), hear(t, "15:00:00.4", own+another+toLine+again)), 1},
		"no trying":                   {append(first(sd1, finished), hear(t, "15:00:00.4", sd1+another+toAnna+`,"state":"showing","startTime":"2026-03-02 15:00:00"`)), 1},
		"an open leg":                 {append(first(sd1, `,"state":"connected","startTime":"2026-03-02 10:00:20"`), hear(t, "15:00:00.4", sd1+another+toLine+again)), 1},
		"hidden at the phone":         {append(first(sd1, `,"state":"hiding","startTime":"2026-03-02 10:00:00"`), hear(t, "15:00:00.4", sd1+another+toLine+again)), 2},
		"at the same moment":          {append(first(sd1, finished), hear(t, "10:00:22.4", sd1+another+toLine+`,"state":"trying","startTime":"2026-03-02 10:00:22"`)), 1},
		"a minute later":              {append(first(sd1, finished), hear(t, "10:01:22.4", sd1+another+toLine+`,"state":"trying","startTime":"2026-03-02 10:01:22"`)), 2},
		"from a hidden caller":        {[]call.Event{hear(t, "10:00:00.4", sd1+toAnna+`,"state":"showing","startTime":"2026-03-02 10:00:00"`), hear(t, "10:00:20.4", sd1+toAnna+finished), hear(t, "15:00:00.4", sd1+another+toLine+again)}, 2},
		"its client is a party of it": {append(first(sd1, finished), hear(t, "15:00:00.4", sd1+`"caller":{"id":"79161234567","forwarderList":["78124241500"]},`+toLine+again)), 1},
	} {
		if got := call.Derive(c.events, rules); len(got) != c.want {
			t.Errorf("%s: %d calls, want %d", name, len(got), c.want)
		}
	}
}
