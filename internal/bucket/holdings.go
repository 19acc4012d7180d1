package bucket

import (
	"context"
	"errors"
	"strings"
	"time"

	"fonoteka/internal/audio"
	"fonoteka/internal/blob"
)

// Holdings are what the bucket has of one recording: its file and sidecar, and perhaps
// others beside them. What is in quarantine of it are holdings of their own.
type Holdings struct {
	Stem     string // what its keys begin with, before a dot; of damaged ones, the folder
	ID       string // of the recording
	Files    []blob.Object
	Sidecars map[string]blob.Object // by their own key
	Unknown  []blob.Object          // under its name, but neither
	places   map[string]string      // where a file's sidecar is, if it is not at its SidecarKey
}

// firsts are the files in a first place: one, unless two workers stored files of
// different formats at the same moment.
func (h Holdings) firsts() (all []blob.Object) {
	for _, o := range h.Files {
		if isFirst(o.Key, h.Stem) {
			all = append(all, o)
		}
	}
	return all
}

// Name is the recording in the bucket, for people.
func (h Holdings) Name() string {
	if firsts := h.firsts(); len(firsts) > 0 {
		return firsts[0].Key
	}
	return h.Stem + audio.MP3.Ext()
}

// SidecarKey is where the sidecar of one of the files is, or would be.
func (h Holdings) SidecarKey(key string) string {
	if at, ok := h.places[key]; ok {
		return at
	}
	return SidecarKey(key)
}

// Paired are the files that have a sidecar, the one under the recording's own key
// first.
func (h Holdings) Paired() []blob.Object {
	var first, out []blob.Object
	for _, o := range h.Files {
		if _, ok := h.Sidecars[h.SidecarKey(o.Key)]; !ok {
			continue
		}
		if isFirst(o.Key, h.Stem) && h.places[o.Key] == "" {
			first = append(first, o)
		} else {
			out = append(out, o)
		}
	}
	return append(first, out...)
}

// Others counts the files of other digests than the recording's, each digest once. What
// has no readable sidecar is known by its name, as that of a file beside bears its
// digest; a first file without one is taken for the recording.
func (h Holdings) Others(sides []Sidecar, digest string) int {
	byKey := map[string]string{}
	seen := map[string]bool{inName(digest): true}
	for _, s := range sides {
		byKey[s.Key] = inName(s.SHA256)
	}
	for _, o := range h.Files {
		name, ok := byKey[o.Key]
		if !ok && !isFirst(o.Key, h.Stem) {
			name = inName(strings.TrimPrefix(o.Key, h.Stem+"."))
		}
		if name != "" {
			seen[name] = true
		}
	}
	return len(seen) - 1
}

// place finds the sidecars of files in first places of which there are several: one's is
// at the recording's own key, the others' at that of a file beside it.
func (p Pairs) place(ctx context.Context, h *Holdings) error {
	firsts := h.firsts()
	if len(firsts) < 2 || h.Damaged() {
		return nil
	}
	h.places = map[string]string{}
	for _, o := range firsts {
		h.places[o.Key] = BesideSidecarKey(o.Key, strings.Repeat("-", 16)) // none has this name
	}
	for at := range h.Sidecars {
		side, err := p.SidecarAt(ctx, at)
		if _, malformed := errors.AsType[*MalformedError](err); err != nil && !malformed && !errors.Is(err, blob.ErrNotFound) {
			return err
		}
		if err != nil || h.places[side.Key] == "" {
			continue
		}
		if at == SidecarKey(side.Key) {
			delete(h.places, side.Key)
		} else {
			h.places[side.Key] = at
		}
	}
	return nil
}

// Damaged reports whether they are in quarantine.
func (h Holdings) Damaged() bool { return isQuarantined(h.Stem) }

// MaxBatch bounds how many recordings are looked up together.
const MaxBatch = 500

// Each lists a folder and gives what it holds in batches. unknown is called
// for objects that cannot be of a recording. Objects younger than before are
// left out where it is set: their recordings are on their way.
func (p Pairs) Each(ctx context.Context, folder string, before time.Time, batch func([]Holdings) error, unknown func(blob.Object)) error {
	return p.EachOlder(ctx, folder, before, func(blob.Object) {}, batch, unknown)
}

// EachOlder is Each, and gives each object that is left out to young.
func (p Pairs) EachOlder(ctx context.Context, folder string, before time.Time, young func(blob.Object), batch func([]Holdings) error, unknown func(blob.Object)) error {
	var all []Holdings
	var failed error
	flush := func() bool {
		for i := range all {
			if failed = p.place(ctx, &all[i]); failed != nil {
				return false
			}
		}
		if len(all) > 0 {
			failed = batch(all)
		}
		all = nil
		return failed == nil
	}
	err := p.Store.List(ctx, folder, func(o blob.Object) bool {
		if !before.IsZero() && o.StoredAt.After(before) {
			young(o)
			return true
		}
		stem, id, ok := Split(o.Key)
		if !ok {
			unknown(o)
			return true
		}
		if len(all) == 0 || all[len(all)-1].Stem != stem {
			if len(all) >= MaxBatch && !flush() {
				return false
			}
			all = append(all, Holdings{Stem: stem, ID: id, Sidecars: map[string]blob.Object{}})
		}
		h := &all[len(all)-1]
		_, file := audio.OfKey(o.Key)
		switch {
		case file:
			h.Files = append(h.Files, o)
		case IsSidecar(o.Key):
			h.Sidecars[o.Key] = o
		default:
			h.Unknown = append(h.Unknown, o)
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
