package embedded_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"fonoteka/internal/testenv"
)

// asStranger makes this test binary ask the engine's ports as another OS user.
const asStranger = "FONOTEKA_TEST_STRANGER"

// nobody is the OS user and group "nobody" of every Linux: it owns no files.
const nobody = 65534

// question is one query that a stranger asks on both ports.
type question struct{ User, Password, Query string }

// answer is what came of it on one port: the text, or why there is none.
type answer struct{ Text, Refused string }

// errand is what the stranger is sent with, on standard input.
type errand struct {
	HTTP, Native string
	Files        []string // that its own eyes must not be able to read
	Questions    []question
}

// finding is what it comes back with, on standard output.
type finding struct {
	UID          int
	Readable     []string // of the errand's files
	HTTP, Native []answer
}

// beStranger runs the errand in a process of nobody's.
func beStranger() {
	var e errand
	if err := json.NewDecoder(os.Stdin).Decode(&e); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	f := finding{UID: os.Getuid()}
	for _, path := range e.Files {
		if _, err := os.ReadFile(path); err == nil {
			f.Readable = append(f.Readable, path)
		}
	}
	said := func(text string, err error) answer {
		if err != nil {
			return answer{Refused: err.Error()}
		}
		return answer{Text: text}
	}
	for _, q := range e.Questions {
		f.HTTP = append(f.HTTP, said(ask(e.HTTP, q.User, q.Password, q.Query)))
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		f.Native = append(f.Native, said(askNative(ctx, e.Native, q.User, q.Password, q.Query)))
		cancel()
	}
	if err := json.NewEncoder(os.Stdout).Encode(f); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// sendStranger runs an errand as the OS user nobody. Only root may become
// nobody: others skip the test, and in CI that is a failure.
func sendStranger(t *testing.T, e errand) finding {
	t.Helper()
	if os.Getuid() != 0 {
		testenv.Missing(t, "only root may log in as another OS user: run this test as root (sudo -E go test …)")
	}
	sent, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{asStranger + "=1"}
	cmd.Dir = "/"
	cmd.Stdin = bytes.NewReader(sent)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		t.Fatalf("ask as nobody: %v", err)
	}
	var f finding
	if err := json.Unmarshal(out, &f); err != nil {
		t.Fatal(err)
	}
	if f.UID != nobody || len(f.HTTP) != len(e.Questions) || len(f.Native) != len(e.Questions) {
		t.Fatalf("the stranger is uid %d and has %d and %d answers to %d questions", f.UID, len(f.HTTP), len(f.Native), len(e.Questions))
	}
	if len(f.Readable) > 0 {
		t.Fatalf("nobody reads %s without the engine: the test shows nothing", strings.Join(f.Readable, ", "))
	}
	return f
}
