package system

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Calls as the field has shown them, posted as the operator posts them, and what a
// user sees of them.
func TestOddCallsAsAUserSeesThem(t *testing.T) {
	t.Parallel()
	const (
		in       = `"type":"incoming","caller":{"accountId":"79160000001@pstn","displayId":"79160000001","id":"79160000001"},"callee":{"accountId":"74950000001","centrexId":"1","displayId":"74950000001","id":"74950000001"}`
		wp       = `"type":"incoming","caller":{"accountId":"79160000001@pstn","displayId":"79160000001","id":"79160000001"},"callee":{"accountId":"883140000000001","centrexId":"1","displayId":"883140000000001","display_name":"74950000001"}`
		mobile   = `"type":"incoming","caller":{"accountId":"79160000001@pstn"},"callee":{"accountId":"79261112233","centrexId":"1"}`
		out      = `"type":"outgoing","caller":{"accountId":"883140000000001","centrexId":"1","displayId":"74950000001"},"callee":{"id":"+79160000001"}`
		other    = `"type":"outgoing","caller":{"accountId":"883140000000001","centrexId":"1","displayId":"74950000001"},"callee":{"id":"\"Иванов\" <sip:%2B7916\u2013000\u201100-02;user=phone@10.0.0.1:5060>"}`
		internal = `"type":"outgoing","caller":{"accountId":"883140000000001","centrexId":"1","displayId":"101","displayName":"Анна","id":"101"},"callee":{"accountId":"883140000000002","centrexId":"1","displayId":"102","displayName":"Борис","id":"102"}`
		sheet    = `"type":"incoming","caller":{"accountId":"79161234567.0"},"callee":{"accountId":"883140000000001","centrexId":"1"}`
	)
	i := install(t).start().ready()
	now := time.Now().UTC().Truncate(time.Second)
	at := func(ago time.Duration) string { return `,"startTime":"` + now.Add(-ago).Format(time.DateTime) + `"` }
	tell := func(id, state, parties, more string) {
		t.Helper()
		body := `{"event":"callNotifications","result":{"callInfo":{"call":{"id":"` + id + `"},"state":"` + state + `",` + parties + more + `}}}`
		if got := i.post(redirect+"/events", []byte(body)); got != http.StatusOK {
			t.Fatalf("%s was answered %d", body, got)
		}
	}
	const min = time.Minute
	// Not answered, with a duration.
	tell("denied", "trying", out, at(30*time.Second))
	tell("denied", "finished", out, `,"duration":25,"reason":"No answer","reasonCode":480`)
	// Missed, and told of in one piece.
	tell("late~1o", "trying", in, at(20*min))
	tell("late~2o", "showing", wp, at(20*min-time.Second))
	tell("late~2o", "finished", wp, `,"duration":0`)
	tell("late~1o", "finished", in, `,"duration":5`)
	// Two talks of one leg.
	tell("twice", "connected", wp, at(100*time.Second))
	tell("twice", "finished", wp, `,"duration":40`)
	tell("twice", "connected", wp, at(39*time.Second))
	tell("twice", "finished", wp, `,"duration":29`)
	// An id that is used again.
	tell("SD1@127.0.0.1", "trying", out, at(5*time.Hour))
	tell("SD1@127.0.0.1", "finished", out, `,"duration":0`)
	tell("SD1@127.0.0.1", "trying", other, at(10*time.Second))
	tell("SD1@127.0.0.1", "finished", other, `,"duration":0,"reason":"Release"`)
	// An automaton alone, and a mobile.
	tell("menu", "trying", in, at(30*time.Second))
	tell("menu", "connected", in, at(29*time.Second))
	tell("menu", "finished", in, `,"duration":20`)
	tell("mobile~1o", "trying", in, at(50*time.Second))
	tell("mobile~2o", "connected", mobile, at(40*time.Second))
	tell("mobile~2o", "finished", mobile, `,"duration":30`)
	// Colleagues, and a number out of a spreadsheet.
	tell("inside", "trying", internal, at(20*time.Second))
	tell("inside", "connected", internal, at(15*time.Second))
	tell("inside", "finished", internal, `,"duration":10`)
	tell("sheet", "showing", sheet, at(10*time.Second))
	tell("sheet", "recorded", `"accountId":"883140000000001"`, `,"urlRecord":"https://records.example.org/1.mp3"`)

	want := strings.Join([]string{
		"SD1@127.0.0.1	outgoing	no_answer	79160000001		\\N	0	0",
		"SD1@127.0.0.1	outgoing	no_answer	79160000002		\\N	0	0",
		"denied	outgoing	no_answer	79160000001		\\N	0	0",
		"inside	internal	answered	883140000000001 101 Анна > 883140000000002 102 Борис		5000	10000	0",
		"late	incoming	missed	79160000001		\\N	0	0",
		"menu	incoming	missed	79160000001		21000	0	20000",
		"mobile	incoming	answered	79160000001	79261112233	10000	30000	0",
		"sheet	incoming	unknown	79161234567.0		\\N	0	0",
		"twice	incoming	answered	79160000001		0	69000	0",
	}, "\n")
	const told = `SELECT platform_call_id, direction, outcome,
		multiIf(direction = 'internal', concat(caller, ' ', caller_extension, ' ', caller_name, ' > ', callee, ' ', callee_extension, ' ', callee_name), client_number != '', client_number, client_number_raw),
		if(account_id LIKE '8831%%', '', account_id), if(end_inexact AND outcome != 'answered', NULL, wait_ms), talk_ms, attendant_ms
		FROM calls ORDER BY platform_call_id, started_at`
	i.eventually(time.Minute, want, told)
	i.eventually(10*time.Second, "attendant\t1\nforwarded\t1\nparking\t2", "SELECT kind, count() FROM legs WHERE kind != 'workplace' GROUP BY kind ORDER BY kind")
	i.eventually(10*time.Second, "\\N\t\\N", "SELECT wait_ms, ended_at FROM calls WHERE platform_call_id = 'late'")
	i.eventually(10*time.Second, fmt.Sprint(now.Add(-10*time.Second).Unix()), "SELECT toUnixTimestamp(assumeNotNull(ended_at)) FROM calls WHERE platform_call_id = 'twice'")
	// Nothing is archived that could tell how long the call was, and asking is allowed.
	i.eventually(10*time.Second, "\\N", "SELECT talk_at_least_ms FROM report_calls WHERE platform_call_id = 'sheet' AND length(recordings) = 1")
	// Both missed calls are in the list; after the first the client has reached somebody.
	i.eventually(2*time.Minute, "came back\topen", "SELECT (SELECT state FROM report_missed ORDER BY started_at LIMIT 1), (SELECT state FROM report_missed ORDER BY started_at DESC LIMIT 1)")
	list, err := i.command("calls", "list")
	if err != nil || !strings.Contains(list, "101 > 102") {
		t.Errorf("calls list: %v\n%s", err, list)
	}
	if strings.Count(list, "going on") != 1 {
		t.Errorf("only the call of the spreadsheet goes on:\n%s", list)
	}
	i.stop()
}
