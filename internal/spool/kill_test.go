package spool_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"fonoteka/internal/spool"
)

// writerDir names the environment variable that turns this test binary into a
// writer on the folder it holds.
const writerDir = "SPOOL_TEST_WRITER_DIR"

// writeUntilKilled appends from 16 goroutines and prints a line for each
// acknowledgement. It ends only by a signal or an error.
func writeUntilKilled(dir string) int {
	s, err := spool.Open(spool.Options{Dir: dir, ReserveBytes: 1})
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(rand.Uint64(), 0))
			for {
				id := rng.Uint64()
				seq, err := s.Append(context.Background(), spool.Record{Body: numbered(id, rng)})
				mu.Lock()
				if err != nil {
					fmt.Println("error", err)
				} else {
					fmt.Println(seq, id)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return 0
}

// A writer killed at random moments, ten times over on one spool: each record it
// has reported is there.
func TestAcknowledgedRecordsSurviveKill(t *testing.T) {
	t.Parallel()
	rounds := 10
	if testing.Short() {
		rounds = 3
	}
	dir := t.TempDir()
	acked := make(map[uint64]uint64)
	for round := range rounds {
		before := len(acked)
		runWriter(t, dir, 200+rand.IntN(1500), acked)
		s, err := spool.Open(spool.Options{Dir: dir, ReserveBytes: 1})
		if err != nil {
			t.Fatal(err)
		}
		if err := check(readAll(t, s), acked); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		mustClose(t, s)
		if len(acked) == before {
			t.Fatalf("round %d acknowledged nothing", round)
		}
	}
	t.Logf("%d records acknowledged in %d rounds", len(acked), rounds)
}

// runWriter lets a child write and kills it once it has acknowledged that many
// records, which comes at any point of its work; then it collects the rest of
// what the child said.
func runWriter(t *testing.T, dir string, kill int, acked map[uint64]uint64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), writerDir+"="+dir)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	lines := bufio.NewScanner(out)
	for n := 1; lines.Scan(); n++ {
		var seq, id uint64
		if _, err := fmt.Sscan(lines.Text(), &seq, &id); err != nil {
			// The last line may have been cut by the kill: it proves nothing.
			if n <= kill {
				t.Fatalf("the writer says: %s", lines.Text())
			}
			continue
		}
		acked[seq] = id
		if n == kill {
			must(t, cmd.Process.Kill())
		}
	}
	if err := cmd.Wait(); err == nil || ctx.Err() != nil {
		t.Fatalf("the writer was not killed: %v, %v", err, ctx.Err())
	}
}
