package fixity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"fonoteka/internal/blob"
	"fonoteka/internal/call"
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

// Say is the finding in a sentence, for people.
func (f Finding) Say() string {
	if f.Result == Verified {
		return string(Verified)
	}
	return f.fault().Sentence(f.Row.SHA256, f.Row.Size)
}

// tries of an object that the store does not give back whole.
const tries = 3

// Check reads a recording and its sidecar again, and what is kept beside them of other
// digests. An error means that nothing
// was found out: ctx ended, or the store is out.
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
	err := c.insist(ctx, &f, call.RecordingPart, func() (err error) {
		f.SHA256, f.Size, err = c.digest(ctx, row.Key)
		return err
	})
	f.At = c.Now().UTC()
	if err != nil || f.Result != Verified {
		return f, err
	}
	if f.SHA256 != row.SHA256 || f.Size != row.Size {
		f.Result, f.Part = Altered, call.RecordingPart
		return f, nil
	}
	var side call.Sidecar
	var malformed error
	err = c.insist(ctx, &f, call.SidecarPart, func() (err error) {
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

// insist reads until it succeeds or it is clear why not. One object that cannot
// be read, on a store that answers otherwise, is a finding: a bad sector must
// not stop the check of everything behind it.
func (c *Checker) insist(ctx context.Context, f *Finding, part call.Part, read func() error) error {
	var err error
	for n := range tries {
		if n > 0 && !pause(ctx, time.Duration(n)*time.Second) {
			return ctx.Err()
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
	if down := c.Store.Ping(ctx); down != nil {
		return fmt.Errorf("checking %s: %w", f.Row.Key, down)
	}
	f.Result, f.Part, f.Detail = Unreadable, part, err.Error()
	return nil
}

func (c *Checker) digest(ctx context.Context, key string) (sum string, size int64, err error) {
	r, err := c.open(ctx, key)
	if err != nil {
		return "", 0, err
	}
	defer r.Close()
	h := sha256.New()
	size, err = io.CopyBuffer(struct{ io.Writer }{h}, c.slow(ctx, r), make([]byte, chunk))
	c.m.bytes.Add(float64(size))
	if err != nil {
		return "", size, fmt.Errorf("reading %s: %w", key, err)
	}
	return hex.EncodeToString(h.Sum(nil)), size, nil
}

// sidecar reads the sidecar of a row's object, which may have had to leave its own
// place to that of a file of another format.
func (c *Checker) sidecar(ctx context.Context, row call.RecordingStatus) (side call.Sidecar, malformed, err error) {
	side, malformed, err = c.sidecarAt(ctx, call.SidecarKey(row.Key))
	if err != nil || malformed != nil || side.Key == row.Key || path.Ext(side.Key) == path.Ext(row.Key) || len(row.SHA256) != 64 {
		return side, malformed, err
	}
	return c.sidecarAt(ctx, call.BesideSidecarKey(row.Key, row.SHA256))
}

// sidecarAt reads a sidecar. That it is none is told apart from not being able to read
// it.
func (c *Checker) sidecarAt(ctx context.Context, at string) (side call.Sidecar, malformed, err error) {
	r, err := c.open(ctx, at)
	if err != nil {
		return side, nil, err
	}
	defer r.Close()
	kept := &keptError{r: c.slow(ctx, r)}
	side, malformed = call.ReadSidecar(kept)
	return side, malformed, kept.err
}

// open reads an object from its first byte, by a range: the client compares a
// whole object with the store's own note of its digest and would give an error
// instead of what is there.
func (c *Checker) open(ctx context.Context, key string) (io.ReadCloser, error) {
	r, _, err := c.Store.GetRange(ctx, key, 0, -1)
	if errors.Is(err, blob.ErrRange) { // nothing is left of it
		return io.NopCloser(strings.NewReader("")), nil
	}
	return r, err
}

// keptError remembers a failure to read apart from what a parser makes of it.
type keptError struct {
	r   io.Reader
	err error
}

func (k *keptError) Read(p []byte) (int, error) {
	n, err := k.r.Read(p)
	if err != nil && err != io.EOF {
		k.err = err
	}
	return n, err
}

// slow reads no faster than allowed.
func (c *Checker) slow(ctx context.Context, r io.Reader) io.Reader {
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

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// pause waits, and is false where ctx ended meanwhile.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
