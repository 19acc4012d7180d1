package intake_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sys/unix"

	"fonoteka/internal/edge"
	"fonoteka/internal/intake"
	"fonoteka/internal/spool"
	"fonoteka/internal/testenv"
)

func example(b *testing.B) string {
	body, err := os.ReadFile("testdata/notifications/04-outgoing-connected.json")
	if err != nil {
		b.Fatal(err)
	}
	return string(body)
}

// BenchmarkIntake posts from within the process, so that its own client counts.
func BenchmarkIntake(b *testing.B) {
	s := serve(b, intake.Options{}, spool.Options{})
	body := example(b)
	var bad atomic.Int64
	b.SetParallelism(32)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			resp, err := s.client.Post(s.url+hook+"/events", "application/json", strings.NewReader(body))
			if err != nil || resp.StatusCode != 200 {
				bad.Add(1)
				continue
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
	})
	if bad.Load() > 0 {
		b.Errorf("%d posts failed", bad.Load())
	}
}

// BenchmarkAgainstBareServer loads the intake on the disk, and the same server
// with a handler that only reads the body and answers 200, by wrk in a process of
// its own, in turns. The ratio is what counts: wrk and the server share the
// machine. WRK_SECONDS sets the length of a turn; run it with -benchtime=1x.
func BenchmarkAgainstBareServer(b *testing.B) {
	wrk := testenv.Need(b, "wrk")
	script := filepath.Join(b.TempDir(), "post.lua")
	lua := fmt.Sprintf("wrk.method = \"POST\"\nwrk.headers[\"Content-Type\"] = \"application/json\"\nwrk.body = [==[%s]==]\n", example(b))
	if err := os.WriteFile(script, []byte(lua), 0o600); err != nil {
		b.Fatal(err)
	}
	for _, connections := range []int{64, 512} {
		b.Run(fmt.Sprintf("connections=%d", connections), func(b *testing.B) {
			syncs := prometheus.NewRegistry()
			door, err := edge.New(edge.Options{}) // as serve has it
			if err != nil {
				b.Fatal(err)
			}
			s := serve(b, intake.Options{Guard: door}, spool.Options{Registerer: syncs})
			bare := listen(b, intake.NewServer(http.HandlerFunc(readAndAnswer), slog.New(slog.DiscardHandler)), nil)
			var ratio, kept, read float64
			for range b.N {
				r := load(b, wrk, script, bare, connections)
				k := load(b, wrk, script, s.addr, connections)
				ratio, kept, read = ratio+k/r, kept+k, read+r
			}
			b.ReportMetric(recordsPerSync(b, syncs), "records/sync")
			b.ReportMetric(kept/float64(b.N), "kept/s")
			b.ReportMetric(read/float64(b.N), "bare/s")
			b.ReportMetric(ratio/float64(b.N), "ratio")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func readAndAnswer(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.WriteHeader(http.StatusOK)
}

var perSecond = regexp.MustCompile(`Requests/sec:\s+([0-9.]+)`)

func load(b *testing.B, wrk, script, addr string, connections int) float64 {
	b.Helper()
	seconds := os.Getenv("WRK_SECONDS")
	if seconds == "" {
		seconds = "5"
	}
	cmd := exec.CommandContext(context.WithoutCancel(b.Context()), wrk, "-t2", "-c"+strconv.Itoa(connections), "-d"+seconds, "--latency", "-s", script, "http://"+addr+hook+"/events")
	before := cpuTime(b)
	out, err := cmd.Output()
	used := cpuTime(b) - before
	m := perSecond.FindSubmatch(out)
	if err != nil || m == nil || strings.Contains(string(out), "Non-2xx") {
		b.Fatalf("wrk: %v\n%s", err, out)
	}
	b.Logf("%s", out)
	b.Logf("processor time of the server: %v", used)
	rate, err := strconv.ParseFloat(string(m[1]), 64)
	if err != nil {
		b.Fatal(err)
	}
	return rate
}

// cpuTime is the processor time this process has used.
func cpuTime(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func recordsPerSync(b *testing.B, reg *prometheus.Registry) float64 {
	families, err := reg.Gather()
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "fonoteka_spool_batch_records" {
			h := f.GetMetric()[0].GetHistogram()
			return h.GetSampleSum() / float64(h.GetSampleCount())
		}
	}
	return 0
}
