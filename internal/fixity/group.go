package fixity

import (
	"context"
	"path"
	"slices"
	"strings"
	"time"

	"fonoteka/internal/blob"
	"fonoteka/internal/call"
)

// group is what the bucket holds of one recording: its mp3 and sidecar, and
// perhaps others beside them. What is in quarantine of it is a group of its own.
type group struct {
	stem     string // the key of the mp3, without ".mp3"; of damaged ones, the folder
	id       string // recording id
	mp3s     []blob.Object
	sidecars map[string]blob.Object // by their own key
	unknown  []blob.Object          // under its name, but neither
}

// whole are the mp3s that have a sidecar, the one under the recording's own key
// first.
func (g group) whole() []blob.Object {
	var out []blob.Object
	for _, o := range g.mp3s {
		if _, ok := g.sidecars[call.SidecarKey(o.Key)]; !ok {
			continue
		}
		if o.Key == g.stem+".mp3" {
			out = append([]blob.Object{o}, out...)
		} else {
			out = append(out, o)
		}
	}
	return out
}

// others counts the mp3s of another digest than the chosen one. A name beside
// the first bears its digest, so that nothing needs to be read.
func (g group) others(key, digest string) int {
	n, first := 0, g.stem+".mp3"
	copies := besides(first, digest)
	for _, o := range g.mp3s {
		if o.Key != key && o.Key != first && !slices.Contains(copies, o.Key) {
			n++
		}
	}
	return n
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
		switch path.Ext(o.Key) {
		case ".mp3":
			g.mp3s = append(g.mp3s, o)
		case ".json":
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
