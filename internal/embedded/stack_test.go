package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"fonoteka/internal/embedded"
	"fonoteka/internal/embedded/embeddedtest"
	"fonoteka/internal/testenv"
)

// parentDir makes this test binary the parent that is killed below.
const parentDir = "FONOTEKA_TEST_PARENT"

func TestMain(m *testing.M) {
	embedded.Main()
	if dir := os.Getenv(parentDir); dir != "" {
		beParent(dir)
	}
	if os.Getenv(asStranger) != "" {
		beStranger()
	}
	embeddedtest.Main(m)
}

func stackOptions(dir, library string) embedded.StackOptions {
	return embedded.StackOptions{
		ClickHouse: &embedded.ClickHouseOptions{Dir: filepath.Join(dir, "clickhouse"), WriterPassword: "writer-secret", ReaderPassword: "reader-secret"},
		S3:         &embedded.S3Options{Dir: filepath.Join(dir, "s3"), AccessKey: "access", SecretKey: "secret-secret"},
		Redis:      &embedded.RedisOptions{Password: "secret"},
		Library:    func(context.Context) (string, error) { return library, nil },
	}
}

// run runs a stack until the test or the returned function ends it.
func run(t *testing.T, opts embedded.StackOptions) (*embedded.Stack, func()) {
	t.Helper()
	s, err := embedded.NewStack(opts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stopped := false
	stop := func() {
		cancel()
		if stopped {
			return
		}
		stopped = true
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return s, stop
}

func awaitReady(t *testing.T, s *embedded.Stack, stores ...embedded.Store) {
	t.Helper()
	for _, store := range stores {
		select {
		case <-s.Ready(store):
		case <-time.After(30 * time.Second):
			t.Fatalf("%s is not up", store)
		}
	}
}

// pid reads the process id that a store writes into its lock.
func pid(t *testing.T, dir string) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAStoreThatDiesAloneComesBackWithItsData(t *testing.T) {
	before := goleak.IgnoreCurrent()
	dir, metrics := t.TempDir(), prometheus.NewRegistry()
	opts := stackOptions(dir, embeddedtest.Engine(t))
	opts.Registerer = metrics
	s, stop := run(t, opts)
	addr, http := s.Addr(embedded.StoreClickHouse), s.ClickHouseHTTPAddr()
	awaitReady(t, s, embedded.StoreClickHouse, embedded.StoreS3, embedded.StoreRedis)
	if addr != s.Addr(embedded.StoreClickHouse) || http != s.ClickHouseHTTPAddr() {
		t.Error("an address changed as the store came up")
	}
	for _, q := range []string{
		"CREATE DATABASE d", "CREATE TABLE d.t (a UInt64) ENGINE = MergeTree ORDER BY a", "INSERT INTO d.t SELECT number FROM numbers(1000)",
	} {
		if _, err := ask(http, "fonoteka", "writer-secret", q); err != nil {
			t.Fatal(err)
		}
	}
	kill(t, pid(t, opts.ClickHouse.Dir))
	kill(t, pid(t, opts.S3.Dir))
	eventually(t, "the data is there again on the same port", func() bool {
		got, err := ask(http, "fonoteka", "writer-secret", "SELECT count() FROM d.t")
		return err == nil && got == "1000"
	})
	eventually(t, "both are up again", func() bool { return s.Up(embedded.StoreClickHouse) && s.Up(embedded.StoreS3) })
	if got, err := askNative(t.Context(), addr, "fonoteka", "writer-secret", "SELECT toString(sum(a)) FROM d.t"); err != nil || got != "499500" {
		t.Errorf("over the native port: %q, %v", got, err)
	}
	restarts(t, metrics, map[string]float64{"clickhouse/died": 1, "s3/died": 1})
	stop()
	for _, store := range []embedded.Store{embedded.StoreClickHouse, embedded.StoreS3, embedded.StoreRedis} {
		if s.Up(store) {
			t.Errorf("%s is up after the stop", store)
		}
	}
	goleak.VerifyNone(t, before)
}

func TestAStoreThatDoesNotStartIsTriedAgainAndHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	opts := stackOptions(t.TempDir(), "")
	library, tries := embeddedtest.Engine(t), 0
	opts.Library = func(context.Context) (string, error) {
		if tries++; tries < 3 {
			return "", errors.New("the network is down")
		}
		return library, nil
	}
	s, _ := run(t, opts)
	awaitReady(t, s, embedded.StoreRedis, embedded.StoreS3, embedded.StoreClickHouse)
	if tries != 3 {
		t.Errorf("up after %d tries, want 3", tries)
	}
}

// A store whose port somebody else has is tried again for ever: it must not be
// taken for up, and the log must say what to do.
func TestAStoreSaysWhichPortIsTaken(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	taken, library := port(t, other.Listener.Addr().String()), embeddedtest.Engine(t)
	for flag, choose := range map[string]func(*embedded.StackOptions){
		"--clickhouse-port":      func(o *embedded.StackOptions) { o.ClickHouse.NativePort = taken },
		"--clickhouse-http-port": func(o *embedded.StackOptions) { o.ClickHouse.HTTPPort = taken },
		"--s3-port":              func(o *embedded.StackOptions) { o.S3.Port = taken },
		"--redis-port":           func(o *embedded.StackOptions) { o.Redis.Port = taken },
	} {
		o := stackOptions(t.TempDir(), library)
		o.ClickHouse.Library = library
		choose(&o)
		var err error
		switch {
		case strings.HasPrefix(flag, "--clickhouse"):
			_, err = embedded.StartClickHouse(t.Context(), *o.ClickHouse)
		case flag == "--s3-port":
			_, err = embedded.StartS3(t.Context(), *o.S3)
		default:
			_, err = embedded.StartRedis(*o.Redis)
		}
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("port %d is not free; end what has it, or give another with %s: ", taken, flag)) {
			t.Errorf("%s: %v", flag, err)
		}
	}
}

func TestAStackRunsOnlyWhatIsWanted(t *testing.T) {
	t.Parallel()
	s, _ := run(t, embedded.StackOptions{Redis: &embedded.RedisOptions{Password: "secret"}})
	awaitReady(t, s, embedded.StoreRedis)
	if c, err := s.DialRedis(t.Context()); err != nil {
		t.Error(err)
	} else if err := c.Close(); err != nil {
		t.Error(err)
	}
	if s.Addr(embedded.StoreClickHouse) != "" || s.ClickHouseHTTPAddr() != "" || s.Up(embedded.StoreS3) {
		t.Error("it knows of stores that it was not asked for")
	}
	if _, err := embedded.NewStack(embedded.StackOptions{S3: &embedded.S3Options{}, Redis: &embedded.RedisOptions{}}); err == nil {
		t.Error("stores without a folder and passwords were accepted")
	}
	if none, err := embedded.NewStack(embedded.StackOptions{}); err != nil {
		t.Error(err)
	} else if _, err := none.DialRedis(t.Context()); err == nil {
		t.Error("a Redis that does not run was reached")
	}
}

// beParent starts stores, says so, and waits to be killed.
func beParent(dir string) {
	s, err := embedded.NewStack(stackOptions(dir, os.Getenv("FONOTEKA_TEST_LIBRARY")))
	if err != nil {
		os.Exit(1)
	}
	go func() {
		<-s.Ready(embedded.StoreClickHouse)
		<-s.Ready(embedded.StoreS3)
		os.Stdout.WriteString(s.ClickHouseHTTPAddr())
	}()
	_ = s.Run(context.Background())
}

// ended says whether a process is gone, or waits only for somebody to read its
// status.
func ended(pid int) bool {
	out, _ := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output() // fails if there is none
	return len(out) == 0 || out[0] == 'Z'
}

func TestAKilledParentLeavesNoOrphanAndTheDataToTheNext(t *testing.T) {
	t.Parallel()
	dir, library := t.TempDir(), embeddedtest.Engine(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), parentDir+"="+dir, "FONOTEKA_TEST_LIBRARY="+library)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := out.(*os.File).SetReadDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 64)
	n, err := out.Read(buf)
	if err != nil {
		t.Fatalf("the parent did not get ready: %v", err)
	}
	http := string(buf[:n])
	for _, q := range []string{
		"CREATE DATABASE d", "CREATE TABLE d.t (a UInt64) ENGINE = MergeTree ORDER BY a", "INSERT INTO d.t SELECT number FROM numbers(1000)",
	} {
		if _, err := ask(http, "fonoteka", "writer-secret", q); err != nil {
			t.Fatal(err)
		}
	}
	opts := stackOptions(dir, library)
	orphans := []int{pid(t, opts.ClickHouse.Dir), pid(t, opts.S3.Dir)}
	kill(t, cmd.Process.Pid)
	_ = cmd.Wait()
	killed := time.Now()

	// The next one starts at once, while the orphans may still be there.
	s, _ := run(t, opts)
	awaitReady(t, s, embedded.StoreClickHouse, embedded.StoreS3)
	t.Logf("up %v after the kill", time.Since(killed).Round(time.Millisecond))
	if got, err := ask(s.ClickHouseHTTPAddr(), "fonoteka", "writer-secret", "SELECT count() FROM d.t"); err != nil || got != "1000" {
		t.Errorf("after the kill: %q, %v", got, err)
	}
	for _, pid := range orphans {
		eventually(t, "the orphan ends", func() bool { return ended(pid) })
	}
}

// An engine on its way out still answers on the ports that the next one is given.
func TestAnEngineIsReadyWhenItAnswersItself(t *testing.T) {
	t.Parallel()
	opts := stackOptions(t.TempDir(), "").ClickHouse
	opts.Library = embeddedtest.Engine(t)
	ports := testenv.Ports(t, 2)
	opts.NativePort, opts.HTTPPort = ports[0], ports[1]
	first, err := embedded.StartClickHouse(t.Context(), *opts)
	if err != nil {
		t.Fatal(err)
	}
	leaving := make(chan error, 1)
	time.AfterFunc(300*time.Millisecond, func() { leaving <- first.Stop(context.Background()) })
	second, err := embedded.StartClickHouse(t.Context(), *opts)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = second.Stop(context.Background()) }()
	select {
	case <-first.Done():
	default:
		t.Error("ready while the other one was there")
	}
	if got := pid(t, opts.Dir); got != second.Pid() {
		t.Errorf("the folder belongs to process %d, want %d", got, second.Pid())
	}
	if err := <-leaving; err != nil {
		t.Error(err)
	}
}
