package relay

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"strings"

	"fonoteka/internal/call"
	"fonoteka/internal/spool"
)

// Decoder reads a notification's body as far as it can be read; what it
// returns an error for is unreadable for good.
type Decoder func(body []byte, rec spool.Record) (call.Event, error)

// maxInflated bounds what a compressed body may become.
const maxInflated = 16 << 20

// open undoes the body's content encoding and decodes it. The body returned is
// the notification itself; for an unreadable one it is the body as it came.
func (d Decoder) open(rec spool.Record) (call.Event, []byte, error) {
	switch {
	case rec.Err != nil:
		return call.Event{}, rec.Body, rec.Err
	case rec.Truncated != "":
		return call.Event{}, rec.Body, fmt.Errorf("the body is cut: %s", rec.Truncated)
	}
	body, err := inflate(rec.Body, rec.ContentEncoding)
	if err != nil {
		return call.Event{}, rec.Body, err
	}
	e, err := d(body, rec)
	return e, body, err
}

func inflate(body []byte, encoding string) ([]byte, error) {
	var r io.ReadCloser
	var err error
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		return body, nil
	case "gzip", "x-gzip":
		r, err = gzip.NewReader(bytes.NewReader(body))
	case "deflate":
		r, err = zlib.NewReader(bytes.NewReader(body))
	default:
		if bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) { // not encoded at all, whatever the header says
			return body, nil
		}
		return nil, errors.New("header Content-Encoding: this encoding is not understood")
	}
	if err != nil {
		return nil, fmt.Errorf("header Content-Encoding: %w", err)
	}
	defer r.Close()
	plain, err := io.ReadAll(io.LimitReader(r, maxInflated+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("header Content-Encoding: %w", err)
	case len(plain) > maxInflated:
		return nil, fmt.Errorf("the body inflates to more than %d bytes", maxInflated)
	}
	return plain, nil
}
