package fixity

import (
	"context"
	"errors"
	"time"

	"fonoteka/internal/blob"
	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
)

// OrphanKind says what is missing on the other side.
type OrphanKind string

// The kinds of orphans.
const (
	NoRow     OrphanKind = "object without row"        // a whole recording that the catalogue does not call archived, or a damaged one that it does not know
	NoSidecar OrphanKind = "recording without sidecar" // a file alone
	NoFile    OrphanKind = "sidecar without recording"
	NoObject  OrphanKind = "row without object"
	Stranger  OrphanKind = "unknown object" // not a name that Fonoteka gives
)

var orphanKinds = []OrphanKind{NoRow, NoSidecar, NoFile, NoObject, Stranger}

// Orphan is something that is on one side only.
type Orphan struct {
	Kind        OrphanKind
	Key         string
	Integration string // where a row is known
	RecordingID string // where the key tells
	State       call.RecordingState
}

// OrphanReport counts.
type OrphanReport struct {
	Objects    uint64 // files of recordings listed, without quarantine
	Young      uint64 // objects that were not looked at, because they are younger than an hour
	Recordings uint64 // rows that say archived
	ByKind     map[OrphanKind]uint64
}

// minAge: younger objects are on their way, as the row follows its object.
const minAge = time.Hour

// Orphans compares bucket and catalogue by names: each is called for what is on
// one side only. Objects younger than an hour are passed over. Rows without an
// object are looked for one by one, but only where the numbers say that there
// must be some.
func (c *Checker) Orphans(ctx context.Context, each func(Orphan), progress func(OrphanReport)) (OrphanReport, error) {
	r := OrphanReport{ByKind: map[OrphanKind]uint64{}}
	report := func(o Orphan) {
		r.ByKind[o.Kind]++
		if each != nil {
			each(o)
		}
	}
	began := c.opts.Now()
	var matched uint64
	stranger := func(o blob.Object) { report(Orphan{Kind: Stranger, Key: o.Key}) }
	batch := func(gs []bucket.Holdings) error {
		rows, err := c.rowsOf(ctx, gs)
		if err != nil {
			return err
		}
		for _, g := range gs {
			if !g.Damaged() {
				r.Objects += uint64(len(g.Files))
			}
			matched += compare(g, rows[g.ID], report)
		}
		if progress != nil {
			progress(r)
		}
		return nil
	}
	for _, folder := range []string{bucket.Recordings, bucket.Quarantine} {
		young := func(blob.Object) { r.Young++ }
		if err := c.pairs.EachOlder(ctx, folder, began.Add(-minAge), young, batch, stranger); err != nil {
			return r, err
		}
	}
	var err error
	if r.Recordings, _, err = c.opts.Rows.Count(ctx, Query{}); err != nil {
		return r, err
	}
	if r.Recordings > matched {
		if err := c.rowsWithoutObject(ctx, call.Archived, began, report); err != nil {
			return r, err
		}
	}
	return r, c.rowsWithoutObject(ctx, call.Quarantined, began, report) // few
}

// compare reports what of one recording is on one side only, and how many rows have
// their object in it.
func compare(g bucket.Holdings, rows []call.RecordingStatus, report func(Orphan)) (matched uint64) {
	o := Orphan{RecordingID: g.ID}
	archived := g.Damaged() && settled(g, rows)
	for _, row := range rows {
		o.Integration, o.State = row.Integration, row.State
		for _, m := range g.Files {
			if row.State == call.Archived && row.Key == m.Key {
				matched++
				archived = true
				break
			}
		}
	}
	add := func(kind OrphanKind, key string) {
		o.Kind, o.Key = kind, key
		report(o)
	}
	left := map[string]bool{}
	for key := range g.Sidecars {
		left[key] = true
	}
	for _, m := range g.Files {
		side := g.SidecarKey(m.Key)
		if !left[side] {
			add(NoSidecar, m.Key)
		} else if !archived {
			add(NoRow, m.Key)
		}
		delete(left, side)
	}
	for key := range left {
		add(NoFile, key)
	}
	for _, u := range g.Unknown {
		add(Stranger, u.Key)
	}
	return matched
}

// rowsWithoutObject asks the store for the object of every row of a state, of
// those archived for the ones from before.
func (c *Checker) rowsWithoutObject(ctx context.Context, state call.RecordingState, before time.Time, report func(Orphan)) error {
	q := Query{State: state}
	for {
		rows, err := c.opts.Rows.Archived(ctx, q, 1000)
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, row := range rows {
			if row.ArchivedAt.After(before) {
				continue
			}
			_, err := c.opts.Store.Stat(ctx, row.Key)
			if errors.Is(err, blob.ErrNotFound) {
				report(Orphan{Kind: NoObject, Key: row.Key, Integration: row.Integration, RecordingID: row.ID, State: row.State})
			} else if err != nil {
				return err
			}
		}
		q = q.after(rows[len(rows)-1])
	}
}
