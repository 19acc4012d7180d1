package system

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/sim"
)

// operated is an installation that is logged in to a cabinet, with its
// directory fetched.
func operated(t *testing.T, o sim.PlatformOptions) (*installation, *cabinet) {
	t.Helper()
	c := openCabinet(t, o, nil)
	in := install(t, c.withClient()...).start().ready()
	c.login(in)
	in.eventually(time.Minute, "12 4", "SELECT concat(toString((SELECT count() FROM directory_workplaces)), ' ', toString((SELECT count() FROM directory_numbers)))")
	return in, c
}

// tell runs a command that asks the operator.
func (c *cabinet) tell(in *installation, args ...string) (string, error) {
	in.t.Helper()
	return in.command(append(args, append(c.flags(), "--client-id", sim.DemoClientID, "--client-secret", sim.DemoClientSecret)...)...)
}

func (c *cabinet) must(in *installation, args ...string) string {
	in.t.Helper()
	out, err := c.tell(in, args...)
	if err != nil {
		in.t.Fatalf("%v: %v", args, err)
	}
	return strings.TrimSpace(out)
}

// asked is the body of the newest request to a method.
func (c *cabinet) asked(t *testing.T, method string) map[string]any {
	t.Helper()
	all := c.Requests("/" + method)
	if len(all) == 0 {
		t.Fatalf("%s was not asked", method)
	}
	var body struct {
		Params map[string]any `json:"params"`
	}
	if err := json.Unmarshal([]byte(all[len(all)-1].Body), &body); err != nil {
		t.Fatal(err)
	}
	return body.Params
}

// A workplace that is renamed on Tuesday: Monday's calls bear the old name,
// Wednesday's the new one, and nothing is derived again.
func TestARenamedWorkplaceKeepsItsNameOnOlderCalls(t *testing.T) {
	t.Parallel()
	in, c := operated(t, sim.PlatformOptions{})
	seat := in.sql("SELECT workplace FROM directory_workplaces WHERE name = 'Администратор'")
	tuesday := time.Now().UTC()
	for i, at := range []time.Time{tuesday.Add(-24 * time.Hour), tuesday.Add(24 * time.Hour)} {
		for _, state := range []string{"showing", "connected"} {
			body := fmt.Sprintf(`{"event":"callNotifications","result":{"callInfo":{"call":{"id":"renamed-%d~1o","tag":"t"},"state":%q,"type":"incoming",
				"caller":{"accountId":"79000000001@pstn","id":"79000000001"},"callee":{"accountId":%q,"centrexId":"67821426"},"startTime":%q,"transportId":"x"}}}`,
				i, state, seat, at.Format("2006-01-02 15:04:05"))
			if status := in.post(redirect+"/events", []byte(body)); status != http.StatusOK {
				t.Fatalf("status %d", status)
			}
		}
	}
	const names = `SELECT arrayStringConcat(groupArray(name), ', ') FROM (SELECT dictGet('directory_account', 'employee', (integration, account_id), started_at) AS name
		FROM calls WHERE account_id = '%s' ORDER BY started_at)`
	in.eventually(30*time.Second, "Администратор, Администратор", names, seat)
	versions := in.sql("SELECT groupArray(version) FROM calls")
	if err := c.ChangeDirectory(sim.DirectoryChange{Rename: map[string]string{seat: "Анна Новая"}}); err != nil {
		t.Fatal(err)
	}
	in.eventually(30*time.Second, "Администратор, Анна Новая", names, seat)
	in.eventually(10*time.Second, "Администратор, Анна Новая",
		"SELECT arrayStringConcat(groupArray(employee), ', ') FROM (SELECT employee FROM report_calls WHERE workplace = '%s' ORDER BY started_at)", seat)
	if again := in.sql("SELECT groupArray(version) FROM calls"); again != versions {
		t.Errorf("the calls were derived again: %s, then %s", versions, again)
	}

	table := filepath.Join(t.TempDir(), "staff.csv")
	if err := os.WriteFile(table, []byte("workplace;department;employee;from\n"+seat+";Приёмная;Анна П.;"+tuesday.Add(48*time.Hour).Format("02.01.2006")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := in.command("directory", "import", table); err != nil || !strings.Contains(out, "1 line of 1 changed") {
		t.Fatalf("directory import: %v\n%s", err, out)
	}
	for at, want := range map[string]string{tuesday.Add(-time.Hour).Format(time.RFC3339): "Администратор", time.Now().Add(time.Second).Format(time.RFC3339): "Анна Новая", tuesday.Add(72 * time.Hour).Format(time.RFC3339): "Анна П."} {
		out, err := in.command("directory", "list", "--at", at)
		if err != nil || !strings.Contains(out, want) || want != "Анна П." && strings.Contains(out, "Анна П.") {
			t.Errorf("at %s: %v, want %s in\n%s", at, err, want, out)
		}
	}
	in.eventually(10*time.Second, "begun, done", "SELECT arrayStringConcat(groupArray(outcome), ', ') FROM (SELECT outcome FROM audit WHERE action = 'directory.import' ORDER BY seq)")
}

// A call that we make is notified, derived, marked as our own, linked with its
// other leg, recorded and archived; and who made it is in the audit.
func TestACallWeMakeIsFollowedToItsArchivedRecording(t *testing.T) {
	t.Parallel()
	in, c := operated(t, sim.PlatformOptions{Speed: 4})
	seat := in.sql("SELECT workplace FROM directory_workplaces WHERE name = 'Администратор'")
	id := c.must(in, "call", "make", "--from", seat, "--as", "anna", "8 (900) 000-00-77")
	if got := c.asked(t, "makeCall"); got["callerId"] != seat || got["calleeId"] != "89000000077" {
		t.Errorf("asked %v", got)
	}
	in.eventually(2*time.Minute, "2\t1\t1", `SELECT count(), countIf(confidence = 'certain'), countIf(confidence = 'inferred') FROM own_calls`)
	in.eventually(time.Minute, "click_to_call\tinferred\t1\t1", `SELECT kind, confidence, f.platform_call_id = '%s', s.talk_ms > 0 FROM call_links AS l
		INNER JOIN calls AS f ON f.call_id = l.call_id INNER JOIN calls AS s ON s.call_id = l.linked_call_id WHERE kind = 'click_to_call'`, strings.Split(id, "~")[0])
	in.eventually(time.Minute, "archived\t1", `SELECT r.state, (c.integration, c.call_id) IN (SELECT integration, call_id FROM own_calls)
		FROM recordings AS r INNER JOIN calls AS c ON c.group_id = r.group_id WHERE has(c.recordings, r.recording_id)`)
	in.eventually(time.Minute, "begun, done", "SELECT arrayStringConcat(groupArray(outcome), ', ') FROM (SELECT outcome FROM audit WHERE action = 'call.make' AND startsWith(actor, 'anna') ORDER BY seq)")

	if chain, err := os.ReadFile(filepath.Join(in.dir, "audit", "chain.jsonl")); err != nil || strings.Contains(string(chain), "9000000077") || !strings.Contains(string(chain), id) {
		t.Errorf("the audit's file: %v\n%s", err, chain)
	}
	out, err := in.command("audit", "verify")
	if err != nil || !strings.Contains(out, "whole") {
		t.Errorf("audit verify: %v\n%s", err, out)
	}
	out, err = in.command("audit", "list", "--action", "call")
	if err != nil || !strings.Contains(out, "call.make") || strings.Contains(out, "9000000077") {
		t.Errorf("audit list: %v\n%s", err, out)
	}

	out, err = in.command("calls", "show", id)
	if err != nil || !strings.Contains(out, "made by us, action") || !strings.Contains(out, "made by us together with call") {
		t.Errorf("calls show: %v\n%s", err, out)
	}

	// What the operator refuses, or does not answer, is noted as that.
	if err := c.Trouble(sim.Trouble{Path: "/makeCall", Kind: "success0"}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.tell(in, "call", "make", "--from", seat, "79000000078"); err == nil || strings.Contains(err.Error(), "79000000078") {
		t.Errorf("a refused call: %v", err)
	}
	if err := c.Trouble(sim.Trouble{Path: "/makeCall", Kind: "cut", TakesEffect: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.tell(in, "call", "make", "--from", seat, "79000000079"); err == nil {
		t.Error("a call whose answer was lost")
	}
	c.leave(in, "call", "make", "--from", seat, "79000000080")
	if got := in.sql("SELECT number, outcome FROM call_actions WHERE outcome != 'done' ORDER BY at"); got != "79000000078\trefused\n79000000079\tunknown\n79000000080\tunknown" {
		t.Errorf("actions: %s", got)
	}
	if n := len(c.Requests("/makeCall")); n != 3 {
		t.Errorf("makeCall was asked %d times: it must never be repeated", n)
	}
	in.stop()
	if f := filepath.Join(in.dir, "audit", "chain.jsonl"); os.WriteFile(f, []byte(strings.Replace(read(t, f), "anna", "ivan", 1)), 0o600) != nil {
		t.Fatal("the file cannot be changed")
	}
	if out, err := in.command("audit", "verify"); err == nil || !strings.Contains(out, " in the file was altered") {
		t.Errorf("audit verify after a change: %v\n%s", err, out)
	}
}

// leave runs a command and stops it when it has asked the operator, who does not
// answer.
func (c *cabinet) leave(in *installation, args ...string) {
	in.t.Helper()
	var cmd *exec.Cmd
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // so that its end is seen
		_ = cmd.Process.Signal(os.Interrupt)
		<-r.Context().Done()
	}))
	defer silent.Close()
	args = append(args, c.flags()...)
	cmd = in.prepare(append(args, "--api-url", silent.URL, "--client-id", sim.DemoClientID, "--client-secret", sim.DemoClientSecret)...)
	if _, told, status := ends(in.t, cmd); status == 0 || !strings.Contains(told, "not known whether") || strings.Contains(told, "could not be noted") {
		in.t.Errorf("status %d: %s", status, told)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A parked number holds a call, which we lead on; then the talk is led on, and
// the leg dropped.
func TestCallsAreLedOnAndLegsDropped(t *testing.T) {
	t.Parallel()
	in, c := operated(t, sim.PlatformOptions{Manner: sim.Manner{Talk: -1}, Speed: 0.25})
	seats := strings.Split(in.sql("SELECT workplace FROM directory_workplaces WHERE name IN ('Администратор', 'Бухгалтерия') ORDER BY name"), "\n")
	line := in.sql("SELECT number FROM directory_numbers ORDER BY number LIMIT 1")
	if _, err := c.tell(in, "parking", "set", "74950009999"); err == nil || strings.Contains(err.Error(), "74950009999") {
		t.Errorf("a number of somebody else's is parked: %v", err)
	}
	c.must(in, "parking", "set", "+"+line)
	if out := c.must(in, "parking", "set", line); !strings.Contains(out, "1 number") || fmt.Sprint(c.Parked()) != "["+line+"]" {
		t.Errorf("%s; parked: %v", out, c.Parked())
	}

	id, err := c.Call(sim.IncomingCall{To: line, Route: seats[:1]})
	if err != nil {
		t.Fatal(err)
	}
	in.eventually(15*time.Second, "parking", "SELECT kind FROM legs WHERE platform_leg_id = '%s'", id)
	c.must(in, "call", "transfer", id, seats[1]) // the legs of a quarter's speed are held for 20 s
	want := in.sql("SELECT tag, transport_id FROM legs WHERE platform_leg_id = '%s'", id)
	got := c.asked(t, "transferCall")
	if leg, _ := got["call"].(map[string]any); leg["id"] != id || fmt.Sprint(leg["tag"], "\t", got["transportId"]) != want || got["calleeId"] != seats[1] || got["calleId"] != seats[1] {
		t.Errorf("asked %v, want %s of leg %s", got, want, id)
	}
	base, _, _ := strings.Cut(id, "~")
	in.eventually(30*time.Second, seats[1], "SELECT account_id FROM legs WHERE platform_leg_id LIKE '%s%%' AND answered AND NOT finished", base)

	// By the call's id, since one leg only goes on.
	if _, err := c.tell(in, "call", "drop-leg", base); err == nil || !strings.Contains(err.Error(), "not confirmed") || len(c.Requests("/terminateCall")) != 0 {
		t.Errorf("a leg was dropped without a yes: %v", err)
	}
	c.must(in, "call", "drop-leg", base, "--yes")
	in.eventually(30*time.Second, "1", "SELECT count() FROM calls WHERE platform_call_id = '%s' AND isNotNull(ended_at)", base)
	if _, err := c.tell(in, "call", "drop-leg", base, "--yes"); err == nil || !strings.Contains(err.Error(), "is over") {
		t.Errorf("a leg of a call that is over: %v", err)
	}
	if _, err := c.tell(in, "call", "transfer", "nobody", seats[0]); err == nil || !strings.Contains(err.Error(), "no leg and no call") {
		t.Errorf("no such leg: %v", err)
	}

	c.must(in, "parking", "clear", line)
	if out, err := in.command("parking", "show"); err != nil || !strings.Contains(out, line) || !strings.Contains(out, "not parked") {
		t.Errorf("parking show: %v\n%s", err, out)
	}
	in.eventually(10*time.Second, "auth.login call.drop_leg call.transfer parking.clear parking.set parking.show",
		"SELECT arrayStringConcat(groupArray(action), ' ') FROM (SELECT DISTINCT action FROM audit WHERE outcome = 'done' AND action NOT LIKE 'sql.%%' ORDER BY action)")
}
