package export

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"fonoteka/internal/pack"
)

// fix fixes the selection: its lines and the rows of the catalogue are written, synced,
// and never asked for again. What a run that was killed amid this has left is of another
// moment, and is written anew.
func (r *run) fix() error {
	done, err := r.work.load(fixedFile, &r.fixed)
	if err != nil {
		return err
	}
	if done {
		return r.adoptFixed()
	}
	c := &r.fixed.Counts
	*c = pack.Counts{}
	if err := lines(r, Calls, pack.CallsFile, func(l pack.Call) {
		c.Calls++
		if l.Outcome != pack.Answered {
			c.Unanswered++
		}
	}); err != nil {
		return err
	}
	if err := lines(r, Legs, pack.LegsFile, func(pack.Leg) { c.Legs++ }); err != nil {
		return err
	}
	if err := lines(r, Events, pack.EventsFile, func(pack.Event) { c.Events++ }); err != nil {
		return err
	}
	if err := r.write(pack.ParquetFile, func(w io.Writer) error { return r.o.Source.Parquet(r.ctx, w) }); err != nil && !errors.Is(err, ErrNoParquet) {
		return err
	}
	if c.Recordings, err = r.fixRecordings(); err != nil {
		return err
	}
	if r.fixed.Unmatched, err = r.o.Source.Unmatched(r.ctx); err != nil {
		return fmt.Errorf("ids that match nothing: %w", err)
	}
	if err := r.work.save(fixedFile, r.fixed); err != nil {
		return err
	}
	return r.at("fixed")
}

// adoptFixed takes over the files of a selection that was fixed. One that is not there
// any more cannot be made again.
func (r *run) adoptFixed() error {
	for _, name := range []string{pack.CallsFile, pack.LegsFile, pack.EventsFile, pack.ParquetFile} {
		known, noted := r.work.known(name)
		var found bool
		var err error
		if noted {
			found, err = r.bag.AdoptKnown(name, known)
		} else { // the journal was lost
			_, found, err = r.bag.Adopt(name)
		}
		if err != nil {
			return err
		}
		if !found && name != pack.ParquetFile {
			return fmt.Errorf("%s is gone, or was changed: remove both folders and begin anew", name)
		}
	}
	return nil
}

// lines writes a file of lines, and reads each on the way: what verify would refuse is
// not written.
func lines[T interface {
	Compare(T) int
	Check() error
}](r *run, what LineFile, name string, count func(T)) error {
	err := r.write(name, func(w io.Writer) error {
		from, to := io.Pipe()
		read := make(chan error, 1)
		go func() {
			err := pack.EachLine(from, func(l T) error {
				count(l)
				return nil
			})
			from.CloseWithError(err)
			read <- err
		}()
		err := r.o.Source.Lines(r.ctx, what, io.MultiWriter(w, to))
		to.CloseWithError(err)
		return errors.Join(<-read, err)
	})
	if err != nil {
		return fmt.Errorf("the selection's %s: %w", what, err)
	}
	return nil
}

// fixRecordings keeps the rows of the catalogue in the work folder.
func (r *run) fixRecordings() (n int, err error) {
	var last recordingKey
	err = writeFile(filepath.Join(r.work.dir, recordingFile), func(w io.Writer) error {
		enc := json.NewEncoder(w)
		return r.o.Source.Recordings(r.ctx, func(rec Recording) error {
			key := recordingKey{rec.Integration, rec.ID}
			if n > 0 && !(last.integration < key.integration || last.integration == key.integration && last.id < key.id) {
				return fmt.Errorf("recording %s does not come behind %s", key.id, last.id)
			}
			n, last = n+1, key
			return enc.Encode(rec)
		})
	})
	if err != nil {
		return 0, fmt.Errorf("the selection's recordings: %w", err)
	}
	return n, r.at("recordings")
}

// eachRecording reads them back.
func (r *run) eachRecording(ctx context.Context, fn func(Recording) error) error {
	f, err := os.Open(filepath.Join(r.work.dir, recordingFile))
	if err != nil {
		return err
	}
	defer f.Close()
	dec := json.NewDecoder(bufio.NewReaderSize(f, 256<<10))
	for {
		var rec Recording
		switch err := dec.Decode(&rec); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read %s: %w", recordingFile, err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := fn(rec); err != nil {
			return err
		}
	}
}
