package system

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"fonoteka/internal/embedded"
	"fonoteka/internal/embedded/embeddedtest"
	"fonoteka/internal/sim"
	"fonoteka/internal/state"
	"fonoteka/internal/testenv"
)

// What the program keeps to itself, and an administrator sees.
const (
	bucketName                        = "fonoteka" // of the embedded S3
	warehouseCursor, recordingsCursor = "warehouse", "recordings"
)

// local is the address of a port of an embedded store.
func local(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// installation is a fonoteka serve in a process of its own, on stores of its own.
type installation struct {
	t    *testing.T
	dir  string
	env  []string
	cmd  *exec.Cmd
	exit chan error
	log  *os.File
}

// install makes an installation; env are more variables, NAME=value.
func install(t *testing.T, env ...string) *installation {
	t.Helper()
	embeddedtest.Engine(t) // skips, or fails in CI, without the engine
	dir := t.TempDir()
	log, err := os.Create(filepath.Join(dir, "serve.log"))
	if err != nil {
		t.Fatal(err)
	}
	in := &installation{t: t, dir: filepath.Join(dir, "data"), log: log}
	ports := testenv.Ports(t, 4) // its own also while it is stopped
	for i, store := range []string{"CLICKHOUSE", "CLICKHOUSE_HTTP", "S3", "REDIS"} {
		in.env = append(in.env, fmt.Sprintf("FONOTEKA_%s_PORT=%d", store, ports[i]))
	}
	in.env = append(in.env, env...)
	t.Cleanup(func() {
		if in.cmd != nil {
			in.kill()
		}
		awaitOrphans(in.dir)
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("log of serve:\n%s", tail(string(text), 60))
		}
		log.Close()
	})
	return in
}

// awaitOrphans waits for the stores of a serve that was killed: they end a moment
// after it, and write into the folder until then.
func awaitOrphans(dir string) {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		if !slices.ContainsFunc(lines, func(name string) bool {
			args, _ := os.ReadFile(name) // gone by now, some of them
			return strings.Contains(string(args), "embedded-") && strings.Contains(string(args), dir+"/")
		}) {
			return
		}
	}
}

func tail(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// redirect is the secret path of the test's integration.
const redirect = "/mtt/secret"

func (in *installation) start() *installation {
	in.t.Helper()
	env := append([]string{"FONOTEKA_LISTEN=127.0.0.1:0", "FONOTEKA_MTT_REDIRECT_URI=http://127.0.0.1" + redirect}, in.env...)
	cmd := fonoteka(in.t, env, "serve", "--data", in.dir, "--private-listen", "127.0.0.1:0")
	cmd.Stdout, cmd.Stderr = in.log, in.log
	if err := cmd.Start(); err != nil {
		in.t.Fatal(err)
	}
	in.cmd, in.exit = cmd, make(chan error, 1)
	go func() { in.exit <- cmd.Wait() }()
	in.until("it listens", 30*time.Second, func() bool {
		r, err := state.ReadRuntime(in.dir)
		return err == nil && r.PID == cmd.Process.Pid
	})
	return in
}

// until waits for ok, and fails the test where it does not come.
func (in *installation) until(what string, limit time.Duration, ok func() bool) {
	in.t.Helper()
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if ok() {
			return
		}
		select {
		case err := <-in.exit:
			in.exit <- err
			in.t.Fatalf("serve ended while waiting until %s: %v", what, err)
		default:
		}
	}
	in.t.Fatalf("waited %v in vain until %s", limit, what)
}

func (in *installation) runtime() state.Runtime {
	in.t.Helper()
	r, err := state.ReadRuntime(in.dir)
	if err != nil {
		in.t.Fatal(err)
	}
	return r
}

func (in *installation) redirectURI() string {
	return "http://" + in.runtime().PublicListen + redirect
}

// ready waits for everything to work.
func (in *installation) ready() *installation {
	in.t.Helper()
	url := "http://" + in.runtime().PrivateListen + "/readyz"
	in.until("it is ready", time.Minute, func() bool {
		resp, err := http.Get(url)
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return in
}

func (in *installation) kill() {
	_ = in.cmd.Process.Kill()
	<-in.exit
	in.cmd = nil
}

// stop ends serve as an administrator would, and wants it to end well.
func (in *installation) stop() {
	in.t.Helper()
	_ = in.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-in.exit:
		if err != nil {
			in.t.Errorf("serve ended with %v", err)
		}
	case <-time.After(time.Minute):
		in.t.Fatal("serve does not stop")
	}
	in.cmd = nil
}

// prepare makes a command on the installation, which is told of its folder alone: none
// of its variables.
func (in *installation) prepare(args ...string) *exec.Cmd {
	in.t.Helper()
	return fonoteka(in.t, nil, append(args, "--data", in.dir)...)
}

// command runs another command on the installation.
func (in *installation) command(args ...string) (stdout string, err error) {
	in.t.Helper()
	stdout, stderr, status := in.exits(args...)
	if status != 0 {
		return stdout, errors.New(stderr)
	}
	return stdout, nil
}

// sql returns the rows of a query as TSV.
func (in *installation) sql(query string, args ...any) string {
	in.t.Helper()
	for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		out, err := in.ask(fmt.Sprintf(query, args...))
		if err == nil {
			return out
		}
		if !errors.Is(err, syscall.ECONNREFUSED) || time.Since(began) > 30*time.Second {
			in.t.Fatalf("sql %s: %v", query, err)
		}
	}
}

// ask is what fonoteka sql does: a query of the reader's, with FINAL. Beside a running
// serve it is asked without that command, which waits for the engine and leaves a trace
// in the audit: tests ask ten times a second.
func (in *installation) ask(query string) (string, error) {
	in.t.Helper()
	if in.cmd == nil {
		out, err := in.command("sql", "--format", "TSV", query)
		return strings.TrimRight(out, "\n"), err
	}
	v := in.values()
	settings := url.Values{"database": {embedded.ClickHouseDatabase}, "default_format": {"TSV"}, "final": {"1"}, "readonly": {"2"}, "wait_end_of_query": {"1"}}
	req, err := http.NewRequest(http.MethodPost, "http://"+local(v.Ports.ClickHouseHTTP)+"/?"+settings.Encode(), strings.NewReader(query))
	if err != nil {
		return "", err
	}
	req.SetBasicAuth(embedded.ClickHouseReader, v.ClickHouseReaderPassword)
	resp, err := (&http.Client{Timeout: 2 * time.Minute}).Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, answer)
	}
	return strings.TrimRight(string(answer), "\n"), err
}

// eventually waits for a query to answer want.
func (in *installation) eventually(limit time.Duration, want, query string, args ...any) {
	in.t.Helper()
	got, err := "", error(nil)
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if got, err = in.ask(fmt.Sprintf(query, args...)); err == nil && got == want {
			return
		}
	}
	in.t.Fatalf("%s\n answered %q (%v) for %v, want %q", fmt.Sprintf(query, args...), got, err, limit, want)
}

// post sends a notification and returns the status.
func (in *installation) post(path string, body []byte) int {
	in.t.Helper()
	resp, err := http.Post("http://"+in.runtime().PublicListen+path, "application/json", bytes.NewReader(body))
	if err != nil {
		in.t.Fatal(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// operator is a simulated operator that serves its recordings.
type operator struct {
	*sim.Sim
	addr string
}

// operate starts a simulator; its address must be known to the installation.
func operate(t *testing.T, o sim.Options) *operator {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.RecordBase = "http://" + l.Addr().String()
	s, err := sim.New(o)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: time.Second}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	return &operator{s, l.Addr().String()}
}

func (o *operator) hosts() string { return "FONOTEKA_MTT_RECORD_HOSTS=" + o.addr }
