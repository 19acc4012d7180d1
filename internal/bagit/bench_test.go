package bagit_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"path/filepath"
	"testing"

	"golang.org/x/sync/errgroup"

	"fonoteka/internal/bagit"
)

// Of each benchmark: 100 files of 1 MiB, about a recording of a minute each.
const (
	benchFiles = 100
	benchSize  = 1 << 20
)

// BenchmarkDigests is the end that the two others can reach: both digests of the same
// bytes in memory, one thread.
func BenchmarkDigests(b *testing.B) {
	block := make([]byte, benchSize)
	b.SetBytes(benchFiles * benchSize)
	for b.Loop() {
		short, large := sha256.New(), sha512.New()
		for range benchFiles {
			short.Write(block)
			large.Write(block)
		}
	}
}

func writeBench(b *testing.B, dir string, parallel int) {
	b.Helper()
	block := make([]byte, benchSize)
	w, err := bagit.Create(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	var all errgroup.Group
	all.SetLimit(parallel)
	for i := range benchFiles {
		all.Go(func() error {
			_, err := w.Add(fmt.Sprintf("data/%d", i), bytes.NewReader(block), nil)
			return err
		})
	}
	if err := all.Wait(); err != nil {
		b.Fatal(err)
	}
	if _, err := w.Finish(info); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkWrite(b *testing.B) {
	for _, parallel := range []int{1, 4} {
		b.Run(fmt.Sprintf("parallel=%d", parallel), func(b *testing.B) {
			b.SetBytes(benchFiles * benchSize)
			b.ReportAllocs()
			for b.Loop() {
				writeBench(b, filepath.Join(b.TempDir(), "bag"), parallel)
			}
		})
	}
}

func BenchmarkValidate(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "bag")
	writeBench(b, dir, 4)
	for _, parallel := range []int{1, 2} {
		b.Run(fmt.Sprintf("parallel=%d", parallel), func(b *testing.B) {
			src, err := bagit.OpenFolder(dir)
			if err != nil {
				b.Fatal(err)
			}
			defer src.Close()
			b.SetBytes(benchFiles * benchSize)
			b.ReportAllocs()
			for b.Loop() {
				r, err := bagit.Validate(context.Background(), src, bagit.Options{Closed: true, Parallel: parallel})
				if err != nil || !r.Valid() {
					b.Fatal(r, err)
				}
			}
		})
	}
}
