package system

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/sim"
	"fonoteka/internal/state"
)

// outputs are what a program has said. On stderr it may tell of what it overcame, such as
// a store that had to be started twice: what it answers is on stdout alone.
type outputs struct{ stdout, stderr strings.Builder }

// program starts a command on the installation.
func (in *installation) program(args ...string) (cmd *exec.Cmd, said *outputs) {
	in.t.Helper()
	said = &outputs{}
	cmd = in.prepare(args...)
	cmd.Stdout, cmd.Stderr = &said.stdout, &said.stderr
	if err := cmd.Start(); err != nil {
		in.t.Fatal(err)
	}
	in.t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd, said
}

const aCall = `{"event":"callNotifications","result":{"callInfo":{"call":{"id":"x~1o"},"state":"trying","type":"incoming"}}}`

// A notification comes once, also while a command has the engine that the stopped
// installation left to it: this one waits for somebody to read on.
func TestServeListensWhileACommandUsesTheStores(t *testing.T) {
	t.Parallel()
	in := install(t).start().ready()
	in.stop()
	const rows = 200_000 // many times what a pipe holds
	sql := in.prepare("sql", "--format", "TSV", fmt.Sprintf("SELECT 0 FROM numbers(%d)", rows))
	var problems strings.Builder
	sql.Stderr = &problems
	pipe, err := sql.StdoutPipe()
	if err == nil {
		err = sql.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sql.Process.Kill() })
	answer := bufio.NewReader(pipe)
	first, err := answer.ReadString('\n') // the engine is up, and is this command's
	if err != nil {
		t.Fatalf("%q, %v\n%s", first, err, &problems)
	}
	in.start()
	if got := in.post(redirect+"/events", []byte(aCall)); got != http.StatusOK {
		t.Errorf("answered %d", got)
	}
	rest, err := io.ReadAll(answer)
	if err := errors.Join(err, sql.Wait()); err != nil || first+string(rest) != strings.Repeat("0\n", rows) {
		t.Errorf("the command: %v, %d bytes\n%s", err, len(rest), &problems)
	}
	in.eventually(time.Minute, "1", "SELECT count() FROM calls")
	in.ready().stop()
}

func TestServeWaitsForTheCursorsToBeMoved(t *testing.T) {
	t.Parallel()
	in := install(t)
	st, err := state.Open(in.dir)
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(2*time.Second, func() { _ = st.Close() }) // as replay --from holds it
	in.start()
	in.stop()
}

// The data folder holds phone numbers, talks and secrets. It may have been made
// by a script, or by a version that left it open.
func TestNobodyElseMayReadTheData(t *testing.T) {
	t.Parallel()
	in := install(t)
	for _, dir := range []string{in.dir, filepath.Join(in.dir, "spool")} {
		if err := errors.Join(os.Mkdir(dir, 0o755), os.Chmod(dir, 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	op := operate(t, sim.Options{Seed: 5, Calls: 3})
	in.env = append(in.env, op.hosts())
	in.start().ready()
	if err := op.Post(t.Context(), nil, in.redirectURI()); err != nil {
		t.Fatal(err)
	}
	in.eventually(time.Minute, fmt.Sprint(recordings(op.Ledger())), "SELECT count() FROM recordings WHERE state = 'archived'")
	if _, err := in.command("recordings", "list"); err != nil {
		t.Error(err)
	}
	in.stop()
	err := filepath.WalkDir(in.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && d.Type() != fs.ModeSymlink && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %o", path, info.Mode().Perm())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
