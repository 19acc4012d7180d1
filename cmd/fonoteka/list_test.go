package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/urfave/cli/v2"

	"fonoteka/internal/sim"
	"fonoteka/internal/words"
)

// A list that is cut says so: to a person, and to a program that asked for it.
func TestAListThatIsCutSaysSo(t *testing.T) {
	t.Parallel()
	in, _, l := filled(t, sim.Options{Seed: 19, Calls: 90, Connections: 8})
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
	ctx, cancel := context.WithTimeout(in.t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], append(args, "--data", in.dir)...)
	cmd.Env = append(append(os.Environ(), asFonoteka+"=1"), in.env...)
	terminal, err := pty.Start(cmd)
	if err != nil {
		in.t.Fatal(err)
	}
	defer terminal.Close()
	said, _ := io.ReadAll(terminal) // ends with an error where the other side is closed
	_ = cmd.Wait()
	return string(said)
}

// What is longer than a page is read page by page, and its end is found.
func TestAListOfManyPagesIsShownWhole(t *testing.T) {
	t.Parallel()
	for _, rows := range []int{0, 1, listPage - 1, listPage, listPage + 1, 2 * listPage, 2*listPage + 5} {
		for _, limit := range []int{0, 1, listPage, listPage + 1, 5 * listPage} {
			var out strings.Builder
			app := &cli.App{Writer: &out, ErrWriter: &out}
			c := cli.NewContext(app, nil, nil)
			c.Context = t.Context()
			l := listing[int]{
				page: func(_ context.Context, limit int, after *int) (page []int, err error) {
					from := 0
					if after != nil {
						from = *after + 1
					}
					for i := from; i < min(rows, from+limit); i++ {
						page = append(page, i)
					}
					return page, nil
				},
				count:  func(context.Context) (uint64, error) { return uint64(rows), nil },
				none:   "none",
				header: []string{"N"},
				cells:  func(i int) []string { return []string{strconv.Itoa(i)} },
			}
			if err := l.show(c, limit); err != nil {
				t.Fatal(err)
			}
			want := "N\n"
			shown := rows
			if limit > 0 {
				shown = min(rows, limit)
			}
			for i := range shown {
				want += strconv.Itoa(i) + "\n"
			}
			if rows == 0 {
				want = "none\n"
			} else if shown < rows {
				want += "… and " + words.Grouped(rows-shown) + " more (--limit 0: all)\n"
			}
			if out.String() != want {
				t.Errorf("%d rows, limit %d: %d bytes, want %d", rows, limit, out.Len(), len(want))
			}
		}
	}
}
