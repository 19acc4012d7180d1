package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"fonoteka/internal/blob"
	"fonoteka/internal/call"
)

// SidecarSchema is the version of Sidecar's form. A reader of one version
// understands all lower ones.
const SidecarSchema = 1

// Sidecar is the JSON document beside every mp3. It says what was known when
// the recording was archived – not what its call may become later – and is
// enough to rebuild the row.
type Sidecar struct {
	Schema     int            `json:"schema"`
	Recording  call.Recording `json:"recording"`
	Key        string         `json:"key"`
	SHA256     string         `json:"sha256"` // lower-case hex of the mp3
	Size       int64          `json:"size"`   // bytes
	DurationMS int64          `json:"duration_ms"`
	Attempt    int            `json:"attempt"` // tries made, this one included
	FetchedAt  time.Time      `json:"fetched_at"`
	StoredAt   time.Time      `json:"stored_at"`
}

// maxSidecar is far beyond any sidecar: its link is a notification's at most.
const maxSidecar = 4 << 20

// putSidecar makes sure that an object has its sidecar, and returns the one
// that is stored: an earlier one stands, as it was nearer to the event.
func (a *Archiver) putSidecar(ctx context.Context, s Sidecar) (Sidecar, error) {
	doc, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return s, fmt.Errorf("writing sidecar: %w", err)
	}
	doc = append(doc, '\n')
	sum := sha256.Sum256(doc)
	err = a.Store.Put(ctx, sidecarKey(s.Key), bytes.NewReader(doc), blob.Put{
		Size: int64(len(doc)), SHA256: hex.EncodeToString(sum[:]), ContentType: "application/json",
	})
	if !errors.Is(err, blob.ErrExists) {
		return s, err
	}
	return a.readSidecar(ctx, s.Key)
}

func (a *Archiver) readSidecar(ctx context.Context, key string) (Sidecar, error) {
	r, _, err := a.Store.Get(ctx, sidecarKey(key))
	if err != nil {
		return Sidecar{}, err
	}
	defer r.Close()
	var s Sidecar
	if err := json.NewDecoder(io.LimitReader(r, maxSidecar)).Decode(&s); err != nil {
		return Sidecar{}, fmt.Errorf("reading sidecar %s: %w", sidecarKey(key), err)
	}
	return s, nil
}
