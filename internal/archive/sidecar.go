package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"fonoteka/internal/blob"
	"fonoteka/internal/call"
)

// SidecarSchema is the version of Sidecar's form.
const SidecarSchema = call.SidecarSchema

// Sidecar is the JSON document beside every object.
type Sidecar = call.Sidecar

// putSidecar makes sure that an object has its sidecar, and returns the one that is
// stored, and where: an earlier one stands, as it was nearer to the event. Where a
// first file of another format was faster, it is the place of a file beside that.
func (a *Archiver) putSidecar(ctx context.Context, s Sidecar) (stored Sidecar, at string, err error) {
	doc, sum, err := s.Document()
	if err != nil {
		return s, "", err
	}
	for _, at := range []string{call.SidecarKey(s.Key), call.BesideSidecarKey(s.Key, s.SHA256)} {
		err := a.Store.Put(ctx, at, bytes.NewReader(doc), blob.Put{
			Size: int64(len(doc)), SHA256: sum, ContentType: "application/json", Unretained: unretained(s.Key), Lock: lockOf(s),
		})
		if !errors.Is(err, blob.ErrExists) {
			return s, at, err
		}
		if stored, err := a.sidecarAt(ctx, at); err != nil || stored.Key == s.Key {
			return stored, at, err
		}
	}
	return s, "", fmt.Errorf("storing the sidecar of %s: its places are taken by sidecars of other objects", s.Key)
}

// rowLock is a lock as sidecar and row bear it.
func rowLock(l blob.Lock) call.Lock { return call.Lock{Mode: string(l.Mode), Until: l.Until} }

// lockOf is what a sidecar says of the lock that its object, and it, are put with.
func lockOf(s Sidecar) blob.Lock { return blob.Lock{Mode: blob.Mode(s.Lock.Mode), Until: s.Lock.Until} }

// putSidecarInTurn is putSidecar for those who hold no place among the downloads:
// as many at once as there are such places.
func (a *Archiver) putSidecarInTurn(ctx context.Context, s Sidecar) (stored Sidecar, at string, err error) {
	if refused := a.sidecars.do(ctx, false, func() { stored, at, err = a.putSidecar(ctx, s) }); refused != nil {
		return s, "", refused
	}
	return stored, at, err
}

// sidecarOf is the sidecar of a stored object.
func (a *Archiver) sidecarOf(ctx context.Context, o blob.Object) (Sidecar, error) {
	s, err := a.sidecarAt(ctx, call.SidecarKey(o.Key))
	if err != nil || s.Key == o.Key {
		return s, err
	}
	if o, err = a.withDigest(ctx, o); err != nil {
		return s, err
	}
	s, err = a.sidecarAt(ctx, call.BesideSidecarKey(o.Key, o.SHA256))
	if err == nil && s.Key != o.Key {
		err = fmt.Errorf("object %s: its sidecar names %s", o.Key, s.Key)
	}
	return s, err
}

func (a *Archiver) sidecarAt(ctx context.Context, at string) (Sidecar, error) {
	r, _, err := a.Store.Get(ctx, at)
	if err != nil {
		return Sidecar{}, err
	}
	defer r.Close()
	s, err := call.ReadSidecar(r)
	if err != nil {
		return Sidecar{}, fmt.Errorf("object %s: %w", at, err)
	}
	return s, nil
}
