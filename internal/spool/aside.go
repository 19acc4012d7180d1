package spool

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// asideInfix is between the name of a spool and the time at which it was put
// aside.
const asideInfix = ".damaged-"

// putAside renames the damaged folder, durably, and makes and locks a new one.
// If the process ends in between, the next start finds no spool and makes one.
func (s *Spool) putAside(damage error) error {
	fs, dir := s.opts.FS, s.opts.Dir
	to, err := asideName(fs, dir, s.opts.Now())
	if err != nil {
		return errors.Join(damage, err)
	}
	if err := fs.Rename(dir, to); err != nil {
		return errors.Join(damage, fmt.Errorf("put it aside as %s: %w", to, err))
	}
	if err := syncFolder(fs, fs.PathDir(dir)); err != nil {
		return errors.Join(damage, err)
	}
	s.opts.Log.Error("the spool was damaged: it is put aside and a new one begins; what can be read of the old one is relayed from there",
		"folder", fs.PathBase(to), "err", damage)
	if err := writeNote(fs, to, reasonFile, reason{At: s.opts.Now().UTC(), Why: damage.Error()}); err != nil {
		s.opts.Log.Warn("the reason why the spool was put aside cannot be noted beside it", "err", err)
	}
	if err := s.lock.Close(); err != nil {
		return fmt.Errorf("unlock the damaged spool: %w", err)
	}
	return s.lockFolder()
}

// asideName returns a free name.
func asideName(fs vfs.FS, dir string, now time.Time) (string, error) {
	base := dir + asideInfix + now.UTC().Format("20060102T150405Z")
	for n := 1; ; n++ {
		name := base
		if n > 1 {
			name = fmt.Sprintf("%s-%d", base, n)
		}
		_, err := fs.Stat(name)
		switch {
		case errors.Is(err, os.ErrNotExist):
			return name, nil
		case err != nil:
			return "", fmt.Errorf("look for a name to put it aside: %w", err)
		}
	}
}

// asideFolders are the folders of spools that were put aside, oldest first.
func asideFolders(fs vfs.FS, dir string) ([]string, error) {
	parent := fs.PathDir(dir)
	names, err := fs.List(parent)
	if err != nil {
		return nil, fmt.Errorf("look for damaged spools: %w", err)
	}
	slices.Sort(names)
	var all []string
	for _, name := range names {
		if strings.HasPrefix(name, fs.PathBase(dir)+asideInfix) {
			all = append(all, fs.PathJoin(parent, name))
		}
	}
	return all, nil
}

// newestAside is the newest receive time that can be read in any of them. A folder that
// cannot be read, or not quickly, does not stop a new spool from starting.
func newestAside(fs vfs.FS, dir string, log *slog.Logger) (newest time.Time) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	folders, err := asideFolders(fs, dir)
	for _, folder := range folders {
		s, openErr := OpenSalvage(fs, folder)
		if openErr != nil {
			err = errors.Join(err, openErr)
			continue
		}
		at, readErr := s.newestTime(ctx)
		err = errors.Join(err, readErr)
		if at.After(newest) {
			newest = at
		}
	}
	if err != nil && !errors.Is(err, ErrNoSpool) {
		log.Error("the newest receive time of a damaged spool is not known for certain; if the clock was set back, those of the new one may lie before it", "err", err)
	}
	return newest
}
