package bucket

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"fonoteka/internal/audio"
	"fonoteka/internal/blob"
)

// Put stores a file under the key of its sidecar, with the lock that this says.
// blob.ErrExists: something lies there.
func (p Pairs) Put(ctx context.Context, s Sidecar, body io.ReaderAt) error {
	return p.Store.Put(ctx, s.Key, body, blob.Put{
		Size: s.Size, SHA256: s.SHA256, ContentType: audio.Format(s.Format).ContentType(), Unretained: isQuarantined(s.Key), Lock: StoreLock(s.Lock),
	})
}

// PutSidecar makes sure that an object has its sidecar, and returns the one that is
// stored, and where: an earlier one stands, as it was nearer to the event. Where a
// first file of another format was faster, it is the place of a file beside that.
func (p Pairs) PutSidecar(ctx context.Context, s Sidecar) (stored Sidecar, at string, err error) {
	doc, sum, err := s.Document()
	if err != nil {
		return s, "", err
	}
	for _, at := range []string{SidecarKey(s.Key), BesideSidecarKey(s.Key, s.SHA256)} {
		err := p.Store.Put(ctx, at, bytes.NewReader(doc), blob.Put{
			Size: int64(len(doc)), SHA256: sum, ContentType: "application/json", Unretained: isQuarantined(s.Key), Lock: StoreLock(s.Lock),
		})
		if !errors.Is(err, blob.ErrExists) {
			return s, at, err
		}
		if stored, err := p.SidecarAt(ctx, at); err != nil || stored.Key == s.Key {
			return stored, at, err
		}
	}
	return s, "", fmt.Errorf("storing the sidecar of %s: its places are taken by sidecars of other objects: %w", s.Key, blob.ErrExists)
}

// MalformedError says that what lies in the place of a sidecar is none.
type MalformedError struct {
	At  string // its key
	Err error  // of ReadSidecar
}

func (e *MalformedError) Error() string { return "object " + e.At + ": " + e.Err.Error() }

func (e *MalformedError) Unwrap() error { return e.Err }

// SidecarAt reads the sidecar that has a key of its own. What is none is a
// *MalformedError, and told apart from what cannot be read.
func (p Pairs) SidecarAt(ctx context.Context, at string) (Sidecar, error) {
	r, err := p.Open(ctx, at)
	if err != nil {
		return Sidecar{}, err
	}
	defer r.Close()
	from := &failingReader{r: r}
	s, err := ReadSidecar(from)
	switch {
	case from.err != nil:
		return Sidecar{}, fmt.Errorf("object %s: reading sidecar: %w", at, from.err)
	case err != nil:
		return Sidecar{}, &MalformedError{at, err}
	}
	return s, nil
}

// failingReader remembers a failure to read apart from what a parser makes of it.
type failingReader struct {
	r   io.Reader
	err error
}

func (f *failingReader) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err != nil && err != io.EOF {
		f.err = err
	}
	return n, err
}

// SidecarOf is the sidecar of a stored object.
func (p Pairs) SidecarOf(ctx context.Context, o blob.Object) (Sidecar, error) {
	s, err := p.SidecarAt(ctx, SidecarKey(o.Key))
	if err != nil || s.Key == o.Key {
		return s, err
	}
	if o, err = p.WithDigest(ctx, o); err != nil {
		return s, err
	}
	s, err = p.SidecarAt(ctx, BesideSidecarKey(o.Key, o.SHA256))
	if err == nil && s.Key != o.Key {
		err = fmt.Errorf("object %s: its sidecar names %s", o.Key, s.Key)
	}
	return s, err
}

// First finds the first file of a recording: the one that its sidecar names, or,
// where a crash has kept that from being written, what lies in a first place.
// blob.ErrNotFound: there is none.
func (p Pairs) First(ctx context.Context, stem string) (blob.Object, error) {
	at := stem + sidecarExt
	side, err := p.SidecarAt(ctx, at)
	switch {
	case err == nil && strings.HasPrefix(side.Key, stem+"."):
		return p.Store.Stat(ctx, side.Key)
	case err == nil:
		return blob.Object{}, fmt.Errorf("object %s: it names %s", at, side.Key)
	case !errors.Is(err, blob.ErrNotFound):
		return blob.Object{}, err
	}
	files, err := p.Files(ctx, stem)
	if err != nil {
		return blob.Object{}, err
	}
	if len(files) == 0 || !isFirst(files[0].Key, stem) {
		return blob.Object{}, fmt.Errorf("looking for files of %s: %w", stem, blob.ErrNotFound)
	}
	return p.Store.Stat(ctx, files[0].Key)
}

// maxFiles bounds the files of one recording that are looked at.
const maxFiles = 100

// Files lists those of a recording, those in a first place first.
func (p Pairs) Files(ctx context.Context, stem string) (files []blob.Object, err error) {
	err = p.Store.List(ctx, stem+".", func(o blob.Object) bool {
		if _, ok := audio.OfKey(o.Key); ok {
			files = append(files, o)
		}
		return len(files) < maxFiles
	})
	slices.SortStableFunc(files, func(a, b blob.Object) int { return len(a.Key) - len(b.Key) })
	return files, err
}

// ShareLock has all objects of a recording kept as well as the one that is kept best.
func (p Pairs) ShareLock(ctx context.Context, stem string) error {
	var keys []string
	err := p.Store.List(ctx, stem+".", func(o blob.Object) bool {
		keys = append(keys, o.Key)
		return len(keys) < 2*maxFiles
	})
	if err != nil {
		return err
	}
	return p.Store.ShareLock(ctx, keys...)
}

// chunk is how much is read at once.
const chunk = 64 << 10

// Digest reads an object to its end: the lower-case hex of its sha256, and the bytes
// read, also where that failed.
func (p Pairs) Digest(ctx context.Context, key string) (sum string, size int64, err error) {
	r, err := p.Open(ctx, key)
	if err != nil {
		return "", 0, err
	}
	defer r.Close()
	h := sha256.New()
	size, err = io.CopyBuffer(struct{ io.Writer }{h}, struct{ io.Reader }{r}, make([]byte, chunk))
	if err != nil {
		return "", size, fmt.Errorf("reading %s: %w", key, err)
	}
	return hex.EncodeToString(h.Sum(nil)), size, nil
}

// WithDigest is an object with its digest, computed where its store does not know it.
func (p Pairs) WithDigest(ctx context.Context, o blob.Object) (blob.Object, error) {
	if o.SHA256 != "" {
		return o, nil
	}
	sum, _, err := p.Digest(ctx, o.Key)
	o.SHA256 = sum
	return o, err
}
