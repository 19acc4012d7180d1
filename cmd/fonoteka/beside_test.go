package main

import (
	"errors"
	"fmt"
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

// program runs a command on the installation in a process of its own.
func (in *installation) program(args ...string) (cmd *exec.Cmd, out *strings.Builder) {
	in.t.Helper()
	out = &strings.Builder{}
	cmd = exec.Command(os.Args[0], append(args, "--data", in.dir)...)
	cmd.Env = append(os.Environ(), asFonoteka+"=1")
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		in.t.Fatal(err)
	}
	in.t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd, out
}

const aCall = `{"event":"callNotifications","result":{"callInfo":{"call":{"id":"x~1o"},"state":"trying","type":"incoming"}}}`

// A notification comes once, also while somebody's long question keeps the
// engine busy that the stopped installation left to it.
func TestServeListensWhileACommandUsesTheStores(t *testing.T) {
	t.Parallel()
	in := install(t).start().ready()
	in.stop()
	sql, out := in.program("sql", "--format", "TSV", "SELECT sleepEachRow(1) FROM numbers(8) SETTINGS max_block_size = 1")
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		release, err := state.TakeStore(in.dir, "clickhouse")
		if errors.Is(err, state.ErrLocked) {
			break
		}
		if err != nil || time.Since(began) > 20*time.Second {
			t.Fatalf("the command does not take the engine: %v", err)
		}
		_ = release()
	}
	time.Sleep(time.Second) // the engine is up, the question asked
	began := time.Now()
	in.start()
	if got := in.post(redirect+"/events", []byte(aCall)); got != http.StatusOK {
		t.Errorf("answered %d", got)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("the notification was answered %v after the start", took)
	}
	if err := sql.Wait(); err != nil || out.String() != strings.Repeat("0\n", 8) {
		t.Errorf("the command: %v\n%s", err, out)
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
