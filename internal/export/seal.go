package export

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"fonoteka/internal/bagit"
	"fonoteka/internal/pack"
	"fonoteka/internal/tsa"
)

// finish writes the bag's own files. From then on the package is whole, and no file of it
// changes.
func (r *run) finish() error {
	c := r.fixed.Counts
	info := []bagit.Field{
		{Label: pack.LabelAgent, Value: r.query.Program},
		{Label: pack.LabelDate, Value: r.plan.FixedAt.UTC().Format("2006-01-02")},
		{Label: pack.LabelDescription, Value: "Calls and call recordings with their chain of custody. READ-ME.en.txt and READ-ME.ru.txt say how to check them."},
		{Label: pack.SchemaLabel, Value: pack.SchemaMark},
		{Label: pack.LabelCalls, Value: strconv.Itoa(c.Calls)},
		{Label: pack.LabelUnanswered, Value: strconv.Itoa(c.Unanswered)},
		{Label: pack.LabelRecordings, Value: strconv.Itoa(c.Recordings)},
		{Label: pack.LabelMissing, Value: strconv.Itoa(r.res.Missing)},
		{Label: pack.LabelQuarantined, Value: strconv.Itoa(r.res.Quarantined)},
	}
	if r.query.Case != "" {
		info = append([]bagit.Field{{Label: pack.LabelCase, Value: r.query.Case}}, info...)
	}
	if r.o.SignWith.Ext != "" {
		info = append(info, bagit.Field{Label: pack.LabelOther, Value: pack.TagManifest + r.o.SignWith.Ext})
	}
	if err := r.work.save(doneFile, r.res); err != nil { // what it came to, if this run ends behind the next line
		return err
	}
	if _, err := r.bag.Finish(info); err != nil {
		return err
	}
	return r.at("finished")
}

// finished tells whether a run before finished the bag, and what it came to.
func (r *run) finished() (bool, error) {
	if _, err := os.Lstat(filepath.Join(r.o.Dir, pack.TagManifest)); errors.Is(err, os.ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	found, err := r.work.load(doneFile, &r.res)
	if err == nil && !found {
		err = bagit.ErrFinished
	}
	return found, err
}

// seal puts the signatures and the time stamp beside the tag manifest, and ends the
// export in the audit.
func (r *run) seal() error {
	manifest, err := os.ReadFile(filepath.Join(r.o.Dir, pack.TagManifest))
	if err != nil {
		return err
	}
	r.res.TagManifest = sha256.Sum256(manifest)
	if r.o.Signer != nil {
		err := r.beside(pack.SignatureFile, func() ([]byte, error) {
			return r.o.Signer.Sign(manifest, pack.TagManifest, r.o.Now())
		})
		if err != nil {
			return err
		}
	}
	if r.o.SignWith.Ext != "" {
		err := r.beside(pack.TagManifest+r.o.SignWith.Ext, func() ([]byte, error) {
			path, err := filepath.Abs(filepath.Join(r.o.Dir, pack.TagManifest))
			if err != nil {
				return nil, err
			}
			return r.o.SignWith.Sign(r.ctx, path)
		})
		if err != nil {
			return fmt.Errorf("the customer's own signature: %w", err)
		}
	}
	if r.o.TSA != "" {
		r.res.StampFailed = Timestamp(r.ctx, r.o) // the package is good without it
		if err := r.at("stamped"); err != nil {
			return err
		}
	}
	return r.end()
}

// beside writes a file that no manifest lists, unless it is there.
func (r *run) beside(name string, content func() ([]byte, error)) error {
	path := filepath.Join(r.o.Dir, name)
	if _, err := os.Lstat(path); err == nil {
		return nil
	}
	b, err := content()
	if err != nil {
		return err
	}
	if err := besideFile(r.o.Dir, name, b); err != nil {
		return err
	}
	return r.at(name)
}

// besideFile gives a file its name in the package when it is whole. Until then it lies
// beside the package's folder: in it, a part that a kill left would be one too many.
func besideFile(dir, name string, content []byte) error {
	temp := dir + "." + name
	err := writeFile(temp, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
	if err != nil {
		return err
	}
	if err := os.Rename(temp, filepath.Join(dir, name)); err != nil {
		return err
	}
	return syncFolder(dir)
}

// Timestamp asks for a time stamp of a finished package, with Dir, TSA and Client of
// Options, and puts it beside the tag manifest. One that is there stays.
func Timestamp(ctx context.Context, o Options) error {
	path := filepath.Join(o.Dir, pack.StampFile)
	if _, err := os.Lstat(path); err == nil {
		return nil
	}
	manifest, err := os.ReadFile(filepath.Join(o.Dir, pack.TagManifest))
	if err != nil {
		return fmt.Errorf("the package is not finished: %w", err)
	}
	response, err := tsa.Ask(ctx, o.Client, o.TSA, sha256.Sum256(manifest))
	if err != nil {
		return err
	}
	return besideFile(o.Dir, pack.StampFile, response)
}

// EndDetail is what the detail of the entry that ends an export begins with. Whoever knows
// the digest of the tag manifest, lower-case hex, knows the whole package.
func EndDetail(tagManifest string) string { return "tag manifest sha256 " + tagManifest }

// end takes the package where it goes, tells the audit what came of it, and removes what
// was remembered.
func (r *run) end() error {
	if r.o.Deliver != nil {
		if err := r.o.Deliver(r.ctx); err != nil {
			return fmt.Errorf("the package is finished, and could not be delivered: %w", err)
		}
		if err := r.at("delivered"); err != nil {
			return err
		}
	}
	detail := fmt.Sprintf("%s, %d files of recordings, %d missing", EndDetail(hex.EncodeToString(r.res.TagManifest[:])), r.res.Files, r.res.Missing)
	if err := r.o.Trail.End(r.ctx, r.o.Query.Case, nil, detail); err != nil {
		return fmt.Errorf("the package is finished; the audit: %w", err)
	}
	if err := r.at("ended"); err != nil {
		return err
	}
	return r.work.remove()
}
