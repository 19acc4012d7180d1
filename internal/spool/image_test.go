package spool_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"fonoteka/internal/spool"
)

// A spool of imageRecords records as a killed process left it: the first three
// quarters in two tables, the rest in its log, the cursors early in the first.
const (
	imageRecords = 600
	inLogFrom    = 451
	warehouseAt  = 100
	recordingsAt = 90
)

var image = sync.OnceValues(func() (string, error) {
	base, err := os.MkdirTemp("", "spool-image")
	if err != nil {
		return "", err
	}
	dir, copied := filepath.Join(base, "spool"), filepath.Join(base, "image")
	rng := rand.New(rand.NewPCG(7, 7))
	id := uint64(0)
	for round := range 4 {
		s, err := spool.Open(spool.Options{Dir: dir, ReserveBytes: 1, Cursors: []string{"warehouse", "recordings"}})
		if err != nil {
			return "", err
		}
		for range imageRecords / 4 {
			id++
			if _, err := s.Append(context.Background(), spool.Record{Integration: "main", Body: numbered(id, rng)}); err != nil {
				return "", err
			}
		}
		err = errors.Join(s.SetCursor("warehouse", warehouseAt), s.SetCursor("recordings", recordingsAt))
		if round == 3 { // as it is at a kill
			err = errors.Join(err, os.CopyFS(copied, os.DirFS(dir)))
		}
		if err := errors.Join(err, s.Close()); err != nil {
			return "", err
		}
	}
	return copied, os.RemoveAll(dir)
})

// imaged is a fresh copy of it, in a folder of its own.
func imaged(t *testing.T) (dir string) {
	t.Helper()
	from, err := image()
	must(t, err)
	dir = filepath.Join(t.TempDir(), "spool")
	must(t, os.CopyFS(dir, os.DirFS(from)))
	return dir
}

// named is the file that fits a pattern, the largest of several; of manifests the
// one that holds.
func named(t *testing.T, dir, pattern string) string {
	t.Helper()
	if pattern == theManifest {
		marker := named(t, dir, "marker.manifest.*")
		_, manifest, _ := strings.Cut(filepath.Ext(marker), ".")
		return filepath.Join(dir, manifest)
	}
	all, err := filepath.Glob(filepath.Join(dir, pattern))
	must(t, err)
	best, most := "", int64(-1)
	for _, path := range all {
		if info, err := os.Stat(path); err == nil && info.Size() > most {
			best, most = path, info.Size()
		}
	}
	if best == "" {
		t.Fatalf("there is no %s in %s", pattern, dir)
	}
	return best
}

// rewrite changes a file's bytes in place.
func rewrite(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	must(t, os.WriteFile(path, change(bytes.Clone(data)), 0o600))
}

// flipAt inverts one bit at a part of the file's length, or from its end.
func flipAt(part float64, fromEnd int) func([]byte) []byte {
	return func(b []byte) []byte {
		at := int(float64(len(b)) * part)
		if fromEnd > 0 {
			at = len(b) - fromEnd
		}
		b[at] ^= 0x10
		return b
	}
}

func zero(from, to float64) func([]byte) []byte {
	return func(b []byte) []byte {
		clear(b[int(float64(len(b))*from):int(float64(len(b))*to)])
		return b
	}
}

func cut(part float64) func([]byte) []byte {
	return func(b []byte) []byte { return b[:int(float64(len(b))*part)] }
}

func garbage(b []byte) []byte { return bytes.Repeat([]byte("\x9cjunk\x00"), len(b)/6+1)[:len(b)] }

// onFile makes a kind of damage: one file's bytes are changed.
func onFile(pattern string, change func([]byte) []byte) func(*testing.T, string) {
	return func(t *testing.T, dir string) { rewrite(t, named(t, dir, pattern), change) }
}

func gone(pattern string) func(*testing.T, string) {
	return func(t *testing.T, dir string) { must(t, os.Remove(named(t, dir, pattern))) }
}

func folderInstead(pattern string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		path := named(t, dir, pattern)
		must(t, os.Remove(path))
		must(t, os.Mkdir(path, 0o700))
	}
}

func renamed(pattern, to string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		must(t, os.Rename(named(t, dir, pattern), filepath.Join(dir, to)))
	}
}

// Patterns of names. A table's damage shows when it is opened if it is the newest,
// as aTable is, or else when it is read.
const (
	logFile     = "*.log"
	aTable      = "*.sst"
	theManifest = "MANIFEST-*"
	theOptions  = "OPTIONS-*"
)

// listing is what a folder holds, without the lock.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	all, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range all {
		info, err := e.Info()
		must(t, err)
		fmt.Fprintln(&b, e.Name(), info.Size(), info.Mode())
	}
	return b.String()
}
