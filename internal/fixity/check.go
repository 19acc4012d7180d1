package fixity

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"fonoteka/internal/blob"
	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
	"fonoteka/internal/run"
)

// Finding is what one check found.
type Finding struct {
	Row    call.RecordingStatus // what was expected
	Result Result
	Part   call.Part // which part of it is wrong
	SHA256 string    // of the recording as it is now; "" where it could not be read
	Size   int64     // bytes, likewise
	Detail string    // what is wrong, where there is more to say
	At     time.Time // of the check

	LastGood time.Time // before this check; zero: not known. Only of findings that are wrong
}

// fault is the finding as its row keeps it.
func (f Finding) fault() call.Fault {
	if f.Result == Verified {
		return call.Fault{}
	}
	return call.Fault{Kind: call.FaultKind(f.Result), Part: f.Part, At: f.At, LastGood: f.LastGood, SHA256: f.SHA256, Size: f.Size}
}

// Sentence is the finding for people.
func (f Finding) Sentence() string {
	if f.Result == Verified {
		return string(Verified)
	}
	return f.fault().Sentence(f.Row.SHA256, f.Row.Size)
}

// tries of an object that the store does not give back whole.
const tries = 3

// Check reads a recording and its sidecar again, and what is kept beside them of other
// digests. An error means that nothing was found out: ctx ended, or the store is out.
func (c *Checker) Check(ctx context.Context, row call.RecordingStatus) (Finding, error) {
	f, err := c.check(ctx, row)
	if err != nil {
		return f, err
	}
	c.m.checked.WithLabelValues(string(f.Result)).Inc()
	return f, nil
}

func (c *Checker) check(ctx context.Context, row call.RecordingStatus) (Finding, error) {
	f := Finding{Row: row, Result: Verified}
	err := c.readWithRetries(ctx, &f, call.RecordingPart, func() (err error) {
		f.SHA256, f.Size, err = c.digest(ctx, row.Key)
		return err
	})
	f.At = c.opts.Now().UTC()
	if err != nil || f.Result != Verified {
		return f, err
	}
	if f.SHA256 != row.SHA256 || f.Size != row.Size {
		f.Result, f.Part = Altered, call.RecordingPart
		return f, nil
	}
	var side bucket.Sidecar
	var malformed error
	err = c.readWithRetries(ctx, &f, call.SidecarPart, func() (err error) {
		side, malformed, err = c.sidecar(ctx, row)
		return err
	})
	if err != nil || f.Result != Verified {
		return f, err
	}
	switch {
	case malformed != nil:
		f.Result, f.Part, f.Detail = Altered, call.SidecarPart, malformed.Error()
	case side.SHA256 != row.SHA256 || side.Size != row.Size || side.Recording.ID != row.ID || side.Recording.Integration != row.Integration:
		f.Result, f.Part, f.Detail = Altered, call.SidecarPart, "it is of another recording or digest"
	case row.Conflicts > 0:
		return f, c.checkBeside(ctx, &f)
	}
	return f, nil
}

// readWithRetries reads until it succeeds or it is clear why not. One object that cannot
// be read, on a store that answers otherwise, is a finding: a bad sector must
// not stop the check of everything behind it.
func (c *Checker) readWithRetries(ctx context.Context, f *Finding, part call.Part, read func() error) error {
	var err error
	for n := range tries {
		if n > 0 {
			run.Sleep(ctx, time.Duration(n)*time.Second)
		}
		if err = read(); err == nil {
			return nil
		}
		if errors.Is(err, blob.ErrNotFound) {
			f.Result, f.Part = Absent, part
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if down := c.opts.Store.Ping(ctx); down != nil {
		return fmt.Errorf("checking %s: %w", f.Row.Key, down)
	}
	f.Result, f.Part, f.Detail = Unreadable, part, err.Error()
	return nil
}

func (c *Checker) digest(ctx context.Context, key string) (sum string, size int64, err error) {
	sum, size, err = c.pairs.Digest(ctx, key)
	c.m.bytes.Add(float64(size))
	return sum, size, err
}

// sidecar reads the sidecar of a row's object, which may have had to leave its own
// place to that of a file of another format.
func (c *Checker) sidecar(ctx context.Context, row call.RecordingStatus) (side bucket.Sidecar, malformed, err error) {
	side, malformed, err = c.sidecarAt(ctx, bucket.SidecarKey(row.Key))
	if err != nil || malformed != nil || side.Key == row.Key || path.Ext(side.Key) == path.Ext(row.Key) || len(row.SHA256) != 64 {
		return side, malformed, err
	}
	return c.sidecarAt(ctx, bucket.BesideSidecarKey(row.Key, row.SHA256))
}

// sidecarAt reads a sidecar. malformed: what lies there is none.
func (c *Checker) sidecarAt(ctx context.Context, at string) (side bucket.Sidecar, malformed, err error) {
	side, err = c.pairs.SidecarAt(ctx, at)
	if m, ok := errors.AsType[*bucket.MalformedError](err); ok {
		return side, m.Err, nil
	}
	return side, nil, err
}

// open reads an object from its first byte, by a range: the client compares a
// whole object with the store's own note of its digest and would give an error
// instead of what is there.
func (c *Checker) open(ctx context.Context, key string) (io.ReadCloser, error) {
	r, _, err := c.opts.Store.GetRange(ctx, key, 0, -1)
	if errors.Is(err, blob.ErrRange) { // nothing is left of it
		return io.NopCloser(strings.NewReader("")), nil
	}
	return r, err
}

// throttled reads no faster than allowed.
func (c *Checker) throttled(ctx context.Context, r io.Reader) io.Reader {
	if c.limit == nil {
		return r
	}
	return readerFunc(func(p []byte) (int, error) {
		n, err := r.Read(p[:min(len(p), chunk)])
		if wait := c.limit.WaitN(ctx, n); wait != nil {
			return n, wait
		}
		return n, err
	})
}

// throttledObject reads by way of one and closes the other.
type throttledObject struct {
	io.Reader
	io.Closer
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
