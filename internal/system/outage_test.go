package system

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"fonoteka/internal/sim"
	"fonoteka/internal/testenv"
)

var outage = flag.Duration("outage", 10*time.Second, "how long a store is away in the tests of outages")

// engine is the process id of the installation's embedded ClickHouse, 0 while
// there is none.
func (in *installation) engine() int {
	b, _ := os.ReadFile(filepath.Join(in.dir, "clickhouse", "lock"))
	pid, _ := strconv.Atoi(strings.TrimSpace(string(b)))
	return pid
}

// redisAt is the variable by which the program uses a Redis.
func redisAt(r *testenv.Redis) string { return "FONOTEKA_REDIS_URL=" + r.URL() }

// settled waits until the warehouse and the archive hold all of the ledger.
func (in *installation) settled(l sim.Ledger) {
	in.t.Helper()
	in.eventually(3*time.Minute, fmt.Sprint(l.Distinct), "SELECT count() FROM events WHERE kind = 'call'")
	in.eventually(3*time.Minute, fmt.Sprint(recordings(l)), "SELECT count() FROM recordings WHERE state = 'archived'")
	in.eventually(time.Minute, fmt.Sprint(l.Distinct), "SELECT sum(events) FROM calls") // a file may be stored before its CDR names it
	in.compare(l)
	in.compareBytes(l)
}

// While ClickHouse is out, recordings still reach the bucket.
func TestRecordingsAreStoredWhileClickHouseIsOut(t *testing.T) {
	op := operate(t, sim.Options{Seed: 11, Calls: 150, Connections: 8})
	in := install(t, op.hosts()).start().ready()
	pid := in.engine()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Kill(pid, syscall.SIGCONT) }()
	began := time.Now()
	if err := op.Post(t.Context(), nil, in.redirectURI()); err != nil {
		t.Fatal(err)
	}
	ledger := op.Ledger()
	t.Logf("%d notifications were answered in %v", ledger.Acked, time.Since(began).Round(time.Millisecond))
	in.until("every recording is in the bucket", 2*time.Minute, func() bool { return in.storedMP3s() == recordings(ledger) })
	t.Logf("%d recordings were in the bucket after %v without ClickHouse", recordings(ledger), time.Since(began).Round(time.Second))
	time.Sleep(time.Until(began.Add(*outage)))
	_ = syscall.Kill(pid, syscall.SIGCONT) // gone, where it was silent for so long that it was started again
	in.settled(ledger)
	in.stop()
}

// storedMP3s counts the recordings of the embedded store.
func (in *installation) storedMP3s() int {
	n := 0
	_ = filepath.WalkDir(filepath.Join(in.dir, "s3"), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".mp3") {
			n++
		}
		return nil
	})
	return n
}

// While Redis is out, CDRs still arrive.
func TestCallsArriveWhileRedisIsOut(t *testing.T) {
	op := operate(t, sim.Options{Seed: 12, Calls: 150, Connections: 8})
	redis := testenv.StartRedis(t)
	in := install(t, op.hosts(), redisAt(redis)).start().ready()
	redis.Kill()
	began := time.Now()
	if err := op.Post(t.Context(), nil, in.redirectURI()); err != nil {
		t.Fatal(err)
	}
	ledger := op.Ledger()
	in.eventually(30*time.Second, fmt.Sprint(len(ledger.Calls)), "SELECT count() FROM calls WHERE isNotNull(ended_at)")
	if got := in.sql("SELECT count() FROM recordings WHERE state = 'archived'"); got != "0" {
		t.Errorf("%s recordings were archived without Redis", got)
	}
	time.Sleep(time.Until(began.Add(*outage)))
	redis.Start()
	in.settled(ledger)
	in.stop()
}
