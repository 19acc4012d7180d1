package system

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"fonoteka/internal/cdr"
	"fonoteka/internal/sim"
)

// derived is a checksum of what calls, legs and clients' lists show. A hash of
// several values is null where one of them is, and a sum leaves nulls out.
const derived = `SELECT (SELECT (count(), sum(cityHash64(tuple(* EXCEPT version)))) FROM calls), (SELECT (count(), sum(cityHash64(tuple(* EXCEPT version)))) FROM legs),
	(SELECT (count(), sum(cityHash64(tuple(* EXCEPT version)))) FROM calls_by_client)`

// P6: CDRs can be rebuilt from the raw events: beside a running system under
// load, after a kill -9, on a stopped one; and where nothing changed, nothing is
// written.
func TestP6CallsAreRebuiltFromTheRawEvents(t *testing.T) {
	t.Parallel()
	op := operate(t, sim.Options{Seed: 6, Calls: 150, Connections: 4, Faults: sim.Faults{Duplicate: 0.1}})
	in := install(t, op.hosts()).start().ready()
	in.postAll(op)
	in.settled(op.Ledger())
	right := in.sql(derived)
	versions := in.sql("SELECT sum(cityHash64(tuple(*))) FROM calls")
	if r := in.rebuildCalls(); r.Calls != 150 || r.Differ != 0 || r.Written != 0 {
		t.Errorf("nothing had changed: %+v", r)
	}
	if in.sql("SELECT sum(cityHash64(tuple(*))) FROM calls") != versions || in.sql(derived) != right {
		t.Error("a rebuild of right rows changed them")
	}

	// All is lost while new calls come in.
	more := operate(t, sim.Options{Seed: 66, Calls: 100, Rate: 25, Connections: 4})
	posted := make(chan error, 1)
	go func() { posted <- more.Post(t.Context(), &http.Client{Timeout: 10 * time.Second}, in.redirectURI()) }()
	for _, table := range []string{"calls", "legs", "calls_by_client", "call_keys"} {
		in.exec("TRUNCATE TABLE " + table)
	}
	in.rebuildCalls()
	if err := <-posted; err != nil {
		t.Fatal(err)
	}
	in.eventually(time.Minute, "250", "SELECT count() FROM calls")
	in.eventually(time.Minute, "0", "SELECT count() FROM calls WHERE isNull(ended_at)")
	in.eventually(time.Minute, in.sql("SELECT count() FROM events WHERE kind = 'call'"), "SELECT sum(events) FROM calls")
	if r := in.rebuildCalls(); r.Calls != 250 || r.Differ != 0 {
		t.Errorf("after a rebuild under load: %+v", r)
	}
	right = in.sql(derived)

	// The command and serve are killed; the rest is done by the command alone.
	in.exec("TRUNCATE TABLE calls")
	cmd := in.prepare("rebuild")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	in.kill()
	for _, err := engineOf(in.dir); err == nil; _, err = engineOf(in.dir) { // it dies with serve, a moment later
		time.Sleep(10 * time.Millisecond)
	}
	in.rebuildCalls()
	if now := in.sql(derived); now != right {
		t.Errorf("after a kill the rows are\n%s, not\n%s", now, right)
	}
	in.start().ready().stop()
}

func (in *installation) postAll(op *operator) {
	in.t.Helper()
	if err := op.Post(in.t.Context(), &http.Client{Timeout: 10 * time.Second}, in.redirectURI()); err != nil {
		in.t.Fatal(err)
	}
}

// rebuildCalls runs the command, with the shortest way to what it says.
func (in *installation) rebuildCalls(args ...string) (r cdr.Rebuilt) {
	in.t.Helper()
	out, err := in.command(append([]string{"rebuild", "--json"}, args...)...)
	if err != nil {
		in.t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		in.t.Fatalf("%q: %v", out, err)
	}
	return r
}
