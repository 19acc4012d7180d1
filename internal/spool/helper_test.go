package spool_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"fonoteka/internal/spool"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerDir); dir != "" {
		os.Exit(writeUntilKilled(dir))
	}
	if dir := os.Getenv(asNobody); dir != "" {
		os.Exit(openAsNobody(dir))
	}
	os.Exit(m.Run())
}

// open opens a spool that ends with the test; without FS in memory.
func open(t testing.TB, o spool.Options) *spool.Spool {
	t.Helper()
	if o.FS == nil && o.Dir == "" {
		o.FS = vfs.NewMem()
	}
	s, err := spool.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func mustClose(t testing.TB, s *spool.Spool) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func mustAppend(t testing.TB, s *spool.Spool, body string) uint64 {
	t.Helper()
	seq, err := s.Append(t.Context(), spool.Record{Integration: "main", Body: []byte(body)})
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

func readAll(t testing.TB, s *spool.Spool) []spool.Record {
	t.Helper()
	recs, err := s.Read(t.Context(), 0, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	return recs
}

// numbered makes a body that says its id and proves that it is whole: id,
// checksum, random bytes.
func numbered(id uint64, rng *rand.Rand) []byte {
	n := 400 + rng.IntN(600)
	if rng.IntN(50) == 0 {
		n = rng.IntN(64 << 10)
	}
	body := make([]byte, 12+n)
	binary.BigEndian.PutUint64(body, id)
	for i := 12; i < len(body); i++ {
		body[i] = byte(rng.Uint32())
	}
	binary.BigEndian.PutUint32(body[8:], crc32.ChecksumIEEE(body[12:])^uint32(id))
	return body
}

func idOf(body []byte) (uint64, error) {
	if len(body) < 12 {
		return 0, fmt.Errorf("body of %d bytes", len(body))
	}
	id := binary.BigEndian.Uint64(body)
	if sum := crc32.ChecksumIEEE(body[12:]) ^ uint32(id); sum != binary.BigEndian.Uint32(body[8:]) {
		return 0, fmt.Errorf("body of id %d is not what was appended", id)
	}
	return id, nil
}

// check verifies what a spool must hold after a crash: records numbered from 1
// without a gap, received in order, each whole, none twice, and all of acked (seq
// to id). It does not call t, so that it can run anywhere.
func check(recs []spool.Record, acked map[uint64]uint64) error {
	seen := make(map[uint64]uint64, len(recs))
	for i, rec := range recs {
		if rec.Seq != uint64(i)+1 {
			return fmt.Errorf("record %d has number %d", i+1, rec.Seq)
		}
		if i > 0 && rec.ReceivedAt.Before(recs[i-1].ReceivedAt) {
			return fmt.Errorf("record %d was received before the one in front of it", rec.Seq)
		}
		id, err := idOf(rec.Body)
		if err != nil || rec.Err != nil {
			return fmt.Errorf("record %d: %w, %w", rec.Seq, err, rec.Err)
		}
		if other, twice := seen[id]; twice {
			return fmt.Errorf("records %d and %d are the same", other, rec.Seq)
		}
		seen[id] = rec.Seq
	}
	for seq, id := range acked {
		if seen[id] != seq {
			return fmt.Errorf("acknowledged record %d is missing among %d", seq, len(recs))
		}
	}
	return nil
}

func slurp(t testing.TB, fs vfs.FS, path string) []byte {
	t.Helper()
	f, err := fs.Open(path)
	must(t, err)
	data, err := io.ReadAll(f)
	must(t, errors.Join(err, f.Close()))
	return data
}

func sorted(n []uint64) []uint64 { slices.Sort(n); return n }
