package fixity

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"fonoteka/internal/blob"
	"fonoteka/internal/call"
	"fonoteka/internal/mp3"
)

// File is a recording that was fetched again.
type File struct {
	Body   io.ReaderAt
	Size   int64
	SHA256 string // lower-case hex
	Close  func()
}

// Fetch gets a recording from the operator again.
type Fetch func(ctx context.Context, r call.Recording) (File, error)

// Restore tries to give a recording with a fault good bytes again: a copy that
// is beside it already, else the operator's file, while the link lives. It
// never overwrites: what is fetched goes into the free place of an object that
// is absent, and beside one that is not. It reports whether the row names good
// bytes now.
func (c *Checker) Restore(ctx context.Context, f Finding, fetch Fetch) (bool, error) {
	if f.Part == sidecarPart {
		return c.restoreSidecar(ctx, f)
	}
	key := call.BesideKey(original(f.Row.Key), f.Row.SHA256)
	if sum, size, err := c.digest(ctx, key); err == nil && sum == f.Row.SHA256 && size == f.Row.Size {
		return true, c.move(ctx, f, key, "beside", f.Row.Attempt)
	} else if err != nil && !errors.Is(err, blob.ErrNotFound) {
		return false, err
	}
	now := c.Now()
	if fetch == nil || !f.Row.ExpiresAt.IsZero() && now.After(f.Row.ExpiresAt) {
		return false, nil
	}
	file, err := fetch(ctx, f.Row.Recording)
	if err != nil {
		return false, err
	}
	defer file.Close()
	audio, err := mp3.Scan(io.NewSectionReader(file.Body, 0, file.Size))
	if err != nil {
		return false, fmt.Errorf("what was fetched again: %w", err)
	}
	how := "fetched"
	switch {
	case file.SHA256 != f.Row.SHA256:
		key, how = call.BesideKey(original(f.Row.Key), file.SHA256), "differs"
	case f.Result == Absent:
		key = f.Row.Key
	}
	if err := c.put(ctx, key, file.Body, file.Size, file.SHA256, "audio/mpeg"); err != nil {
		return false, err
	}
	side := call.Sidecar{
		Schema: call.SidecarSchema, Recording: f.Row.Recording, Key: key, SHA256: file.SHA256, Size: file.Size,
		DurationMS: audio.Duration.Milliseconds(), Attempt: f.Row.Attempt, FetchedAt: now.UTC(), StoredAt: c.Now().UTC(),
	}
	if err := c.putSidecar(ctx, side); err != nil {
		return false, err
	}
	if how == "differs" {
		c.m.restored.WithLabelValues(how).Inc()
		return false, c.Custody.Save(ctx, nil, []call.Custody{step(f.Row, "conflict", now.UTC(), file.SHA256, key)})
	}
	return true, c.move(ctx, f, key, how, f.Row.Attempt)
}

// original is the key that a recording was first stored under: a row may name a
// copy beside it.
func original(key string) string {
	stem, _, ok := stemOf(key)
	if !ok {
		return key
	}
	return stem + ".mp3"
}

// move makes the row name good bytes.
func (c *Checker) move(ctx context.Context, f Finding, key, how string, attempt int) error {
	row := f.Row
	row.Key, row.Attempt, row.Reason = key, attempt+1, otherReason(row)
	if key != f.Row.Key {
		why := fmt.Sprintf("kept beside: the first object (%s) was found %s on %s, this is a copy with the archived digest",
			f.Row.Key, f.Result, f.At.UTC().Format(time.DateOnly))
		row.Reason = call.JoinReasons(why, row.Reason)
	}
	now := c.Now().UTC()
	steps := []call.Custody{step(row, "restored", now, row.SHA256, how+" "+key)}
	if err := c.Custody.Save(ctx, []call.RecordingStatus{row}, steps); err != nil {
		return err
	}
	c.m.restored.WithLabelValues(how).Inc()
	c.Logger.InfoContext(ctx, "recording has good bytes again", "recording", row.ID, "key", key, "how", how)
	return nil
}

// restoreSidecar writes an absent sidecar again, from the row. One that is
// altered stays as it is: nothing is overwritten.
func (c *Checker) restoreSidecar(ctx context.Context, f Finding) (bool, error) {
	if f.Result != Absent {
		return false, nil
	}
	row := f.Row
	err := c.putSidecar(ctx, call.Sidecar{
		Schema: call.SidecarSchema, Recording: row.Recording, Key: row.Key, SHA256: row.SHA256, Size: row.Size,
		DurationMS: row.Duration.Milliseconds(), Attempt: row.Attempt, FetchedAt: row.ArchivedAt, StoredAt: row.ArchivedAt,
		Reason: otherReason(row),
	})
	if err != nil {
		return false, err
	}
	return true, c.move(ctx, f, row.Key, "back", row.Attempt)
}

func (c *Checker) putSidecar(ctx context.Context, s call.Sidecar) error {
	doc, sum, err := s.Document()
	if err != nil {
		return err
	}
	return c.put(ctx, call.SidecarKey(s.Key), bytes.NewReader(doc), int64(len(doc)), sum, "application/json")
}

// put stores under a free key; one that is taken is left as it is.
func (c *Checker) put(ctx context.Context, key string, body io.ReaderAt, size int64, digest, kind string) error {
	err := c.Store.Put(ctx, key, body, blob.Put{Size: size, SHA256: digest, ContentType: kind})
	if errors.Is(err, blob.ErrExists) {
		return nil
	}
	return err
}
