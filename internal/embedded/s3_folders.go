package embedded

import (
	"path/filepath"
	"strings"
	"sync"
)

// folders remembers which folders are durable together with the entries that lead to
// them, so that a write syncs only its own folder and new ones: of
// eight syncs for an object five folders deep, two are left.
//
// A deletion may also remove empty folders, which a later write creates again. So
// nothing is remembered during a deletion, and everything is forgotten at
// its end. That costs the next writes some syncs, and deletions are rare here.
//
// Concurrent writes into one folder share the folder's sync: usually
// the recordings of a day are written together.
type folders struct {
	mu        sync.Mutex
	known     map[string]bool
	deletions int    // under way
	ended     uint64 // deletions that have ended

	syncs sharedSyncs
}

// manyFolders bounds the memory for them.
const manyFolders = 10_000

// deleting is called before a deletion, and what it returns after it.
func (f *folders) deleting() (end func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deletions++
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.deletions--
		f.ended++
		clear(f.known)
	}
}

// sync makes sure that the file at path, which has just been written, is on
// disk with all that leads to it from root.
func (f *folders) sync(path, root string) error {
	dir := filepath.Dir(path)
	top, ended, trusted := f.lowestKnown(dir, root)
	if !trusted || len(top) < len(root) {
		top = root
	}
	// An entry lies in its folder: to have a new folder on disk, its parent is synced.
	if err := present(fsyncAndForget(path)); err != nil {
		return err
	}
	for folder := dir; len(folder) >= len(top); folder = filepath.Dir(folder) {
		if err := present(f.syncs.sync(folder)); err != nil {
			return err
		}
	}
	if trusted {
		f.remember(dir, top, ended)
	}
	return nil
}

// lowestKnown is the folder from dir upwards whose own entry is on disk.
func (f *folders) lowestKnown(dir, root string) (top string, ended uint64, trusted bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.deletions > 0 || !strings.HasPrefix(dir, root) {
		return root, f.ended, false
	}
	for top = dir; len(top) > len(root) && !f.known[top]; {
		top = filepath.Dir(top)
	}
	return top, f.ended, true
}

// remember notes the folders from dir up to top, unless one may have been
// deleted meanwhile.
func (f *folders) remember(dir, top string, ended uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.deletions > 0 || f.ended != ended {
		return
	}
	if f.known == nil || len(f.known) > manyFolders {
		f.known = map[string]bool{}
	}
	for ; len(dir) > len(top); dir = filepath.Dir(dir) {
		f.known[dir] = true
	}
}
