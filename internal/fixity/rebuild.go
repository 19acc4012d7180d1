package fixity

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"fonoteka/internal/blob"
	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
)

// RebuildOptions of a Rebuild.
type RebuildOptions struct {
	Verify bool // read every rebuilt recording and compare its digest
	DryRun bool // write nothing
}

// RebuildReport counts recordings, not objects.
type RebuildReport struct {
	Listed   uint64 // recordings in the bucket
	Present  uint64 // already in the catalogue as archived or erased: left as they are
	Rebuilt  uint64 // rows written, or that would be
	Damaged  uint64 // of them, quarantined: there is nothing else of the recording
	Faulty   uint64 // of them, altered or unreadable (Verify)
	Unusable uint64 // no file with a readable sidecar: no row can be made
	Bytes    uint64 // of the recordings rebuilt
	Unknown  uint64 // objects with names that Fonoteka does not give
	Started  time.Time
}

// Rebuild makes the rows of archived recordings from the objects alone, and those
// of what came damaged and is in quarantine, to be tried again now where the link
// lives. It may be interrupted and run again: what has its row is passed over. A row
// that says archived or erased is never touched; a lower state gives way.
// unusable is called for recordings whose row cannot be made.
//
// Of several files of one recording the longest is the recording (bucket.Longest), as it
// was when they were stored – or, with Verify and where that is damaged, a copy of it.
func (c *Checker) Rebuild(ctx context.Context, o RebuildOptions, unusable func(key, why string), progress func(RebuildReport)) (RebuildReport, error) {
	r := RebuildReport{Started: c.opts.Now()}
	unknown := func(blob.Object) { r.Unknown++ }
	damaged := map[string]bucket.Holdings{} // few; those of which there is something better are dropped
	err := c.pairs.Each(ctx, bucket.Quarantine, time.Time{}, func(gs []bucket.Holdings) error {
		for _, g := range gs {
			damaged[g.ID] = g
		}
		return nil
	}, unknown)
	if err != nil {
		return r, err
	}
	batch := func(gs []bucket.Holdings) error {
		r.Listed += uint64(len(gs))
		rows, err := c.rowsOf(ctx, gs)
		if err != nil {
			return err
		}
		var missing []bucket.Holdings
		for _, g := range gs {
			if settled(g, rows[g.ID]) {
				r.Present++
				delete(damaged, g.ID)
			} else {
				missing = append(missing, g)
			}
		}
		made, err := c.rebuildAll(ctx, o, missing)
		if err != nil {
			return err
		}
		for _, m := range made {
			if m.why == "" {
				delete(damaged, m.row.ID)
			}
		}
		if err := c.saveRebuilt(ctx, o, made, &r, unusable); err != nil {
			return err
		}
		if progress != nil {
			progress(r)
		}
		return nil
	}
	if err := c.pairs.Each(ctx, bucket.Recordings, time.Time{}, batch, unknown); err != nil {
		return r, err
	}
	for gs := range slices.Chunk(slices.Collect(maps.Values(damaged)), bucket.MaxBatch) {
		if err := batch(gs); err != nil {
			return r, err
		}
	}
	return r, nil
}

// settled tells that the catalogue knows a recording at least as well.
func settled(g bucket.Holdings, rows []call.RecordingStatus) bool {
	for _, row := range rows {
		if row.State == call.Erased || g.Damaged() && row.State.Rank() >= call.Quarantined.Rank() {
			return true
		}
		for _, m := range g.Files {
			if row.State == call.Archived && row.Key == m.Key {
				return true
			}
		}
	}
	return false
}

// rebuilt is a row that was made, or why it could not be.
type rebuilt struct {
	row   call.RecordingStatus
	side  bucket.Sidecar
	fault Finding
	key   string
	why   string // not "": there is no row
}

func (c *Checker) rebuildAll(ctx context.Context, o RebuildOptions, gs []bucket.Holdings) ([]rebuilt, error) {
	var mu sync.Mutex
	var out []rebuilt
	g, inner := errgroup.WithContext(ctx)
	g.SetLimit(c.opts.Parallel)
	for _, one := range gs {
		g.Go(func() error {
			made, err := c.rebuildOne(inner, o, one)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			out = append(out, made)
			return nil
		})
	}
	return out, g.Wait()
}

func (c *Checker) rebuildOne(ctx context.Context, o RebuildOptions, g bucket.Holdings) (rebuilt, error) {
	if g.Damaged() {
		return c.rebuildDamaged(ctx, g)
	}
	bad := rebuilt{key: g.Name(), why: "there is no recording with a sidecar"}
	sides, why, err := c.sidesOf(ctx, g)
	if err != nil {
		return bad, err
	}
	if why != "" {
		bad.why = why
	}
	var faulty *rebuilt
	for left := slices.Clone(sides); len(left) > 0; {
		n := bucket.Longest(left)
		side := left[n]
		left = slices.Delete(left, n, n+1)
		if faulty != nil && side.SHA256 != faulty.row.SHA256 { // another file, no copy
			continue
		}
		made := rebuilt{row: side.Row(c.opts.Bucket), side: side, key: side.Key}
		made.row.Conflicts = g.Others(sides, side.SHA256)
		made.row.Attempt = max(made.row.Attempt, 1+made.row.Conflicts) // each file took one
		if o.Verify {
			if made.fault, err = c.Check(ctx, made.row); err != nil {
				return bad, err
			}
			if wrong := made.fault; wrong.Result != Verified && wrong.Part != call.BesidePart {
				if faulty == nil {
					faulty = &made
				}
				continue
			}
		}
		return made, nil
	}
	if faulty != nil {
		return *faulty, nil
	}
	return bad, nil
}

// sidesOf reads the sidecars of a recording's files. why: the last of those that are none.
func (c *Checker) sidesOf(ctx context.Context, g bucket.Holdings) (sides []bucket.Sidecar, why string, err error) {
	for _, object := range g.Paired() {
		side, malformed, err := c.sidecarAt(ctx, g.SidecarKey(object.Key))
		switch {
		case err != nil:
			return nil, "", err
		case malformed != nil:
			why = malformed.Error()
		case side.Key != object.Key || side.Recording.ID != g.ID:
			why = "its sidecar is of another recording"
		default:
			sides = append(sides, side)
		}
	}
	return sides, why, nil
}

// rebuildDamaged takes what came last.
func (c *Checker) rebuildDamaged(ctx context.Context, g bucket.Holdings) (rebuilt, error) {
	made := rebuilt{key: g.Stem, why: "there is no damaged recording with a sidecar"}
	for _, object := range g.Paired() {
		side, malformed, err := c.sidecarAt(ctx, g.SidecarKey(object.Key))
		switch {
		case err != nil:
			return made, err
		case malformed != nil || side.Key != object.Key || side.Recording.ID != g.ID:
		case made.why != "" || side.Attempt > made.side.Attempt:
			made = rebuilt{row: side.Row(c.opts.Bucket), side: side, key: object.Key}
		}
	}
	made.row.NextAttemptAt = c.opts.Now().UTC() // only the operator's server can say that there is no more
	return made, nil
}

// saveRebuilt writes rows with the steps of custody that their sidecars know.
func (c *Checker) saveRebuilt(ctx context.Context, o RebuildOptions, made []rebuilt, r *RebuildReport, unusable func(key, why string)) error {
	var rows []call.RecordingStatus
	var steps []call.Custody
	for _, m := range made {
		if m.why != "" {
			r.Unusable++
			if unusable != nil {
				unusable(m.key, m.why)
			}
			continue
		}
		r.Rebuilt++
		r.Bytes += uint64(m.row.Size)
		if m.row.State == call.Quarantined {
			r.Damaged++
			steps = append(steps, step(m.row, "quarantined", m.side.StoredAt, m.row.SHA256, m.row.Key))
		} else {
			steps = append(steps,
				step(m.row, "fetched", m.side.FetchedAt, m.row.SHA256, ""),
				step(m.row, "stored", m.side.StoredAt, m.row.SHA256, m.row.Key),
				step(m.row, "sidecar", m.side.StoredAt, m.row.SHA256, bucket.SidecarKey(m.row.Key)))
		}
		steps = append(steps, step(m.row, "rebuilt", c.opts.Now().UTC(), m.row.SHA256, ""))
		if o.Verify && m.row.State == call.Archived {
			f := m.fault
			f.Row = m.row
			steps = append(steps, step(m.row, string(f.Result), f.At, f.SHA256, detail(f)))
			if f.Result != Verified {
				r.Faulty++
				m.row, _ = marked(f)
			}
		}
		rows = append(rows, m.row)
	}
	if o.DryRun || len(rows) == 0 {
		return nil
	}
	return c.opts.Custody.Save(ctx, rows, steps)
}
