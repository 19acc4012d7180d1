package system

import (
	"context"
	"flag"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"fonoteka/internal/sim"
	"fonoteka/internal/testenv"
)

var crashRounds = flag.Int("crash-rounds", 4, "how often each of TestCrash's victims is killed, together")

// P1, P2: kill -9 of serve, of its engine and of a real Redis, at random moments
// with requests in flight. What was acknowledged is there afterwards, once.
func TestCrash(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	redis := testenv.StartRedis(t)
	listen := "127.0.0.1:" + strconv.Itoa(testenv.Ports(t, 1)[0])
	calls := 150 + 60**crashRounds
	op := operate(t, sim.Options{
		Seed: seed, Calls: calls, Rate: float64(calls) / (3 * float64(*crashRounds)), Connections: 16, RetryFor: 5 * time.Minute,
		Faults: sim.Faults{Duplicate: 0.2, NotFound: 0.02, Cut: 0.02},
	})
	in := install(t, op.hosts(), redisAt(redis), "FONOTEKA_LISTEN="+listen).start().ready()
	posting, cancel := context.WithCancel(t.Context())
	defer cancel()
	posted := make(chan error, 1)
	go func() { posted <- op.Post(posting, &http.Client{Timeout: 5 * time.Second}, "http://"+listen+redirect) }()

	killed := map[string]int{}
	for range *crashRounds {
		time.Sleep(500*time.Millisecond + time.Duration(rng.IntN(2500))*time.Millisecond)
		switch victim := rng.IntN(4); victim {
		case 0, 1:
			in.kill()
			in.start()
			killed["serve"]++
		case 2:
			if pid := in.engine(); pid > 0 {
				_ = syscall.Kill(pid, syscall.SIGKILL)
				killed["engine"]++
			}
		case 3:
			redis.Kill()
			time.Sleep(time.Duration(rng.IntN(1000)) * time.Millisecond)
			redis.Start()
			killed["redis"]++
		}
	}
	if err := <-posted; err != nil {
		t.Fatal(err)
	}
	ledger := op.Ledger()
	t.Logf("killed %v; %d notifications acknowledged, %d calls, %d recordings", killed, ledger.Acked, len(ledger.Calls), recordings(ledger))
	in.ready()
	in.settled(ledger)
	if got := in.sql("SELECT count() FROM rejected"); got != "0" {
		t.Errorf("%s notifications were rejected", got)
	}
	in.stop()
	if left := leftovers(in.dir); left != "" {
		t.Errorf("left running: %s", left)
	}
}

// leftovers names processes that still work on the folder.
func leftovers(dir string) string {
	for _, store := range []string{"clickhouse", "s3"} {
		b, err := os.ReadFile(dir + "/" + store + "/lock")
		if err != nil {
			continue
		}
		if _, err := os.Stat("/proc/" + strings.TrimSpace(string(b))); err == nil && len(b) > 1 {
			return store
		}
	}
	return ""
}
