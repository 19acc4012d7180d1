package system

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// aCallNumbered is aCall under another id.
func aCallNumbered(n int) []byte {
	return []byte(strings.Replace(aCall, "x~1o", fmt.Sprintf("x%d~1o", n), 1))
}

// Both readers of the spool have done with everything and wait. What is replayed
// is relayed again at once; it does not take another notification.
func TestReplayBesideARunningServeBeginsAtOnce(t *testing.T) {
	t.Parallel()
	in := install(t).start().ready()
	for n := range 3 {
		if got := in.post(redirect+"/events", aCallNumbered(n)); got != http.StatusOK {
			t.Fatalf("answered %d", got)
		}
	}
	relayed := func(want string) func() bool {
		return func() bool {
			return in.metric(`fonoteka_relay_records_total{cursor="warehouse"}`) == want &&
				in.metric(`fonoteka_relay_records_total{cursor="recordings"}`) == want
		}
	}
	in.until("all are relayed", time.Minute, relayed("3"))
	if out, err := in.command("replay", "--from", "1h"); err != nil || !strings.Contains(out, "3 notifications") {
		t.Fatalf("replay --from 1h: %v\n%s", err, out)
	}
	in.until("all are relayed again", time.Minute, relayed("6"))
	in.eventually(20*time.Second, "3", "SELECT count() FROM events")
	in.stop()
}
