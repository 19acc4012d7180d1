package system

import (
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"fonoteka/internal/sim"
)

// A list that is cut says so: to a person, and to a program that asked for it.
func TestAListThatIsCutSaysSo(t *testing.T) {
	t.Parallel()
	in, _, l := filled(t, sim.Options{Seed: 19, Calls: 90, Connections: 8})
	const shortList = 50 // rows that a person is shown at once
	n, recorded := len(l.Calls), recordings(l)
	if n <= shortList || recorded <= shortList {
		t.Fatalf("%d calls and %d recordings are too few to be cut", n, recorded)
	}
	in.eventually(time.Minute, strconv.Itoa(n), "SELECT count() FROM calls")
	for _, c := range []struct {
		list string
		rows int
	}{{"calls list", n}, {"recordings list", recorded}} {
		args := strings.Fields(c.list)
		out, _, status := in.exits(args...)
		if got := strings.Count(out, "\n"); status != 0 || got != c.rows+1 || strings.Contains(out, "more") {
			t.Errorf("%s to a program: %d lines, want the header and %d", c.list, got, c.rows)
		}
		out, _, status = in.exits(append(args, "--json")...)
		if got := strings.Count(out, "\n"); status != 0 || got != c.rows {
			t.Errorf("%s --json: %d lines, want %d", c.list, got, c.rows)
		}
		more := "… and " + strconv.Itoa(c.rows-7) + " more (--limit 0: all)"
		out, stderr, _ := in.exits(append(args, "--json", "--limit", "7")...)
		if strings.Count(out, "\n") != 7 || !strings.Contains(stderr, more) {
			t.Errorf("%s --json --limit 7:\n%s\n%s", c.list, out, stderr)
		}
		if said := in.onTerminal(append(args, "--limit", "7")...); strings.Count(said, "\n") != 9 || !strings.Contains(said, more) {
			t.Errorf("%s --limit 7 on a terminal:\n%s", c.list, said)
		}
		more = "… and " + strconv.Itoa(c.rows-shortList) + " more (--limit 0: all)"
		if said := in.onTerminal(args...); strings.Count(said, "\n") != shortList+2 || !strings.Contains(said, more) {
			t.Errorf("%s on a terminal:\n%s", c.list, said)
		}
		if said := in.onTerminal(append(args, "--limit", "0")...); strings.Count(said, "\n") != c.rows+1 || strings.Contains(said, " more ") {
			t.Errorf("%s --limit 0 on a terminal:\n%s", c.list, said)
		}
		if _, stderr, status := in.exits(append(args, "--limit", "-1")...); status == 0 || !strings.Contains(stderr, "--limit -1") {
			t.Errorf("%s --limit -1: %d %s", c.list, status, stderr)
		}
	}
}

// onTerminal runs a command as a process of its own, on a terminal.
func (in *installation) onTerminal(args ...string) string {
	in.t.Helper()
	cmd := fonoteka(in.t, in.env, append(args, "--data", in.dir)...)
	terminal, err := pty.Start(cmd)
	if err != nil {
		in.t.Fatal(err)
	}
	defer terminal.Close()
	late := time.AfterFunc(2*time.Minute, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	said, _ := io.ReadAll(terminal) // ends with an error where the other side is closed
	_ = cmd.Wait()
	return string(said)
}
