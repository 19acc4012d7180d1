package archive_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"fonoteka/internal/archive"
	"fonoteka/internal/fetch"
	"fonoteka/internal/queue"
)

// BenchmarkHandle archives recordings of 300 KB into the syncing store: fetch,
// verify, mp3, sidecar; the catalogue is in memory.
func BenchmarkHandle(b *testing.B) {
	body := bytes.Repeat(audio(b), 130)
	origin := newOrigin(b, serve(body))
	origin.Quiet = true
	f, err := fetch.New(fetch.Options{Hosts: hosts(b, origin.Addr()), TempDir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	store := newBucket(b)
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	a, err := archive.New(archive.Options{Catalogue: newCatalogue(), Store: store, Bucket: store.Name(), Queue: &jobs{}, Fetcher: f, Log: log})
	if err != nil {
		b.Fatal(err)
	}
	var n atomic.Int64
	b.SetBytes(int64(len(body)))
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			link := fmt.Sprintf("%s/2026/02/28/%d.mp3", origin.URL, n.Add(1))
			rec := recording(link, time.Now())
			if err := a.Handle(context.Background(), queue.Job{Recording: rec}); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "recordings/s")
}
