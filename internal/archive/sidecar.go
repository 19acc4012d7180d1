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

// Sidecar is the JSON document beside every mp3.
type Sidecar = call.Sidecar

// putSidecar makes sure that an object has its sidecar, and returns the one
// that is stored: an earlier one stands, as it was nearer to the event.
func (a *Archiver) putSidecar(ctx context.Context, s Sidecar) (Sidecar, error) {
	doc, sum, err := s.Document()
	if err != nil {
		return s, err
	}
	err = a.Store.Put(ctx, sidecarKey(s.Key), bytes.NewReader(doc), blob.Put{
		Size: int64(len(doc)), SHA256: sum, ContentType: "application/json", Unretained: unretained(s.Key),
	})
	if !errors.Is(err, blob.ErrExists) {
		return s, err
	}
	return a.readSidecar(ctx, s.Key)
}

// putSidecarInTurn is putSidecar for those who hold no place among the downloads:
// as many at once as there are such places.
func (a *Archiver) putSidecarInTurn(ctx context.Context, s Sidecar) (stored Sidecar, err error) {
	if refused := a.sidecars.do(ctx, false, func() { stored, err = a.putSidecar(ctx, s) }); refused != nil {
		return s, refused
	}
	return stored, err
}

func (a *Archiver) readSidecar(ctx context.Context, key string) (Sidecar, error) {
	r, _, err := a.Store.Get(ctx, sidecarKey(key))
	if err != nil {
		return Sidecar{}, err
	}
	defer r.Close()
	s, err := call.ReadSidecar(r)
	if err != nil {
		return Sidecar{}, fmt.Errorf("object %s: %w", sidecarKey(key), err)
	}
	return s, nil
}
