package system

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"fonoteka/internal/embedded/embeddedtest"
)

func TestMain(m *testing.M) {
	if os.Getenv(withoutLandlock) != "" {
		becomeProgram()
	}
	embeddedtest.Main(m)
}

// program is the path of fonoteka, which the first test that wants it builds as make
// build does: for coverage, where GOCOVERDIR says that somebody collects it.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "fonoteka-program-")
	if err != nil {
		return "", err
	}
	embeddedtest.AtEnd(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "fonoteka")
	args := []string{"build", "-ldflags", "-s -w", "-o", path}
	if os.Getenv("GOCOVERDIR") != "" {
		args = append(args, "-cover")
	}
	cmd := exec.Command("go", append(args, "../../cmd/fonoteka")...)
	cmd.Env = os.Environ()
	if os.Getenv("CGO_ENABLED") == "" {
		cmd.Env = append(cmd.Env, "CGO_ENABLED=0")
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build fonoteka: %w\n%s", err, out)
	}
	return path, nil
})

// fonoteka prepares a process of the program with more variables, NAME=value.
func fonoteka(t testing.TB, env []string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), env...)
	if slices.Contains(env, withoutLandlock+"=1") {
		cmd.Path = os.Args[0] // this test binary becomes the program: its Args[0]
	}
	return cmd
}

// ends runs a process that is prepared, for two minutes at most, and returns what it
// said and its exit status.
func ends(t testing.TB, cmd *exec.Cmd) (stdout, stderr string, status int) {
	t.Helper()
	return endsWithin(t, 2*time.Minute, cmd)
}

func endsWithin(t testing.TB, limit time.Duration, cmd *exec.Cmd) (stdout, stderr string, status int) {
	t.Helper()
	var out, errOut strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(limit, func() {
		fmt.Fprintf(os.Stderr, "%s: %q takes longer than %v\n", t.Name(), cmd.Args[1:], limit)
		_ = cmd.Process.Signal(syscall.SIGTERM)
		time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
	})
	defer late.Stop()
	err := cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatal(err)
	} else if ok {
		return out.String(), errOut.String(), exit.ExitCode()
	}
	return out.String(), errOut.String(), 0
}

// output runs a command that belongs to no installation.
func output(t testing.TB, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	return ends(t, fonoteka(t, nil, args...))
}
