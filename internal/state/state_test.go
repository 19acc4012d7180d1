package state_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/state"
)

func open(t *testing.T, dir string) *state.State {
	t.Helper()
	s, err := state.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestSecretsAndPortsAreMadeUpOnceAndKept(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	s := open(t, dir)
	first := s.Values()
	distinct := map[string]bool{}
	for _, secret := range []string{
		first.ClickHouseWriterPassword, first.ClickHouseReaderPassword, first.ClickHouseAnalystPassword, first.ClickHouseDictionariesPassword,
		first.S3AccessKey, first.S3SecretKey, first.RedisPassword, first.AdminToken,
	} {
		if len(secret) < 26 || // of 32 kinds: 130 bits, whose plain hash gives nothing away
			distinct[secret] {
			t.Errorf("a secret of %d letters, or one used twice", len(secret))
		}
		distinct[secret] = true
	}
	ports := map[int]bool{}
	for _, port := range []int{first.Ports.ClickHouseNative, first.Ports.ClickHouseHTTP, first.Ports.S3, first.Ports.Redis} {
		if port < 1024 || ports[port] {
			t.Errorf("port %d is not free for all, or is used twice", port)
		}
		ports[port] = true
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, open(t, dir).Values()); diff != "" {
		t.Errorf("after a restart (-first +second):\n%s", diff)
	}
	read, err := state.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, read); diff != "" {
		t.Errorf("read beside a running process (-first +read):\n%s", diff)
	}
	if second := open(t, t.TempDir()).Values(); second.AdminToken == first.AdminToken {
		t.Error("two installations share a token")
	}
}

// The dictionaries of an installation without a password of their own were made
// with the writer's, which anybody could read.
func TestAWritersPasswordThatTheDictionariesHadIsReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	before := state.Values{ClickHouseWriterPassword: "known to the dictionaries", ClickHouseReaderPassword: "of Grafana"}
	content, err := json.Marshal(before)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "state.json"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	after := s.Values()
	if after.ClickHouseWriterPassword == before.ClickHouseWriterPassword || after.ClickHouseDictionariesPassword == "" {
		t.Errorf("the writer has the password %q, the dictionaries %q", after.ClickHouseWriterPassword, after.ClickHouseDictionariesPassword)
	}
	if after.ClickHouseReaderPassword != before.ClickHouseReaderPassword {
		t.Error("the reader has another password")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if again := open(t, dir).Values(); again != after {
		t.Error("the next start makes up others")
	}
}

func TestNobodyElseMayReadTheSecrets(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	if err := s.Announce(state.Runtime{PID: 1}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]fs.FileMode{".": 0o700, "state.json": 0o600, "runtime.json": 0o600, "lock": 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", name, got, want)
		}
	}
}

func TestASecretThatALaterVersionAddsIsMadeUp(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	old := []byte(`{"s3_access_key": "kept", "ports": {"s3": 4711}}`)
	if err := os.WriteFile(filepath.Join(dir, "state.json"), old, 0o600); err != nil {
		t.Fatal(err)
	}
	v := open(t, dir).Values()
	if v.S3AccessKey != "kept" || v.Ports.S3 != 4711 {
		t.Errorf("what was there changed: %q, %d", v.S3AccessKey, v.Ports.S3)
	}
	if v.AdminToken == "" || v.Ports.Redis == 0 {
		t.Error("what was missing still is")
	}
}

func TestADamagedStateIsNeverReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "state.json")
	if err := os.WriteFile(path, []byte(`{"s3_access`), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := state.Open(dir); err == nil {
		s.Close()
		t.Fatal("new secrets were made up over the damaged ones")
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != `{"s3_access` {
		t.Errorf("the file was touched: %q, %v", b, err)
	}
}

func TestPortsThatWereAskedForAreKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	want := s.Values().Ports
	want.ClickHouseHTTP = 8123
	if err := s.SavePorts(state.Ports{ClickHouseHTTP: 8123}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, s.Values().Ports); diff != "" {
		t.Errorf("ports (-want +got):\n%s", diff)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, open(t, dir).Values().Ports); diff != "" {
		t.Errorf("ports after a restart (-want +got):\n%s", diff)
	}
}

func TestOneProcessHoldsAnInstallation(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	if _, err := state.Open(dir); !errors.Is(err, state.ErrLocked) {
		t.Errorf("a second Open: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
}

func TestACommandsStoreIsItsOwnAndKeepsNoStartOut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open(t, dir).Close()
	release, err := state.TakeStore(dir, "clickhouse")
	if err != nil {
		t.Fatal(err)
	}
	if running, err := state.Running(dir); err != nil || running {
		t.Errorf("while a command works: running = %v, %v", running, err)
	}
	s := open(t, dir)
	if running, err := state.Running(dir); err != nil || !running {
		t.Errorf("while it runs: running = %v, %v", running, err)
	}
	if _, err := state.TakeStore(dir, "clickhouse"); !errors.Is(err, state.ErrLocked) {
		t.Errorf("a store that is taken: %v", err)
	}
	other, err := state.TakeStore(dir, "s3")
	if err != nil {
		t.Fatalf("another store: %v", err)
	}
	if err := errors.Join(other(), release(), s.Close()); err != nil {
		t.Error(err)
	}
	if release, err = state.TakeStore(dir, "clickhouse"); err != nil {
		t.Fatalf("after its release: %v", err)
	}
	_ = release()
}

func TestThoseWhoOnlyLookDoNotKeepAStartOut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open(t, dir).Close()
	quit := make(chan struct{})
	var looking sync.WaitGroup
	looking.Go(func() {
		for {
			select {
			case <-quit:
				return
			default:
				_, _ = state.ReadRuntime(dir)
			}
		}
	})
	for range 50 {
		s, err := state.Open(dir)
		if err != nil {
			t.Error(err)
			break
		}
		s.Close()
	}
	close(quit)
	looking.Wait()
}

func TestRuntimeIsKnownWhileTheProcessRuns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	none := func(when string) {
		t.Helper()
		if r, err := state.ReadRuntime(dir); !errors.Is(err, state.ErrNotRunning) {
			t.Errorf("%s: %+v, %v", when, r, err)
		}
	}
	none("before the first start")
	s := open(t, dir)
	none("before the announcement")
	want := state.Runtime{PID: os.Getpid(), PublicListen: "127.0.0.1:8080", PrivateListen: "127.0.0.1:9090"}
	if err := s.Announce(want); err != nil {
		t.Fatal(err)
	}
	got, err := state.ReadRuntime(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("runtime (-want +got):\n%s", diff)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	none("after a clean stop")
	if _, err := os.Stat(filepath.Join(dir, "runtime.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is still there: %v", err)
	}
}

// holderDir makes this test binary the process that is killed below.
const holderDir = "FONOTEKA_TEST_HOLD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(holderDir); dir != "" {
		s, err := state.Open(dir)
		if err == nil {
			err = s.Announce(state.Runtime{PID: os.Getpid()})
		}
		if err != nil {
			os.Exit(1)
		}
		os.Stdout.WriteString("held\n")
		select {}
	}
	os.Exit(m.Run())
}

func TestAKilledProcessLeavesNoLockAndNoRuntime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), holderDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 16)); err != nil {
		t.Fatalf("wait for the other process: %v", err)
	}
	if r, err := state.ReadRuntime(dir); err != nil || r.PID != cmd.Process.Pid {
		t.Errorf("while it runs: %+v, %v", r, err)
	}
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if r, err := state.ReadRuntime(dir); !errors.Is(err, state.ErrNotRunning) {
		t.Errorf("after its kill: %+v, %v", r, err)
	}
	open(t, dir)
}

func TestWhereNothingIsReadSaysSo(t *testing.T) {
	t.Parallel()
	if _, err := state.Read(t.TempDir()); !errors.Is(err, state.ErrNone) {
		t.Errorf("Read of an empty folder: %v", err)
	}
}

func TestNoFreePortIsGivenTwice(t *testing.T) {
	seen := map[int]bool{}
	for range 500 {
		ports, err := state.FreePorts(2)
		if err != nil {
			t.Fatal(err)
		}
		for _, port := range ports {
			if seen[port] {
				t.Fatalf("port %d again", port)
			}
			seen[port] = true
		}
	}
}

// A file of null is no installation without values: making them anew would change the
// passwords and the name of one that is there.
func TestAStateOfNothingIsRefusedWithASentence(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"null", " null\n", "", "[]", `"text"`, "{", `{"ports": 5}`} {
		dir := t.TempDir()
		file := filepath.Join(dir, "state.json")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		for what, open := range map[string]func() error{
			"Open": func() error {
				s, err := state.Open(dir)
				if err == nil {
					return s.Close()
				}
				return err
			},
			"Read": func() error { _, err := state.Read(dir); return err },
		} {
			if err := open(); err == nil || !strings.Contains(err.Error(), file+": the file is damaged") || !strings.Contains(err.Error(), "Restore it from a backup") {
				t.Errorf("%s of %q: %v", what, content, err)
			}
		}
		if now, err := os.ReadFile(file); err != nil || string(now) != content {
			t.Errorf("%q became %q, %v", content, now, err)
		}
	}
}
