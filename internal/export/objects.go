package export

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"

	"golang.org/x/sync/errgroup"

	"fonoteka/internal/bagit"
	"fonoteka/internal/pack"
)

// outcome of an object that is not in the package.
type outcome struct {
	role   pack.Role // Differs or Absent
	code   string
	reason string
	found  bagit.Sum
}

// placed is an object with its place in the package, or with the reason why it has none.
type placed struct {
	Object
	path   string
	role   pack.Role // instead of the object's, where it has no place
	reason string
}

// places are where the objects of a recording go. The first of them has the recording's
// id alone for a name. Of two with the same content, which would have one name, the first
// counts.
func (r *run) places(rec Recording) []placed {
	var all []placed
	for i, o := range rec.Objects {
		switch {
		case len(o.SHA256) != 64:
			all = append(all, placed{Object: o, role: pack.Absent, reason: "the catalogue has no digest to compare it with"})
		case o.Role == pack.Damaged && r.o.Query.Selection.WithoutQuarantine:
			all = append(all, placed{Object: o, role: pack.LeftOut, reason: rec.Reason})
		default:
			path := pack.SoundPath(rec.AnnouncedAt, rec.ID, o.SHA256, o.Format, i == 0, o.Role == pack.Damaged)
			if !slices.ContainsFunc(all, func(p placed) bool { return p.path == path }) {
				all = append(all, placed{Object: o, path: path})
			}
		}
	}
	return all
}

// copies are the places of a recording that something is copied to.
func (r *run) copies(rec Recording) []placed {
	return slices.DeleteFunc(r.places(rec), func(p placed) bool { return p.path == "" })
}

// objects copies them, several at once.
func (r *run) objects() error {
	err := r.eachRecording(r.ctx, func(rec Recording) error {
		for _, o := range r.copies(rec) {
			r.p.Of++
			r.p.OfBytes += o.Size
		}
		return nil
	})
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(r.ctx)
	group.SetLimit(r.o.Parallel)
	err = r.eachRecording(ctx, func(rec Recording) error {
		for _, o := range r.copies(rec) {
			group.Go(func() error { return r.object(ctx, o) })
		}
		return nil
	})
	if err := errors.Join(group.Wait(), err); err != nil {
		return err
	}
	return r.at("objects")
}

// object copies one, unless it is there.
func (r *run) object(ctx context.Context, o placed) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	known, ok := r.work.known(o.path)
	if ok && hex.EncodeToString(known.SHA256[:]) == o.SHA256 {
		if found, err := r.bag.AdoptKnown(o.path, known); err != nil || found {
			r.copied(o)
			return err
		}
	}
	out, err := r.copy(ctx, o)
	if err != nil {
		return fmt.Errorf("copy %s: %w", o.Key, err)
	}
	if out != nil {
		r.told.Lock()
		r.outcomes[o.path] = *out
		r.told.Unlock()
	}
	r.copied(o)
	return r.at("object")
}

func (r *run) copied(o placed) {
	r.tell(func(p *Progress) {
		p.Objects++
		p.Bytes += o.Size
	})
}

// errDiffers is what keeps a file from getting its name.
var errDiffers = errors.New("it is not what the catalogue says")

// copy copies an object into the package. An outcome says why it is not there.
func (r *run) copy(ctx context.Context, o placed) (*outcome, error) {
	from, err := r.o.Source.Open(ctx, o.Object)
	var sum bagit.Sum // also of what is refused
	if err == nil {
		defer from.Close()
		_, err = r.bag.Add(o.path, bounded{ctx, from}, func(s bagit.Sum) error {
			sum = s
			if s.Size != o.Size || hex.EncodeToString(s.SHA256[:]) != o.SHA256 {
				return errDiffers
			}
			return nil
		})
	}
	switch {
	case err == nil:
		return nil, r.work.note(o.path, sum)
	case errors.Is(err, errDiffers):
		return &outcome{role: pack.Differs, code: "altered", reason: "what is stored is not what the catalogue says", found: sum}, nil
	case errors.Is(err, ErrAbsent):
		return &outcome{role: pack.Absent, code: "absent", reason: "the store has no such object"}, nil
	case errors.Is(err, ErrUnreadable):
		return &outcome{role: pack.Absent, code: "unreadable", reason: "the store does not give the object back"}, nil
	}
	return nil, err
}

// bounded is a reader that ends with its context.
type bounded struct {
	ctx context.Context
	r   io.Reader
}

func (b bounded) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	return b.r.Read(p)
}
