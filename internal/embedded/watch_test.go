package embedded_test

import (
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/embedded"
	"fonoteka/internal/embedded/embeddedtest"
)

// impatient makes a stack see within seconds what takes it minutes elsewhere.
var impatient = embedded.ProbeOptions{Every: 50 * time.Millisecond, Timeout: 3 * time.Second, Silence: 5 * time.Second}

// restarts compares what was counted, but the zeros, with what is wanted as
// store/reason.
func restarts(t *testing.T, metrics *prometheus.Registry, want map[string]float64) {
	t.Helper()
	families, err := metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		if f.GetName() != "fonoteka_embedded_restarts_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			if n := m.GetCounter().GetValue(); n != 0 {
				got[m.GetLabel()[1].GetValue()+"/"+m.GetLabel()[0].GetValue()] = n
			}
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("restarts: %v, want %v", got, want)
	}
}

// owner is the process that has a store's folder; 0 while it changes.
func owner(dir string) (pid int) {
	b, err := os.ReadFile(filepath.Join(dir, "lock"))
	if err != nil {
		return 0
	}
	pid, _ = strconv.Atoi(strings.TrimSpace(string(b)))
	return pid
}

// The writer may close the ports, and so might a fault of the engine: the process
// lives, and serves nobody.
func TestAStoreThatLivesButDoesNotListenIsStartedAgain(t *testing.T) {
	t.Parallel()
	metrics := prometheus.NewRegistry()
	opts := stackOptions(t.TempDir(), embeddedtest.Engine(t))
	opts.Registerer, opts.Probe = metrics, impatient
	opts.Probe.Silence = time.Hour // a refusal is not silence
	opts.Probe.Timeout = time.Minute
	s, _ := run(t, opts)
	awaitReady(t, s, embedded.StoreClickHouse, embedded.StoreS3, embedded.StoreRedis)
	http, native := s.ClickHouseHTTPAddr(), s.Addr(embedded.StoreClickHouse)
	works := func() bool {
		one, err := ask(http, "fonoteka", "writer-secret", "SELECT count() FROM d.t")
		two, err2 := askNative(t.Context(), native, "fonoteka", "writer-secret", "SELECT toString(count()) FROM d.t")
		return err == nil && err2 == nil && one == "1" && two == "1"
	}
	for _, q := range []string{"CREATE DATABASE d", "CREATE TABLE d.t (a UInt64) ENGINE = MergeTree ORDER BY a", "INSERT INTO d.t VALUES (1)"} {
		if _, err := ask(http, "fonoteka", "writer-secret", q); err != nil {
			t.Fatal(err)
		}
	}
	for _, port := range []string{"TCP", "HTTP"} {
		before := pid(t, opts.ClickHouse.Dir)
		_, _ = ask(http, "fonoteka", "writer-secret", "SYSTEM STOP LISTEN "+port) // its answer may be cut off
		eventually(t, port+": it says that it is down", func() bool { return !s.Up(embedded.StoreClickHouse) })
		eventually(t, port+": it is started again", func() bool { n := owner(opts.ClickHouse.Dir); return n != 0 && n != before })
		eventually(t, port+": it is up", func() bool { return s.Up(embedded.StoreClickHouse) })
		eventually(t, port+": both ports serve, and the data is there", works)
	}
	s.CloseRedis()
	eventually(t, "Redis says that it is down", func() bool { return !s.Up(embedded.StoreRedis) })
	eventually(t, "Redis is up again", func() bool { return s.Up(embedded.StoreRedis) })
	if c, err := s.DialRedis(t.Context()); err != nil {
		t.Error(err)
	} else {
		c.Close()
	}
	restarts(t, metrics, map[string]float64{"clickhouse/not_listening": 2, "redis/not_listening": 1})
}

// The kernel accepts connections for a process that is stopped or hangs. It is
// killed, since it would not hear that it is to end.
func TestAStoreThatIsSilentIsStartedAgain(t *testing.T) {
	t.Parallel()
	metrics := prometheus.NewRegistry()
	opts := stackOptions(t.TempDir(), embeddedtest.Engine(t))
	opts.Registerer, opts.Probe = metrics, impatient
	s, _ := run(t, opts)
	awaitReady(t, s, embedded.StoreClickHouse, embedded.StoreS3, embedded.StoreRedis)
	for store, dir := range map[embedded.Store]string{embedded.StoreClickHouse: opts.ClickHouse.Dir, embedded.StoreS3: opts.S3.Dir} {
		before := pid(t, dir)
		if err := syscall.Kill(before, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		eventually(t, "it says that it is down", func() bool { return !s.Up(store) })
		eventually(t, "another process has its folder, and is up", func() bool { n := owner(dir); return n != 0 && n != before && s.Up(store) })
	}
	restarts(t, metrics, map[string]float64{"clickhouse/not_answering": 1, "s3/not_answering": 1})
}

// What is slow is not dead: no load of queries makes the engine be started again.
func TestABusyEngineIsNotTakenForADeadOne(t *testing.T) {
	t.Parallel()
	metrics := prometheus.NewRegistry()
	opts := stackOptions(t.TempDir(), embeddedtest.Engine(t))
	opts.Registerer, opts.Probe = metrics, embedded.ProbeOptions{Every: 20 * time.Millisecond}
	s, stop := run(t, opts)
	awaitReady(t, s, embedded.StoreClickHouse, embedded.StoreS3, embedded.StoreRedis)
	before := pid(t, opts.ClickHouse.Dir)
	busy := make(chan struct{})
	for range 32 {
		go func() {
			// Of the writer, whom no limits hold.
			askUntil(t.Context(), "POST", "http://"+s.ClickHouseHTTPAddr()+"/?user=fonoteka&password=writer-secret", heavy+" SETTINGS max_threads = 16")
			busy <- struct{}{}
		}()
	}
	eventually(t, "they run", func() bool {
		n, err := ask(s.ClickHouseHTTPAddr(), "fonoteka", "writer-secret", "SELECT count() > 30 FROM system.processes")
		return err == nil && n == "1"
	})
	for _, store := range []embedded.Store{embedded.StoreClickHouse, embedded.StoreS3, embedded.StoreRedis} {
		probes := s.Probes(store)
		eventually(t, "it answers probes meanwhile", func() bool { return s.Probes(store) >= probes+20 })
	}
	if got := pid(t, opts.ClickHouse.Dir); got != before || !s.Up(embedded.StoreClickHouse) {
		t.Errorf("process %d, want %d; up: %v", got, before, s.Up(embedded.StoreClickHouse))
	}
	restarts(t, metrics, nil)
	stop()
	for range 32 {
		<-busy
	}
}
