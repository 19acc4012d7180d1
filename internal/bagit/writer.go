package bagit

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"sync"
)

// ErrFinished is wrapped by the error about a folder whose bag is finished: a Writer
// never changes it.
var ErrFinished = errors.New("the bag is finished")

const (
	folderMode = 0o700 // a bag holds what is nobody else's business
	fileMode   = 0o600
	tempPrefix = ".bagit-"
	tempSuffix = ".part"

	lastFile = "tagmanifest-" + sha256Name + ".txt"
)

// Writer makes a bag in a folder. Add, Adopt and AdoptKnown may be called from several
// goroutines at once, for different paths. Only one Writer may work on a folder at a
// time; the caller sees to that.
//
// A file has its final name only when it is whole and synced. Folders are synced by
// Finish, once each, before the manifests are written: after a loss of power a file may
// be absent, never half there, and a bag that has its last tag manifest has everything.
type Writer struct {
	dir  string
	root *os.Root

	mu      sync.Mutex
	files   map[string]Sum    // that are whole
	names   map[string]string // by foldKey: files, those being written too, and their folders
	folders map[string]bool   // that must be synced; "." is the bag's

	step func(step, path string) error // tests end a writer here; nil elsewhere
}

// Create begins a bag in a folder, or goes on with one that a Writer has begun: what is
// left of unfinished files is removed. The folder and those above it are made.
func Create(dir string) (*Writer, error) {
	if err := os.MkdirAll(dir, folderMode); err != nil {
		return nil, fmt.Errorf("create bag: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("create bag: %w", err)
	}
	w := &Writer{
		dir: dir, root: root,
		files: map[string]Sum{}, names: map[string]string{}, folders: map[string]bool{".": true},
	}
	if err := w.begin(); err != nil {
		root.Close()
		return nil, fmt.Errorf("create bag %s: %w", dir, err)
	}
	return w, nil
}

func (w *Writer) begin() error {
	if _, err := w.root.Lstat(lastFile); err == nil {
		return ErrFinished
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	err := walkFolder(w.root, ".", func(e Entry) error {
		if isTemp(e.Path) {
			return w.root.Remove(e.Path)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("remove unfinished files: %w", err)
	}
	return w.mkdir("data")
}

func isTemp(p string) bool {
	name := path.Base(p)
	return strings.HasPrefix(name, tempPrefix) && strings.HasSuffix(name, tempSuffix)
}

// mkdir makes a folder and those above it, and notes them for a sync.
func (w *Writer) mkdir(dir string) error {
	if err := w.root.MkdirAll(dir, folderMode); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for ; dir != "." && !w.folders[dir]; dir = path.Dir(dir) {
		w.folders[dir] = true
	}
	return nil
}

// Close ends the use of a Writer, finished or not. What was written stays.
func (w *Writer) Close() error { return w.root.Close() }

// Add writes a file of the payload, whose path begins with data/, or another tag file.
// It reads r to its end and computes both digests on the way. accept, if it is there,
// decides before the file gets its name; its error is returned, and no file is there.
// A file of that name that was there and has not been adopted is replaced.
func (w *Writer) Add(name string, r io.Reader, accept func(Sum) error) (Sum, error) {
	if err := checkName(name); err != nil {
		return Sum{}, fmt.Errorf("add %q to bag: %w", name, err)
	}
	if err := w.reserve(name); err != nil {
		return Sum{}, fmt.Errorf("add %q to bag: %w", name, err)
	}
	sum, err := w.put(name, func(to io.Writer) error {
		buf := buffers.Get().(*[bufferSize]byte)
		defer buffers.Put(buf)
		_, err := copyAll(to, r, buf[:])
		return err
	}, accept)
	if err != nil {
		w.release(name)
		return Sum{}, fmt.Errorf("add %q to bag: %w", name, err)
	}
	w.keep(name, sum)
	return sum, nil
}

var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

func (w *Writer) keep(name string, sum Sum) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.files[name] = sum
}

// put writes a file: under another name in its folder, synced, accepted, renamed.
func (w *Writer) put(name string, fill func(io.Writer) error, accept func(Sum) error) (sum Sum, err error) {
	dir := path.Dir(name)
	if err := w.mkdir(dir); err != nil {
		return sum, err
	}
	temp := path.Join(dir, tempPrefix+rand.Text()+tempSuffix)
	f, err := w.root.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, fileMode)
	if err != nil {
		return sum, err
	}
	defer func() {
		if err != nil && !errors.Is(err, errKilled) {
			_ = w.root.Remove(temp)
		}
	}()
	s := newSummer()
	err = w.at("created", name)
	if err == nil {
		err = fill(io.MultiWriter(f, s))
	}
	if err == nil {
		err = w.at("written", name)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return sum, err
	}
	sum = s.sum()
	if accept != nil {
		if err := accept(sum); err != nil {
			return sum, err
		}
	}
	if err := w.at("synced", name); err != nil {
		return sum, err
	}
	if err := w.root.Rename(temp, name); err != nil {
		return sum, err
	}
	return sum, w.at("renamed", name)
}

// errKilled is what a test ends a writer with: it leaves everything as a killed one does.
var errKilled = errors.New("killed by a test")

func (w *Writer) at(step, name string) error {
	if w.step == nil {
		return nil
	}
	return w.step(step, name)
}
