package export

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"fonoteka/internal/bagit"
	"fonoteka/internal/pack"
)

// ErrExists says that a folder holds something else than a package that was begun.
var ErrExists = errors.New("the folder is there already and holds no package that was begun")

// run is one call of Run.
type run struct {
	o    Options
	ctx  context.Context
	work *work
	bag  *bagit.Writer

	plan  plan
	fixed fixed
	query pack.Query
	res   Result

	outcomes map[string]outcome // of objects that are not in the package, by path
	custody  map[recordingKey]custodyEnd
	playable map[recordingKey]bool

	told sync.Mutex
	p    Progress
}

type recordingKey struct{ integration, id string }

// Run writes a package into a folder, or goes on with one. When it returns nil, the
// package is finished, durable, and the audit has its tag manifest. After an error it may
// be run again with the same options.
func Run(ctx context.Context, o Options) (Result, error) {
	o, err := o.withDefaults()
	if err != nil {
		return Result{}, err
	}
	r := &run{o: o, ctx: ctx, outcomes: map[string]outcome{}, custody: map[recordingKey]custodyEnd{}, playable: map[recordingKey]bool{}}
	done, err := r.again()
	if err == nil && !done {
		err = r.run()
	}
	if err != nil {
		return r.res, fmt.Errorf("export to %s: %w", o.Dir, err)
	}
	return r.res, nil
}

func (r *run) run() (err error) {
	if err := r.open(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.work.Close()) }()
	if done, err := r.finished(); err != nil {
		return err
	} else if done {
		return r.seal()
	}
	r.bag, err = bagit.Create(r.o.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.bag.Close()) }()
	for _, step := range []func() error{r.fix, r.begin, r.objects, r.documents, r.pictures, r.finish} {
		if err := step(); err != nil {
			return err
		}
	}
	return r.seal()
}

// open makes sure that the folder is ours to write to.
func (r *run) open() (err error) {
	_, planned := os.Stat(filepath.Join(r.o.Work, planFile))
	if entries, err := os.ReadDir(r.o.Dir); err == nil && len(entries) > 0 && planned != nil {
		return ErrExists
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if r.work, err = openWork(r.o.Work); err != nil {
		return err
	}
	if r.plan, err = r.work.plan(r.o); err != nil {
		return errors.Join(err, r.work.Close())
	}
	return r.at("planned")
}

// at is where tests end a run.
func (r *run) at(step string) error {
	r.told.Lock()
	r.p.Step = step
	r.told.Unlock()
	if err := r.ctx.Err(); err != nil {
		return err
	}
	if r.o.step == nil {
		return nil
	}
	return r.o.step(step)
}

// tell changes the progress, and tells of it.
func (r *run) tell(change func(*Progress)) {
	r.told.Lock()
	defer r.told.Unlock()
	change(&r.p)
	if r.o.Progress != nil {
		r.o.Progress(r.p)
	}
}

// put writes a file of the package that does not depend on when it is written, unless a
// run before did.
func (r *run) put(name string, fill func(io.Writer) error) error {
	if known, ok := r.work.known(name); ok {
		if found, err := r.bag.AdoptKnown(name, known); err != nil || found {
			return err
		}
	}
	return r.write(name, fill)
}

func (r *run) write(name string, fill func(io.Writer) error) error {
	from, to := io.Pipe()
	go func() { to.CloseWithError(fill(to)) }()
	sum, err := r.bag.Add(name, from, nil)
	from.CloseWithError(errors.New("it could not be written")) // ends fill, where Add did not read to the end
	if err != nil {
		return err
	}
	if err := r.work.note(name, sum); err != nil {
		return err
	}
	return r.at(name)
}

func (r *run) putBytes(name string, content []byte) error {
	return r.put(name, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

// read opens a file of the package that is written already.
func (r *run) read(name string, fn func(io.Reader) error) error {
	f, err := os.Open(filepath.Join(r.o.Dir, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := fn(f); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

// begin writes what was asked for, and lets the audit tell of it before anything is copied.
func (r *run) begin() error {
	r.query = r.o.Query
	r.query.Schema, r.query.Salt, r.query.FixedAt, r.query.Counts = pack.Schema, r.plan.Salt, r.plan.FixedAt, r.fixed.Counts
	r.query.Timezone = r.o.Zone.String()
	r.res.Counts = r.fixed.Counts
	doc, err := pack.Document(r.query)
	if err != nil {
		return err
	}
	if err := r.putBytes(pack.QueryFile, doc); err != nil {
		return err
	}
	var b begun
	if found, err := r.work.load(beginFile, &b); err != nil {
		return err
	} else if !found {
		b.Line, b.Anchor, err = r.o.Trail.Begin(r.ctx, r.query.Case, pack.BeginDetail(sha256.Sum256(doc), r.query.Counts))
		if err != nil {
			return fmt.Errorf("nothing was exported: the audit: %w", err)
		}
		if err := r.work.save(beginFile, b); err != nil {
			return err
		}
	}
	if b.Anchor == nil {
		b.Anchor = []byte("null")
	}
	proof, err := pack.Document(pack.Proof{Schema: pack.ProofSchema, Begin: b.Line, Anchor: b.Anchor})
	if err != nil {
		return fmt.Errorf("what the audit says: %w", err)
	}
	if _, _, err := pack.ReadProof(proof, sha256.Sum256(doc), r.query); err != nil {
		return fmt.Errorf("what the audit says: %w", err)
	}
	if err := r.putBytes(pack.ProofFile, proof); err != nil {
		return err
	}
	return r.at("begun")
}
