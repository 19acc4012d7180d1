package spool_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"fonoteka/internal/spool"
)

const benchBody = 800 // bytes; the longest of the operator's examples has about that

// BenchmarkAppend compares durable appends by 1, 64 and 512 writers with
// BenchmarkFsync: the same bytes written to a plain file, one sync each.
func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 64, 512} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			s, err := spool.Open(spool.Options{Dir: b.TempDir(), ReserveBytes: 1})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			b.SetBytes(benchBody)
			b.ResetTimer()
			var left atomic.Int64
			left.Store(int64(b.N))
			var wg sync.WaitGroup
			for range writers {
				wg.Go(func() {
					rec := spool.Record{Integration: "main", ContentType: "application/json", Body: bytes.Repeat([]byte("x1"), benchBody/2)}
					for left.Add(-1) >= 0 {
						if _, err := s.Append(b.Context(), rec); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

func BenchmarkFsync(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "log"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	if err := unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, 0, 64<<20); err != nil {
		b.Fatal(err)
	}
	body := make([]byte, benchBody)
	b.SetBytes(benchBody)
	for b.Loop() {
		if _, err := f.Write(body); err != nil {
			b.Fatal(err)
		}
		if err := unix.Fdatasync(int(f.Fd())); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
