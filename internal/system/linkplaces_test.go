package system

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/call"
)

// A recording is fetched, and is its call's, wherever in a notification its link stands.
func TestALinkIsFetchedWhereverItStands(t *testing.T) {
	t.Parallel()
	script, hosts := scripted(t)
	in := install(t, "FONOTEKA_MTT_RECORD_HOSTS="+hosts).start().ready()
	link := func(id string) string { return script + "?id=" + id }
	info := func(format string, args ...any) []byte {
		return fmt.Appendf(nil, `{"event":"callNotifications","result":{"callInfo":{`+format+`}}}`, args...)
	}
	for _, id := range []string{"finished", "unknown", "string", "list", "deep"} {
		in.posts(answeredCall(id + "~1o")[:2]...)
	}
	in.posts(
		info(`"call":{"id":"finished~1o"},"type":"incoming","state":"finished","duration":20,"urlRecord":%q`, link("finished")),
		info(`"call":{"id":"unknown~1o"},"state":"recordReady","url_record":%q`, link("unknown")),
		info(`"call":"string~1o","state":"recorded","urlRecord":%q`, link("string")),
		info(`"call":{"id":"list~1o"},"state":"recorded","urlRecord":[%q,{"url":%q}]`, link("list1"), link("list2")),
		info(`"call":{"id":"deep~1o"},"state":"hiding","media":[{"URLRecord":%q}]`, link("deep")),
		info(`"state":"recorded","urlRecord":%q`, link("absent")),
		info(`"call":null,"state":"recorded","urlRecord":%q`, link("null")),
		info(`"call":{"id":""},"state":"recorded","urlRecord":%q`, link("empty")),
		info(`"state":"recordReady","urlRecord":%q,"caller":{"displayName":%q}`, link("nothing"), link("planted")),
	)
	in.eventually(time.Minute, "10\t10", "SELECT count(), uniqExact(sha256) FROM recordings WHERE state = 'archived'")
	var want []string
	for _, named := range []string{"deep deep", "finished finished", "list list1 list2", "string string", "unknown unknown"} {
		ids := strings.Fields(named)
		for i, id := range ids[1:] {
			ids[i+1] = call.RecordingID("main", link(id))
		}
		want = append(want, ids[0]+"\t"+strings.Join(slices.Sorted(slices.Values(ids[1:])), " "))
	}
	in.eventually(time.Minute, strings.Join(want, "\n"), "SELECT platform_call_id, arrayStringConcat(recordings, ' ') FROM calls ORDER BY platform_call_id")
	in.eventually(time.Minute, "0", "SELECT count() FROM rejected")
	if got := in.sql("SELECT kind, state, group_id != 0, count() FROM events WHERE state NOT IN ('trying', 'connected') GROUP BY ALL ORDER BY ALL"); got !=
		"call\tfinished\t1\t1\ncall\thiding\t1\t1\ncall\trecorded\t0\t3\ncall\trecorded\t1\t2\nunknown\trecordready\t0\t1\nunknown\trecordready\t1\t1" {
		t.Errorf("events:\n%s", got)
	}
	if got := in.sql("SELECT outcome, talk_ms FROM calls WHERE platform_call_id = 'finished'"); got != "answered\t20000" {
		t.Errorf("the call with a link in finished: %s", got)
	}

	// As an older version left it: it read none of these links, and knew no call of them.
	in.exec("ALTER TABLE recordings DELETE WHERE 1 SETTINGS mutations_sync = 2")
	in.exec("TRUNCATE TABLE recordings_open")
	in.exec("ALTER TABLE calls UPDATE recordings = [] WHERE 1 SETTINGS mutations_sync = 2")
	// serve judges recordings meanwhile, and may have put back the row of one.
	if out, err := in.command("rebuild"); err != nil || !strings.Contains(out, "5 calls compared") || !strings.Contains(out, " recordings announced") {
		t.Errorf("rebuild: %v\n%s", err, out)
	}
	in.eventually(time.Minute, "10\t10", "SELECT count(), uniqExact(sha256) FROM recordings WHERE state = 'archived'")
	in.eventually(time.Minute, strings.Join(want, "\n"), "SELECT platform_call_id, arrayStringConcat(recordings, ' ') FROM calls ORDER BY platform_call_id")
}
