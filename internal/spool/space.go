package spool

import (
	"errors"
	"log/slog"
	"math"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	checkEvery = time.Second
	checkBytes = 16 << 20
)

// space knows whether only the reserve of the file system is free. It checks at most once a
// second, and after every checkBytes written; between two checks the
// last result is used. Only the committer calls full and used.
type space struct {
	free    func() (uint64, error)
	reserve uint64
	log     *slog.Logger

	checked time.Time
	written int
	isFull  atomic.Bool
	left    atomic.Uint64 // free bytes at the last check, math.MaxUint64 where that cannot be known
}

func (s *space) full() bool {
	now := time.Now()
	if s.written >= checkBytes || now.Sub(s.checked) >= checkEvery {
		s.checked, s.written = now, 0
		s.check()
	}
	return s.isFull.Load()
}

func (s *space) used(n int) { s.written += n }

// check reads the free space. If that fails, the last result is used: refusing
// everything because statfs failed would lose more than it saves.
func (s *space) check() {
	left, err := s.free()
	if errors.Is(err, vfs.ErrUnsupported) {
		left, err = math.MaxUint64, nil
	}
	if err != nil {
		s.log.Warn("free space not known", "err", err)
		return
	}
	s.left.Store(left)
	full := left < s.reserve
	if s.isFull.Swap(full) == full {
		return
	}
	if full {
		s.log.Error("spool full, records are refused", "free_bytes", left, "reserve_bytes", s.reserve)
	} else {
		s.log.Info("spool accepts records again", "free_bytes", left)
	}
}
