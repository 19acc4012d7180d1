package relay

import (
	"bytes"
	"errors"
	"fmt"

	"fonoteka/internal/bounded"
	"fonoteka/internal/call"
	"fonoteka/internal/spool"
)

// Decoder reads a notification's body as far as it can be read; what it
// returns an error for is unreadable for good.
type Decoder func(body []byte, rec spool.Record) (call.Event, error)

// maxInflated bounds what a compressed body may become: as long as one that comes
// plain may be.
const maxInflated = 1 << 20

// A portion is what a sink takes of a batch at a time. It ends with the record that
// reaches one of these bounds: a batch of 16 MiB may hold 16,000 bodies that inflate to a
// megabyte each.
const (
	portionHeld = 8 << 20  // inflated bytes of bodies that are in memory at a time
	portionRead = 64 << 20 // inflated bytes that are decoded before the cursor moves: about a second's work
)

// opened is a record's body, its content encoding undone, in UTF-8.
type opened struct {
	event call.Event
	// body is the notification, inflated and in UTF-8; where that cannot be read, the body as it
	// was received: inflated it could not be replayed, and may be of any size.
	body []byte
	err  error // why it cannot be read
	read int   // inflated bytes that were decoded
}

func (d Decoder) open(rec spool.Record) opened {
	o := opened{body: rec.Body, read: len(rec.Body)}
	switch {
	case rec.Err != nil:
		o.err = rec.Err
		return o
	case rec.Truncated != "":
		o.err = fmt.Errorf("the body is cut: %s", rec.Truncated)
		return o
	}
	plain, err := inflate(rec.Body, rec.ContentEncoding)
	if errors.Is(err, bounded.ErrTooLarge) {
		o.read = maxInflated
	}
	if err != nil {
		o.err = fmt.Errorf("header Content-Encoding: %w", err)
		return o
	}
	plain = toUTF8(plain)
	o.read = max(o.read, len(plain))
	if o.event, o.err = d(plain, rec); o.err == nil {
		o.body = plain
	}
	return o
}

// inflate undoes a content encoding. A body that begins as JSON does is not encoded,
// whatever the header says, and one that begins as gzip does is gzip, where a proxy has
// dropped the header.
func inflate(body []byte, encoding string) ([]byte, error) {
	switch {
	case isPlain(body):
		encoding = "identity"
	case encoding == "" && bytes.HasPrefix(body, []byte("\x1f\x8b")):
		encoding = "gzip"
	}
	return bounded.Inflate(body, encoding, maxInflated)
}

// portion opens records from the beginning of a batch until the portion is full, and gives
// each to take, which returns whether it keeps the body in memory. portion returns how
// many records it opened.
func (d Decoder) portion(batch []spool.Record, take func(spool.Record, opened) (kept bool, err error)) (int, error) {
	held, read := 0, 0
	for n, rec := range batch {
		o := d.open(rec)
		kept, err := take(rec, o)
		if err != nil {
			return n, err
		}
		if kept {
			held += len(o.body)
		}
		if read += o.read; held >= portionHeld || read >= portionRead {
			return n + 1, nil
		}
	}
	return len(batch), nil
}
