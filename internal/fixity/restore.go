package fixity

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"fonoteka/internal/audio"
	"fonoteka/internal/blob"
	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
)

// File is a recording that was fetched again.
type File struct {
	Body   io.ReaderAt
	Size   int64
	SHA256 string // lower-case hex
	// Proxied: a proxy says (203) that it has changed the file.
	Proxied bool
	Close   func()
}

// Fetch gets a recording from the operator again.
type Fetch func(ctx context.Context, r call.Recording) (File, error)

// Restore tries to give a recording with a fault good bytes again: a copy that
// is there already, else the operator's file, while the link lives. It never
// overwrites: what is fetched goes into the free place of an object that is
// absent, and beside one that is not. It reports whether the row names good
// bytes now; they were read before it said so.
func (c *Checker) Restore(ctx context.Context, f Finding, fetch Fetch) (bool, error) {
	switch f.Part {
	case call.SidecarPart:
		return c.restoreSidecar(ctx, f)
	case call.BesidePart: // the recording itself is whole, and what is beside it can be had from nowhere
		return false, nil
	}
	first := bucket.FirstKey(f.Row.Key)
	keys := append([]string{first}, bucket.AlternateKeys(first, f.Row.SHA256)...)
	keys = slices.DeleteFunc(keys, func(key string) bool { return key == f.Row.Key })
	if f.Result == Absent { // its own place is free, and its sidecar may still be there
		keys = slices.Insert(keys, 0, f.Row.Key)
	}
	whole, free, err := c.findWhole(ctx, f.Row, keys)
	if err != nil {
		return false, err
	}
	switch whole {
	case "":
	case f.Row.Key: // it came back meanwhile
		return true, c.pointTo(ctx, f, whole, "back", "")
	default:
		return true, c.pointTo(ctx, f, whole, "beside", "")
	}
	now := c.opts.Now()
	if fetch == nil || !f.Row.ExpiresAt.IsZero() && now.After(f.Row.ExpiresAt) {
		return false, nil
	}
	file, err := fetch(ctx, f.Row.Recording)
	if err != nil {
		return false, err
	}
	defer file.Close()
	found, err := audio.Verify(io.NewSectionReader(file.Body, 0, file.Size))
	if err != nil {
		return false, fmt.Errorf("what was fetched again: %w", err)
	}
	side := bucket.Sidecar{
		Schema: bucket.SidecarSchema, Recording: f.Row.Recording, Format: string(found.Format), SHA256: file.SHA256, Size: file.Size,
		DurationMS: found.Duration.Milliseconds(), TextBefore: found.TextBefore, Attempt: f.Row.Attempt, FetchedAt: now.UTC(), StoredAt: now.UTC(),
		Proxied: file.Proxied, Lock: bucket.RowLock(c.opts.Store.LockNow(first)),
	}
	note := ""
	if file.Proxied {
		note = ": changed by a proxy (answer 203)"
	}
	if file.SHA256 == f.Row.SHA256 {
		side.Format = string(audio.Format(f.Row.Format).Or()) // as its key says
		key, err := c.store(ctx, side, file, free)
		if err != nil {
			return false, err
		}
		f.Row.Proxied = file.Proxied
		if side.Lock.Until.After(f.Row.Lock.Until) {
			f.Row.Lock = side.Lock
		}
		return true, c.pointTo(ctx, f, key, "fetched", note)
	}
	whole, free, err = c.findWhole(ctx, side.Row(c.opts.Bucket), bucket.AlternateKeys(bucket.InFormat(first, found.Format), file.SHA256))
	known := whole != ""
	if err == nil && !known {
		whole, err = c.store(ctx, side, file, free)
	}
	if err != nil {
		return false, err
	}
	c.m.restored.WithLabelValues("differs").Inc()
	steps := []call.Custody{step(f.Row, "conflict", now.UTC(), file.SHA256, whole+note)}
	if known || whole == "" {
		return false, c.opts.Custody.Save(ctx, nil, steps)
	}
	side.Key = whole
	return c.differs(ctx, f, side, steps)
}

// differs notes another file than the damaged one that is kept beside it now: where it
// plays for longer, it is the recording.
func (c *Checker) differs(ctx context.Context, f Finding, side bucket.Sidecar, steps []call.Custody) (good bool, err error) {
	row, now := f.Row, c.opts.Now().UTC()
	row.Attempt++
	row.Conflicts++
	if good = row.Duration > 0 && time.Duration(side.DurationMS)*time.Millisecond > row.Duration; good {
		row = row.Playing(side.Row(c.opts.Bucket), now)
		steps = append(steps, step(row, "archived", now, row.SHA256, "the longest file, "+row.Key))
	}
	return good, c.opts.Custody.Save(ctx, []call.RecordingStatus{row}, steps)
}

// findWhole reads what is stored under keys. whole is the first that holds the row's
// file; a sidecar that it lacks is written from the row. Where there is none,
// free are the keys that hold nothing: another file, a damaged one and one that
// cannot be read keep their places.
func (c *Checker) findWhole(ctx context.Context, row call.RecordingStatus, keys []string) (whole string, free []string, err error) {
	row.Conflicts = 0 // what is kept beside it of other digests is not looked at
	for _, row.Key = range keys {
		f, err := c.check(ctx, row)
		if err == nil && f.Result == Absent && f.Part == call.SidecarPart {
			f.Result, err = Verified, c.putSidecar(ctx, sidecarOf(row))
		}
		switch {
		case err != nil:
			return "", nil, err
		case f.Result == Verified:
			return row.Key, nil, nil
		case f.Result == Absent:
			free = append(free, row.Key)
		}
	}
	return "", free, nil
}

// store puts a file under the first of keys where it can be read again with a
// sidecar that is its own. One that is taken meanwhile proves nothing.
func (c *Checker) store(ctx context.Context, side bucket.Sidecar, file File, keys []string) (string, error) {
	for _, side.Key = range keys {
		err := c.pairs.Put(ctx, side, file.Body)
		if err == nil {
			side.StoredAt = c.opts.Now().UTC()
			err = c.putSidecar(ctx, side)
		}
		if err != nil && !errors.Is(err, blob.ErrExists) {
			return "", err
		}
		whole, _, err := c.findWhole(ctx, side.Row(c.opts.Bucket), []string{side.Key})
		if err != nil || whole != "" {
			return whole, err
		}
	}
	return "", errors.New("there is no free place left for what was fetched again")
}

// pointTo makes the row name good bytes. note is added to the step of custody.
func (c *Checker) pointTo(ctx context.Context, f Finding, key, how, note string) error {
	row := f.Row
	row.Key, row.Attempt, row.Fault = key, row.Attempt+1, call.Fault{}
	switch key {
	case f.Row.Key: // it is what the row named, itself a copy or not
	case bucket.FirstKey(key):
		row.Former = call.Former{}
	default:
		row.Former = call.Former{Key: f.Row.Key, Fault: call.FaultKind(f.Result), At: f.At}
	}
	now := c.opts.Now().UTC()
	steps := []call.Custody{step(row, "restored", now, row.SHA256, how+" "+key+note)}
	if err := c.opts.Custody.Save(ctx, []call.RecordingStatus{row}, steps); err != nil {
		return err
	}
	c.m.restored.WithLabelValues(how).Inc()
	c.opts.Log.InfoContext(ctx, "recording has good bytes again", "recording", row.ID, "key", key, "how", how)
	return nil
}

// restoreSidecar writes an absent sidecar again, from the row. One that is
// altered stays as it is: nothing is overwritten.
func (c *Checker) restoreSidecar(ctx context.Context, f Finding) (bool, error) {
	if f.Result != Absent {
		return false, nil
	}
	whole, _, err := c.findWhole(ctx, f.Row, []string{f.Row.Key})
	if err != nil || whole == "" {
		return false, err
	}
	return true, c.pointTo(ctx, f, whole, "back", "")
}

func sidecarOf(row call.RecordingStatus) bucket.Sidecar {
	return bucket.Sidecar{
		Schema: bucket.SidecarSchema, Recording: row.Recording, Key: row.Key, Format: string(audio.Format(row.Format).Or()), SHA256: row.SHA256, Size: row.Size,
		DurationMS: row.Duration.Milliseconds(), Attempt: row.Attempt, FetchedAt: row.ArchivedAt, StoredAt: row.ArchivedAt,
		Unmeasured: row.Unmeasured, Proxied: row.Proxied, TextBefore: row.TextBefore, Lock: row.Lock, MismatchedTalkMS: row.MismatchedTalk.Milliseconds(), Note: row.Note,
	}
}

// putSidecar writes a sidecar that is not there. blob.ErrExists: something is by now,
// perhaps a sidecar of another worker; it proves nothing.
func (c *Checker) putSidecar(ctx context.Context, s bucket.Sidecar) error {
	stored, _, err := c.pairs.PutSidecar(ctx, s)
	if _, malformed := errors.AsType[*bucket.MalformedError](err); malformed || err == nil && stored != s {
		return fmt.Errorf("storing the sidecar of %s: %w", s.Key, blob.ErrExists)
	}
	return err
}
