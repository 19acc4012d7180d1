package export

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"fonoteka/internal/call"
	"fonoteka/internal/pack"
)

// again tells whether the folder has the very package that is asked for, finished: a run
// was ended behind its last step, before anybody learnt of it. What it came to is read
// from the package.
func (r *run) again() (bool, error) {
	if _, err := os.Stat(filepath.Join(r.o.Work, planFile)); err == nil {
		return false, nil
	}
	needed := []string{pack.TagManifest, pack.QueryFile}
	if r.o.Signer != nil {
		needed = append(needed, pack.SignatureFile)
	}
	for _, name := range needed {
		if _, err := os.Lstat(filepath.Join(r.o.Dir, filepath.FromSlash(name))); errors.Is(err, fs.ErrNotExist) {
			return false, nil
		} else if err != nil {
			return false, err
		}
	}
	if same, err := r.sameQuery(); err != nil || !same {
		return false, err
	}
	return true, r.readResult()
}

// sameQuery compares what was asked for.
func (r *run) sameQuery() (same bool, err error) {
	err = r.read(pack.QueryFile, func(f io.Reader) error {
		var was pack.Query
		if err := json.NewDecoder(f).Decode(&was); err != nil {
			return err
		}
		r.res.Counts = was.Counts
		before, err := asked(was)
		now, err2 := asked(r.o.Query)
		same = bytes.Equal(before, now)
		return errors.Join(err, err2)
	})
	return same, err
}

// asked is what must be the same in a query for a run to go on.
func asked(q pack.Query) ([]byte, error) {
	q.Schema, q.Salt, q.FixedAt, q.Counts, q.Timezone = "", "", pack.Time{}, pack.Counts{}, ""
	return json.Marshal(q)
}

func (r *run) readResult() error {
	err := r.read(pack.FilesFile, func(f io.Reader) error {
		return pack.EachFile(f, func(row pack.File) error {
			r.count(row)
			return nil
		})
	})
	if err != nil {
		return err
	}
	err = r.read(pack.MissingFile, func(f io.Reader) error {
		return pack.EachMissing(f, func(pack.Missing) error {
			r.res.Missing++
			return nil
		})
	})
	if err != nil {
		return err
	}
	manifest, err := os.ReadFile(filepath.Join(r.o.Dir, pack.TagManifest))
	r.res.TagManifest = sha256.Sum256(manifest)
	return err
}

// count counts a row of recordings.csv.
func (r *run) count(f pack.File) {
	switch {
	case f.Role.HasFile():
		r.res.Files++
	case f.Role == pack.Differs, f.Role == pack.Absent && f.SHA256 != "":
		r.res.Wrong++
	}
	if f.Role == pack.Damaged || f.Role == pack.LeftOut {
		r.res.Quarantined++
		if f.State == string(call.Quarantined) {
			r.res.Unplayable++
		}
	}
}
