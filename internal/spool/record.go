package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Record is a received notification, as it was received.
type Record struct {
	Seq             uint64    // set by Append: 1, 2, 3 … without gaps
	ReceivedAt      time.Time // set by Append; UTC, never before an earlier record's
	Integration     string
	ContentType     string
	ContentEncoding string
	Truncated       string // not empty: why the body is only a part of the received one
	Body            []byte

	// Err, set by Read only, says why this record has no usable contents:
	// ErrErased, or ErrDamaged, in which case Body has the bytes that could be
	// read. A damaged record is to be set aside, and an erased one skipped.
	Err error
	// Origin identifies, for a damaged record, the spool that it is in, since a new spool
	// that replaces one that was put aside numbers its records from 1 again. It is 0 for
	// the first spool.
	Origin uint64
}

var (
	// ErrErased marks a record whose contents were removed by Delete.
	ErrErased = errors.New("record was erased")
	// ErrDamaged marks a record whose stored form cannot be read.
	ErrDamaged = errors.New("record is damaged")
)

// The keys. Cursors and the mark of the last trim sort before the records and
// are in tables of their own (see spanPolicy).
const (
	recordPrefix = 'r' // + sequence number, 8 bytes, big endian
	cursorPrefix = 'c' // + name; the value is a sequence number
	recordKeyLen = 9
)

var originKey = []byte("m/origin") // Record.Origin; of a spool that was begun after another

var trimKey = []byte("m/trimmed") // sequence number and receive time of the last record trimmed

// The stored form of a record: a byte for the form, the receive time in
// nanoseconds since 1970 (8 bytes, big endian), four strings each after its
// length as a uvarint, and then the body. An erased one has only the form
// and the time.
const (
	formRecord = 1
	formErased = 2
	headLen    = 9
)

func recordKey(seq uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{recordPrefix}, seq)
}

func cursorKey(name string) []byte { return append([]byte{cursorPrefix}, name...) }

func seqOf(key []byte) (uint64, bool) {
	if len(key) != recordKeyLen || key[0] != recordPrefix {
		return 0, false
	}
	return binary.BigEndian.Uint64(key[1:]), true
}

func (r *Record) texts() [4]string {
	return [4]string{r.Integration, r.ContentType, r.ContentEncoding, r.Truncated}
}

func (r *Record) encodedLen() int {
	n := headLen + len(r.Body)
	for _, text := range r.texts() {
		n += uvarintLen(uint64(len(text))) + len(text)
	}
	return n
}

// encode writes the stored form into dst, which is encodedLen bytes long.
func (r *Record) encode(dst []byte) {
	buf := appendHead(dst[:0], formRecord, r.ReceivedAt)
	for _, text := range r.texts() {
		buf = binary.AppendUvarint(buf, uint64(len(text)))
		buf = append(buf, text...)
	}
	_ = append(buf, r.Body...)
}

func appendHead(buf []byte, form byte, at time.Time) []byte {
	return binary.BigEndian.AppendUint64(append(buf, form), uint64(at.UnixNano()))
}

func uvarintLen(n uint64) int {
	l := 1
	for ; n >= 0x80; n >>= 7 {
		l++
	}
	return l
}

// decodeHead returns a stored record's form and receive time.
func decodeHead(value []byte) (form byte, at time.Time, err error) {
	if len(value) < headLen {
		return 0, time.Time{}, fmt.Errorf("%w: %d bytes", ErrDamaged, len(value))
	}
	nanos := int64(binary.BigEndian.Uint64(value[1:]))
	return value[0], time.Unix(0, nanos).UTC(), nil
}

// decode reads a stored record. It copies the contents and never fails: if the record
// cannot be read, Err says why.
func decode(seq uint64, value []byte) Record {
	r := Record{Seq: seq}
	var form byte
	if form, r.ReceivedAt, r.Err = decodeHead(value); r.Err != nil {
		r.Body = append([]byte{}, value...)
		return r
	}
	switch form {
	case formErased:
		r.Err = ErrErased
	case formRecord:
		r.decodeContents(value[headLen:])
	default:
		r.Err = fmt.Errorf("%w: unknown form %d", ErrDamaged, form)
		r.Body = append([]byte{}, value...)
	}
	return r
}

func (r *Record) decodeContents(rest []byte) {
	for _, field := range []*string{&r.Integration, &r.ContentType, &r.ContentEncoding, &r.Truncated} {
		n, used := binary.Uvarint(rest)
		if used <= 0 || n > uint64(len(rest)-used) {
			r.Err = fmt.Errorf("%w: a field is longer than the record", ErrDamaged)
			break
		}
		*field = string(rest[used : used+int(n)])
		rest = rest[used+int(n):]
	}
	r.Body = append([]byte{}, rest...)
}
