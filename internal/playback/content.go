package playback

import (
	"context"
	"errors"
	"io"

	"fonoteka/internal/blob"
)

// content reads an object from wherever it was last sought: the store is asked
// at the first Read after a Seek, for all that follows, and the stream is closed
// when no more of it is wanted.
type content struct {
	ctx   context.Context
	store Store
	key   string
	size  int64
	// sha256 of the whole: what is read from the beginning to the end is compared.
	sha256 string

	at     int64
	stream io.ReadCloser // from at on; nil: not open
	err    error         // the first failure of the store
}

// Seek implements io.Seeker.
func (c *content) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += c.at
	case io.SeekEnd:
		offset += c.size
	}
	if offset < 0 {
		return 0, errors.New("seek before the beginning")
	}
	if offset != c.at {
		c.Close()
		c.at = offset
	}
	return offset, nil
}

// Read implements io.Reader.
func (c *content) Read(p []byte) (int, error) {
	if c.at >= c.size {
		return 0, io.EOF
	}
	if c.stream == nil {
		stream, _, err := c.store.GetRange(c.ctx, c.key, c.at, -1)
		if err != nil {
			return 0, c.fail(err)
		}
		c.stream = stream
		if c.at == 0 {
			c.stream = verifiedStream{blob.Verified(stream, c.size, c.sha256), stream}
		}
	}
	n, err := c.stream.Read(p)
	c.at += int64(n)
	if errors.Is(err, io.EOF) && c.at < c.size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return n, c.fail(err)
	}
	return n, err
}

// verifiedStream reads by way of one and closes the other.
type verifiedStream struct {
	io.Reader
	io.Closer
}

func (c *content) fail(err error) error {
	if c.err == nil {
		c.err = err
	}
	return err
}

// Close ends the stream, if one is open.
func (c *content) Close() {
	if c.stream != nil {
		c.stream.Close()
		c.stream = nil
	}
}
