package export

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"fonoteka/internal/bagit"
	"fonoteka/internal/pack"
)

// ErrOtherArguments says that a folder holds what was begun with other arguments.
var ErrOtherArguments = errors.New("an export with other arguments was begun here: finish that one, or remove both folders")

const (
	planFile      = "plan.json"        // what was asked for; written first
	recordingFile = "recordings.jsonl" // the rows of the catalogue, as they were fixed
	fixedFile     = "fixed.json"       // that the selection is fixed, and what it came to
	beginFile     = "begin.json"       // the entry of the audit
	journalFile   = "journal.jsonl"    // files that are done, with their sums
	doneFile      = "done.json"        // what the finished bag came to
)

// work is the folder of what is remembered between runs.
type work struct {
	dir string

	mu   sync.Mutex
	log  *os.File
	sums map[string]bagit.Sum
}

// plan is what was asked for, and what was made up for it.
type plan struct {
	Arguments string    `json:"arguments"` // digest
	Salt      string    `json:"salt"`
	FixedAt   pack.Time `json:"fixed_at"`
}

// fixed is what a selection came to.
type fixed struct {
	Counts    pack.Counts `json:"counts"`
	Unmatched []string    `json:"unmatched"`
}

// begun is what the audit said.
type begun struct {
	Line   []byte `json:"line"`
	Anchor []byte `json:"anchor"`
}

func openWork(dir string) (*work, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	w := &work{dir: dir, sums: map[string]bagit.Sum{}}
	if err := w.readJournal(); err != nil {
		return nil, err
	}
	var err error
	w.log, err = os.OpenFile(filepath.Join(dir, journalFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	return w, err
}

func (w *work) Close() error { return w.log.Close() }

// remove ends the work: the package is whole without it.
func (w *work) remove() error { return os.RemoveAll(w.dir) }

// load reads a document; false: it is not there.
func (w *work) load(name string, into any) (bool, error) {
	b, err := os.ReadFile(filepath.Join(w.dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		return false, fmt.Errorf("read %s: %w", filepath.Join(w.dir, name), err)
	}
	return true, nil
}

// save writes a document: whole and durable, or not at all.
func (w *work) save(name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(w.dir, name), func(to io.Writer) error {
		_, err := to.Write(b)
		return err
	})
}

// writeFile writes a file under another name, syncs it, and gives it its name.
func writeFile(path string, fill func(io.Writer) error) (err error) {
	f, err := os.OpenFile(path+".part", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	b := bufio.NewWriterSize(f, 256<<10)
	if err = fill(b); err == nil {
		err = b.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".part", path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// arguments is the digest of what must be the same for a run to go on.
func arguments(o Options) (string, error) {
	q, err := asked(o.Query)
	if err != nil {
		return "", err
	}
	key := ""
	if o.Signer != nil {
		key = o.Bundle.Key.Line()
	}
	b, err := json.Marshal([]any{json.RawMessage(q), o.SQL, o.Zone.String(), o.SignWith.Ext, key})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

// plan is that of the run before, or a new one.
func (w *work) plan(o Options) (p plan, err error) {
	digest, err := arguments(o)
	if err != nil {
		return p, err
	}
	found, err := w.load(planFile, &p)
	switch {
	case err != nil:
		return p, err
	case found && p.Arguments != digest:
		return p, fmt.Errorf("%w: %s, %s", ErrOtherArguments, o.Dir, o.Work)
	case found:
		return p, nil
	}
	p = plan{Arguments: digest, Salt: pack.NewSalt(), FixedAt: pack.At(o.Now())}
	return p, w.save(planFile, p)
}

// journalLine is a file that is done.
type journalLine struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	SHA512 string `json:"sha512"`
}

// note remembers a file that is done. It is not synced: one that is forgotten is read or
// written again.
func (w *work) note(path string, s bagit.Sum) error {
	b, err := json.Marshal(journalLine{path, s.Size, hex.EncodeToString(s.SHA256[:]), hex.EncodeToString(s.SHA512[:])})
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sums[path] = s
	_, err = w.log.Write(append(b, '\n'))
	return err
}

func (w *work) known(path string) (bagit.Sum, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s, ok := w.sums[path]
	return s, ok
}

// readJournal takes every line that can be read: what a kill left half-written is one
// that cannot.
func (w *work) readJournal() error {
	path := filepath.Join(w.dir, journalFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	whole := b[:bytes.LastIndexByte(b, '\n')+1]
	for line := range strings.Lines(string(whole)) {
		var l journalLine
		var s bagit.Sum
		if json.Unmarshal([]byte(line), &l) != nil || !digest(s.SHA256[:], l.SHA256) || !digest(s.SHA512[:], l.SHA512) {
			continue
		}
		s.Size = l.Size
		w.sums[l.Path] = s
	}
	if len(whole) < len(b) {
		return os.Truncate(path, int64(len(whole)))
	}
	return nil
}

func digest(into []byte, text string) bool {
	raw, err := hex.DecodeString(text)
	return err == nil && copy(into, raw) == len(into) && len(raw) == len(into)
}
