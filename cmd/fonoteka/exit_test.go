package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"fonoteka/internal/exitcode"
	"fonoteka/internal/mtt"
	"fonoteka/internal/sign"
)

func TestWhatAnErrorEndsTheProgramWith(t *testing.T) {
	t.Parallel()
	_, nowhere := (&net.Dialer{}).DialContext(t.Context(), "tcp", "127.0.0.1:1")
	_, unanswered := http.Get("http://127.0.0.1:1/")
	for _, c := range []struct {
		err  error
		want exitcode.Code
	}{
		{errors.New("broken"), exitcode.Failed},
		{&fs.PathError{Op: "open", Path: "x", Err: syscall.ENOENT}, exitcode.Failed},
		{&net.OpError{Op: "listen", Err: syscall.EADDRINUSE}, exitcode.Failed},
		{fmt.Errorf("warehouse: %w", nowhere), exitcode.Unasked},
		{unanswered, exitcode.Unasked},
		{fmt.Errorf("list calls: %w", context.DeadlineExceeded), exitcode.Unasked},
		{&mtt.Error{Status: 502}, exitcode.Unasked},
		{&mtt.Error{Status: 403}, exitcode.Failed},
		{fmt.Errorf("%w: %w", mtt.ErrOutcomeUnknown, nowhere), exitcode.Failed},
		{sign.ErrNone, exitcode.NotFound},
		{usage("two"), exitcode.Usage},
		{exitcode.Found, exitcode.Found},
	} {
		if got := statusOf(c.err); got != c.want {
			t.Errorf("%v: %d, want %d", c.err, got, c.want)
		}
	}
}

func TestAMistakeInTheCommandLineHasItsStatus(t *testing.T) {
	file := filepath.Join(t.TempDir(), "fonoteka.yaml")
	if err := os.WriteFile(file, []byte("workers: 0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"bogus":                                 "is no command",
		"calls list --bogus":                    "-bogus (see: fonoteka calls list --help)",
		"calls list 5":                          `calls list takes no argument: "5"`,
		"recordings list --limit many":          "(see: fonoteka recordings list --help)",
		"recordings list --limit -3":            "--limit -3",
		"calls list --number 12":                "--number",
		"calls list --from yesterday":           "--from",
		"calls show":                            "give one call id",
		"recordings get":                        "give the id of a recording, or of a call",
		"call make 84950000001 --data " + file:  "--from",
		"directory import":                      "give one file",
		"directory import x --zone Mars":        "--zone",
		"directory import x --integration none": `there is no integration "none"; there are: `,
		"config print --config " + file:         ":1: workers",
		"verify":                                "name one package",
	} {
		out, stderr, code := output(t, strings.Fields(args)...)
		if code != int(exitcode.Usage) || out != "" || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit %d, %s%s", args, code, out, stderr)
		}
	}
}

// A client id that nobody gave was once an error of an error that there was not.
func TestAMissingClientIDIsSaidInWords(t *testing.T) {
	t.Parallel()
	for _, given := range []string{"", "\n", "id\n", "id\n\n"} {
		_, err := askCredentials(strings.NewReader(given), &strings.Builder{}, "")
		if err == nil || strings.Contains(err.Error(), "%!") || strings.Contains(err.Error(), "EOF") || !strings.Contains(err.Error(), "is missing: give it with FONOTEKA_MTT_CLIENT_ID") {
			t.Errorf("%q: %v", given, err)
		}
	}
}

func TestTheVersionIsTold(t *testing.T) {
	if out, _, code := output(t, "version"); code != 0 || !strings.HasPrefix(out, "fonoteka development (JSON of commands: version 1; go1") {
		t.Errorf("%d: %s", code, out)
	}
	if out, _, code := output(t, "version", "--json"); code != 0 || !strings.Contains(out, `"version":"development","json":1,`) {
		t.Errorf("%d: %s", code, out)
	}
}
