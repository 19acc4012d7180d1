package exports

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"

	"fonoteka/internal/audio"
	"fonoteka/internal/blob"
	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
	"fonoteka/internal/export"
	"fonoteka/internal/pack"
	"fonoteka/internal/warehouse/catalogue"
)

// Store holds the objects; *blob.Bucket is one.
type Store interface {
	bucket.Store
	// GetRange opens length bytes from offset on; below 0: all that follow.
	GetRange(ctx context.Context, key string, offset, length int64) (io.ReadCloser, blob.Object, error)
	// Ping asks the store for a sign of life.
	Ping(ctx context.Context) error
}

// Recordings is part of export.Source. The rows come from one query; the store is asked
// for other files of those recordings alone of which the catalogue or custody knows some.
func (s *Source) Recordings(ctx context.Context, each func(export.Recording) error) error {
	keys := s.keys()
	damaged, err := s.catalogue.WithStep(ctx, keys, "quarantined")
	if err != nil {
		return err
	}
	at := 0
	// upTo gives those that come before a key, and of which no row knows.
	upTo := func(end int) error {
		for ; at < end; at++ {
			if err := each(export.Recording{Integration: keys[at].Integration, ID: keys[at].ID, CallID: s.named[at].call}); err != nil {
				return err
			}
		}
		return nil
	}
	err = s.catalogue.EachOf(ctx, keys, func(row call.RecordingStatus) error {
		key := catalogue.Key{Integration: row.Integration, ID: row.ID}
		here := at + slices.Index(keys[at:], key)
		if here < at {
			return fmt.Errorf("recording %s comes out of order", row.ID)
		}
		if err := upTo(here); err != nil {
			return err
		}
		beside, err := s.beside(ctx, row, damaged[key])
		if err != nil {
			return err
		}
		at++
		return each(export.FromCatalogue(row, s.named[here].call, beside))
	})
	if err != nil {
		return err
	}
	return upTo(len(keys))
}

// beside are the other files of a recording.
func (s *Source) beside(ctx context.Context, row call.RecordingStatus, damaged bool) (all []export.Object, err error) {
	if row.State == call.Erased {
		return nil, nil
	}
	p := s.pairs()
	if stem, _, ok := bucket.Split(row.Key); ok && row.State == call.Archived && (row.Conflicts > 0 || row.Former.Key != "") {
		files, err := p.Files(ctx, stem)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			role := pack.Conflicting
			if f.Key == row.Former.Key {
				role = pack.Earlier
			}
			o, err := s.object(ctx, p, f, role)
			if err != nil {
				return nil, err
			}
			if f.Key != row.Key && (role == pack.Earlier || o.SHA256 != row.SHA256) { // a further copy of what is played says nothing new
				all = append(all, o)
			}
		}
	}
	if !damaged {
		return all, nil
	}
	folder := path.Dir(bucket.QuarantineKey(row.Recording, "", audio.MP3)) + "/"
	var files []blob.Object
	err = s.store.List(ctx, folder, func(o blob.Object) bool {
		if _, ok := audio.OfKey(o.Key); ok && o.Key != row.Key {
			files = append(files, o)
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		o, err := s.object(ctx, p, f, pack.Damaged)
		if err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	return all, nil
}

// object is a file that no row names, as its sidecar describes it; where that is gone or
// damaged, without a digest.
func (s *Source) object(ctx context.Context, p bucket.Pairs, f blob.Object, role pack.Role) (export.Object, error) {
	format, _ := audio.OfKey(f.Key)
	o := export.Object{Role: role, Key: f.Key, Size: f.Size, Format: string(format)}
	side, err := p.SidecarOf(ctx, f)
	_, malformed := errors.AsType[*bucket.MalformedError](err)
	switch {
	case err == nil:
		o.SHA256, o.Size = side.SHA256, side.Size
	case !malformed && !errors.Is(err, blob.ErrNotFound):
		return o, err
	}
	return o, nil
}

func (s *Source) pairs() bucket.Pairs {
	return bucket.Pairs{Store: s.store, Open: func(ctx context.Context, key string) (io.ReadCloser, error) {
		r, _, err := s.store.GetRange(ctx, key, 0, -1)
		return r, err
	}}
}
