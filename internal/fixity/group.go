package fixity

import (
	"context"
	"errors"
	"path"
	"strings"
	"time"

	"fonoteka/internal/audio"
	"fonoteka/internal/blob"
	"fonoteka/internal/call"
)

// group is what the bucket holds of one recording: its file and sidecar, and
// perhaps others beside them. What is in quarantine of it is a group of its own.
type group struct {
	stem     string // what its keys begin with, before a dot; of damaged ones, the folder
	id       string // recording id
	files    []blob.Object
	sidecars map[string]blob.Object // by their own key
	unknown  []blob.Object          // under its name, but neither
	beside   map[string]string      // where a file's sidecar is, if it is not at its SidecarKey
}

// firsts are the files in a first place: one, unless two workers stored files of
// different formats at the same moment.
func (g group) firsts() (all []blob.Object) {
	for _, o := range g.files {
		if isFirst(o.Key, g.stem) {
			all = append(all, o)
		}
	}
	return all
}

func isFirst(key, stem string) bool { return strings.TrimSuffix(key, path.Ext(key)) == stem }

// sidecarKey is where the sidecar of a file of the group is, or would be.
func (g group) sidecarKey(key string) string {
	if at, ok := g.beside[key]; ok {
		return at
	}
	return call.SidecarKey(key)
}

// whole are the files that have a sidecar, the one under the recording's own key
// first.
func (g group) whole() []blob.Object {
	var first, out []blob.Object
	for _, o := range g.files {
		if _, ok := g.sidecars[g.sidecarKey(o.Key)]; !ok {
			continue
		}
		if isFirst(o.Key, g.stem) && g.beside[o.Key] == "" {
			first = append(first, o)
		} else {
			out = append(out, o)
		}
	}
	return append(first, out...)
}

// others counts the files of other digests than the recording's, each digest once. What
// has no readable sidecar is known by its name, as that of a file beside bears its
// digest; a first file without one is taken for the recording.
func (g group) others(sides []call.Sidecar, digest string) int {
	byKey := map[string]string{}
	seen := map[string]bool{named(digest): true}
	for _, s := range sides {
		byKey[s.Key] = named(s.SHA256)
	}
	for _, o := range g.files {
		name, ok := byKey[o.Key]
		if !ok && !isFirst(o.Key, g.stem) {
			name = named(strings.TrimPrefix(o.Key, g.stem+"."))
		}
		if name != "" {
			seen[name] = true
		}
	}
	return len(seen) - 1
}

// named is what the name of a file beside bears of its digest.
func named(digest string) string { return digest[:min(16, len(digest))] }

// pair finds the sidecars of files in first places of which there are several: one's is
// at the recording's own key, the others' at that of a file beside it.
func (c *Checker) pair(ctx context.Context, g *group) error {
	firsts := g.firsts()
	if len(firsts) < 2 || g.damaged() {
		return nil
	}
	g.beside = map[string]string{}
	for _, o := range firsts {
		g.beside[o.Key] = call.BesideSidecarKey(o.Key, strings.Repeat("-", 16)) // none has this name
	}
	for at := range g.sidecars {
		side, malformed, err := c.sidecarAt(ctx, at)
		if err != nil && !errors.Is(err, blob.ErrNotFound) {
			return err
		}
		if malformed != nil || g.beside[side.Key] == "" {
			continue
		}
		if at == call.SidecarKey(side.Key) {
			delete(g.beside, side.Key)
		} else {
			g.beside[side.Key] = at
		}
	}
	return nil
}

// damaged tells that a group is in quarantine.
func (g group) damaged() bool { return strings.HasPrefix(g.stem, call.QuarantinePrefix) }

// stemOf splits a key into the stem of its recording and the recording's id;
// false for a key that no recording has.
func stemOf(key string) (stem, id string, ok bool) {
	dir, base := path.Split(key)
	id, _, ok = strings.Cut(base, ".")
	stem = dir + id
	if strings.HasPrefix(key, call.QuarantinePrefix) { // a folder for each recording, what came by its digest
		ok = ok && digits(id, 64)
		stem = strings.TrimSuffix(dir, "/")
		id = path.Base(stem)
	}
	return stem, id, ok && digits(id, 32)
}

func digits(s string, n int) bool { return len(s) == n && strings.Trim(s, "0123456789abcdef") == "" }

// groupsAtOnce bounds how many recordings are looked up together.
const groupsAtOnce = 500

// groups lists a folder and gives what it holds in batches. unknown is called
// for objects that cannot be of a recording. Objects younger than before are
// left out where it is set: their recordings are on their way.
func (c *Checker) groups(ctx context.Context, folder string, before time.Time, batch func([]group) error, unknown func(blob.Object)) error {
	var all []group
	var failed error
	flush := func() bool {
		for i := range all {
			if failed = c.pair(ctx, &all[i]); failed != nil {
				return false
			}
		}
		if len(all) > 0 {
			failed = batch(all)
		}
		all = nil
		return failed == nil
	}
	err := c.Store.List(ctx, folder, func(o blob.Object) bool {
		if !before.IsZero() && o.StoredAt.After(before) {
			return true
		}
		stem, id, ok := stemOf(o.Key)
		if !ok {
			unknown(o)
			return true
		}
		if len(all) == 0 || all[len(all)-1].stem != stem {
			if len(all) >= groupsAtOnce && !flush() {
				return false
			}
			all = append(all, group{stem: stem, id: id, sidecars: map[string]blob.Object{}})
		}
		g := &all[len(all)-1]
		_, file := audio.OfKey(o.Key)
		switch {
		case file:
			g.files = append(g.files, o)
		case path.Ext(o.Key) == ".json":
			g.sidecars[o.Key] = o
		default:
			g.unknown = append(g.unknown, o)
		}
		return true
	})
	if failed != nil {
		return failed
	}
	if err != nil {
		return err
	}
	flush()
	return failed
}

// rowsOf reads the rows of groups, by recording id.
func (c *Checker) rowsOf(ctx context.Context, gs []group) (map[string][]call.RecordingStatus, error) {
	ids := make([]string, len(gs))
	for i, g := range gs {
		ids[i] = g.id
	}
	rows, err := c.Rows.ByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := map[string][]call.RecordingStatus{}
	for _, r := range rows {
		out[r.ID] = append(out[r.ID], r)
	}
	return out, nil
}
