package spool

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/batchrepr"
	"github.com/cockroachdb/pebble/v2/record"
)

// The format of pebble/record, as far as it is needed to continue after
// damage: blocks of 32 KiB consist of chunks; a chunk has a checksum (4 bytes), a
// length (2), a type (1), the number of its log (4) and, in types from syncedType
// on, the offset up to which the log had been synced before (8). A record is one full chunk,
// or a first one and the following ones.
const (
	logBlock       = 32 << 10
	logChunkHeader = 11
	syncedType     = 9
)

// logDamage is a place in a log that cannot be read.
type logDamage struct{ offset, bytes int64 }

// logWalk is the result of walkLog.
type logWalk struct {
	damage []logDamage // there are records after each of these
	synced bool        // one of those records says that the log had been synced beyond the damage
	tail   int64       // bytes of this log after the last record that can be read
}

// walkLog calls each with the contents of every readable batch of a
// write-ahead log, and continues after damage. For a damaged batch it passes
// the part before the damage: each chunk has a checksum of its own. The bytes are
// valid during the call only.
//
// A file that pebble has reused has an older log after the newer one;
// that is neither damage nor a tail.
func walkLog(data []byte, num uint32, each func(batch []byte) error) (w logWalk, err error) {
	for at := 0; ; {
		end, more, err := walkRun(data, at, num, each)
		if n := len(w.damage); n > 0 && end > at && syncedUpTo(data[at:]) > w.damage[n-1].offset {
			w.synced = true
		}
		if err != nil || !more {
			return w, err
		}
		next := nextChunk(data, behind(end), num, startsRecord)
		if next < 0 {
			w.tail = int64(lastTrace(data, end, num) - end)
			return w, nil
		}
		w.damaged(int64(end), int64(next))
		at = next
	}
}

// behind is the offset from which to search for a record after the unreadable one at an
// offset. Near a block's end there is no room for a chunk; then the unreadable one began in
// the next block. Reading it again would make pebble search for a flipped bit, which
// takes half a second.
func behind(at int) int {
	if room := logBlock - at%logBlock; room < logChunkHeader+8 {
		at += room
	}
	return at + 1
}

func (w *logWalk) damaged(from, to int64) {
	if n := len(w.damage); n > 0 && w.damage[n-1].offset+w.damage[n-1].bytes == from {
		w.damage[n-1].bytes = to - w.damage[n-1].offset
		return
	}
	w.damage = append(w.damage, logDamage{offset: from, bytes: to - from})
}

// numbered makes a reader for a file with a number, whose type pebble does not export.
func numbered[N ~uint64, R any](newReader func(io.Reader, N) R, r io.Reader, num uint32) R {
	return newReader(r, N(num))
}

// walkRun reads records from an offset on, up to the end or to an unreadable one. end is
// the offset after the last readable record.
func walkRun(data []byte, at int, num uint32, each func([]byte) error) (end int, damaged bool, err error) {
	start := at - at%logBlock
	stream := io.MultiReader(bytes.NewReader(padding(at-start)), bytes.NewReader(data[at:]))
	r := numbered(record.NewReader, stream, num)
	if at > start {
		if _, err := r.Next(); err != nil {
			return at, true, nil
		}
	}
	var batch bytes.Buffer
	for end = at; ; {
		batch.Reset()
		rec, err := r.Next()
		if err == nil {
			_, err = io.Copy(&batch, rec)
		}
		if errors.Is(err, io.EOF) {
			return end, false, nil
		}
		if batch.Len() > 0 {
			if err := each(batch.Bytes()); err != nil {
				return end, false, err
			}
		}
		if err != nil {
			return end, true, nil
		}
		end = start + int(r.Offset())
	}
}

// padding is n bytes that a reader reads as one full record, so that it then reads
// a chunk in the middle of a block.
func padding(n int) []byte {
	if n == 0 {
		return nil
	}
	var b bytes.Buffer
	w := record.NewWriter(&b)
	_, err := w.WriteRecord(make([]byte, max(n-7, 0)))
	_ = errors.Join(err, w.Close()) // into memory
	return b.Bytes()[:n]
}

// syncedUpTo is the synced offset in the header of a chunk, or 0.
func syncedUpTo(chunk []byte) int64 {
	if len(chunk) < logChunkHeader+8 || chunk[6] < syncedType {
		return 0
	}
	return int64(binary.LittleEndian.Uint64(chunk[logChunkHeader:]))
}

// startsRecord says whether chunks of a type begin a record, and
// belongsToLog whether there is such a type at all.
func startsRecord(chunkType byte) bool {
	return chunkType == 5 || chunkType == 6 || chunkType == 9 || chunkType == 10
}

func belongsToLog(chunkType byte) bool { return chunkType >= 5 && chunkType <= 12 }

// nextChunk finds what looks like the header of a chunk of this log, at an offset or after
// it, or returns -1. The caller must verify its checksum.
func nextChunk(data []byte, from int, num uint32, wanted func(byte) bool) int {
	var mark [4]byte
	binary.LittleEndian.PutUint32(mark[:], num)
	for at := from + 7; at < len(data); at++ {
		i := bytes.Index(data[at:], mark[:])
		if i < 0 {
			return -1
		}
		at += i
		chunk := at - 7
		if wanted(data[chunk+6]) && chunk%logBlock+logChunkHeader <= logBlock {
			return chunk
		}
	}
	return -1
}

// lastTrace is the end of the last chunk of this log after an offset, even of a
// damaged one, or the offset.
func lastTrace(data []byte, from int, num uint32) int {
	end := from
	for at := from; ; {
		chunk := nextChunk(data, at, num, belongsToLog)
		if chunk < 0 {
			break
		}
		length := logChunkHeader + int(binary.LittleEndian.Uint16(data[chunk+4:]))
		if data[chunk+6] >= syncedType {
			length += 8
		}
		end = max(end, min(chunk+length, len(data)))
		at = chunk + 1
	}
	if rest := data[end:]; end == from && len(rest) < logChunkHeader { // a header that was cut
		end += len(bytes.TrimRight(rest, "\x00"))
	}
	return end
}

// logEntry is one write of a batch.
type logEntry struct {
	kind       pebble.InternalKeyKind
	seq        uint64 // the store's, not the record's
	key, value []byte
}

// walkBatch calls each with the entries of a batch, or of the beginning of one, up to
// the first unreadable one.
func walkBatch(batch []byte, each func(logEntry) error) (err error) {
	head, ok := batchrepr.ReadHeader(batch)
	if !ok {
		return nil
	}
	r := batchrepr.Read(batch)
	for seq := uint64(head.SeqNum); ; seq++ {
		e, ok := nextEntry(&r)
		if !ok {
			return nil
		}
		e.seq = seq
		if err := each(e); err != nil {
			return err
		}
	}
}

// nextEntry returns false at the end, and where the rest is not a valid entry. Pebble's
// reader panics on some truncated batches.
func nextEntry(r *batchrepr.Reader) (e logEntry, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	kind, key, value, ok, err := r.Next()
	return logEntry{kind: kind, key: key, value: value}, ok && err == nil
}
