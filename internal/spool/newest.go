package spool

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// newestName is a file in the spool's folder with the number and the receive time
// of the newest acknowledged record, the number up to which all consumers had finished
// the records then, and a checksum. It is written after each sync, and not synced itself:
// after a crash of the process it is exact, after a
// loss of power it may be older, never newer. A spool that ends before this record has
// lost acknowledged records, which cannot be seen from its log alone. To keep it in the
// store was rejected: it would be lost with it.
const newestName = "newest"

// mark is the contents of that file.
type mark struct {
	seq  uint64
	at   time.Time
	done uint64
}

const markLen = 8 + 8 + 8 + 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (m mark) encode() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, markLen), m.seq)
	b = binary.BigEndian.AppendUint64(b, uint64(m.at.UnixNano()))
	b = binary.BigEndian.AppendUint64(b, m.done)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// readMark returns false where there is no file, or where it cannot be read: without it
// a loss cannot be detected, but the spool works.
func readMark(fs vfs.FS, dir string) (m mark, ok bool) {
	f, err := fs.Open(fs.PathJoin(dir, newestName))
	if err != nil {
		return m, false
	}
	defer f.Close()
	b := make([]byte, markLen)
	if _, err := io.ReadFull(f, b); err != nil || crc32.Checksum(b[:markLen-4], castagnoli) != binary.BigEndian.Uint32(b[markLen-4:]) {
		return m, false
	}
	return mark{
		seq: binary.BigEndian.Uint64(b), at: time.Unix(0, int64(binary.BigEndian.Uint64(b[8:]))).UTC(),
		done: binary.BigEndian.Uint64(b[16:]),
	}, true
}

// openMark opens the file for writing.
func openMark(fs vfs.FS, dir string) (vfs.File, error) {
	f, err := fs.OpenReadWrite(fs.PathJoin(dir, newestName), vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, fmt.Errorf("open the mark of the newest record: %w", err)
	}
	return f, nil
}

// writeMark writes the mark. If that fails it is not written again: an older
// mark is valid as well.
func (s *Spool) writeMark(seq uint64, at time.Time) {
	if s.mark == nil {
		return
	}
	s.mu.Lock()
	done := seq
	for _, pos := range s.cursors {
		done = min(done, pos)
	}
	if len(s.cursors) == 0 {
		done = 0
	}
	s.mu.Unlock()
	if _, err := s.mark.WriteAt(mark{seq, at, done}.encode(), 0); err != nil {
		s.opts.Log.Warn("the number of the newest record cannot be written beside the spool", "err", err)
		_ = s.mark.Close()
		s.mark = nil
	}
}

// Passed is the number of the newest record that all readers of the spool in a folder have
// passed, as it was noted last, and whether anything ever came into it. It may be asked
// beside a process that has the spool open, and lags behind it.
func Passed(dir string) (passed uint64, used bool) {
	m, used := readMark(vfs.Default, dir)
	return m.done, used && m.seq > 0
}
