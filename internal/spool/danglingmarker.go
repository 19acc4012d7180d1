package spool

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// removeDanglingMarkers removes markers that name a manifest which does not exist. Pebble
// creates a manifest, then the marker that names it, and only then syncs the folder: if
// the power fails in between, the marker may survive without the manifest,
// and pebble would never open the store again. Nothing is lost by the removal: the previous
// marker, if there was one, is removed only after that sync and is still valid.
//
// Without any other marker this was the creation of a new store, which had no records
// yet; if there are tables or logs nevertheless, everything is left as it is
// for a person to examine.
func removeDanglingMarkers(fs vfs.FS, dir string) error {
	names, err := fs.List(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look into the spool: %w", err)
	}
	there := make(map[string]bool, len(names))
	for _, n := range names {
		there[n] = true
	}
	var dangling []string
	valid, contents := false, false
	for _, n := range names {
		manifest, ok := marked(n)
		switch {
		case ok && there[manifest]:
			valid = true
		case ok:
			dangling = append(dangling, n)
		case strings.HasSuffix(n, ".sst"), strings.HasSuffix(n, ".log"):
			contents = true
		}
	}
	if len(dangling) == 0 || contents && !valid {
		return nil
	}
	for _, n := range dangling {
		if err := fs.Remove(fs.PathJoin(dir, n)); err != nil {
			return fmt.Errorf("remove %s, which names nothing: %w", n, err)
		}
	}
	return syncFolder(fs, dir)
}

// marked is the manifest that a marker names: "marker.manifest.000001.MANIFEST-000001".
func marked(name string) (manifest string, ok bool) {
	parts := strings.SplitN(name, ".", 4)
	if len(parts) != 4 || parts[0] != "marker" || parts[1] != "manifest" {
		return "", false
	}
	return parts[3], true
}

func syncFolder(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return fmt.Errorf("sync the spool's folder: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync the spool's folder: %w", err)
	}
	return nil
}
