package spool

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// The notes beside the files of a damaged spool: why it was put aside, what was
// found in it and relayed, and that a person has acknowledged it.
const (
	reasonFile       = "damage.json"
	salvageFile      = "salvage.json"
	acknowledgedFile = "acknowledged.json"
)

// reason is the contents of reasonFile.
type reason struct {
	At  time.Time `json:"at"`
	Why string    `json:"why"`
}

// writeNote replaces a file, durably.
func writeNote(fs vfs.FS, dir, name string, note any) (err error) {
	text, err := json.MarshalIndent(note, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	path := fs.PathJoin(dir, name)
	f, err := fs.Create(path+".new", vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = fs.Rename(path+".new", path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return syncFolder(fs, dir)
}

// readNote reads a note.
func readNote(fs vfs.FS, dir, name string, note any) error {
	text, err := readFile(fs, fs.PathJoin(dir, name))
	if err == nil {
		err = json.Unmarshal(text, note)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

// noteDamage counts a read of damaged data. The first one since the spool was opened is
// noted beside it, so that it is reported even if serve ends soon. It may
// be called by pebble with its locks held.
func (s *Spool) noteDamage(why error) {
	s.metrics.damaged.Inc()
	if s.damageSeen.Swap(true) {
		return
	}
	s.noting.Go(func() {
		if err := writeNote(s.opts.FS, s.opts.Dir, reasonFile, reason{At: s.opts.Now().UTC(), Why: why.Error()}); err != nil {
			s.opts.Log.Error("that the spool has damaged data cannot be noted beside it, only in this log", "err", err)
		}
	})
}
