package cdr

import (
	"context"
	"errors"
	"reflect"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/warehouse"
)

// derive brings the rows of these calls up to what their notifications say,
// Options.Page calls at a time. A call that the warehouse can never read or take
// is found by halving, passed over and counted: it must not hold up the others.
func (d *Deriver) derive(ctx context.Context, keys []warehouse.CallKey) error {
	if len(keys) > d.opts.Page {
		if err := d.derive(ctx, keys[:d.opts.Page]); err != nil {
			return err
		}
		return d.derive(ctx, keys[d.opts.Page:])
	}
	err := d.derivePage(ctx, keys)
	var bad hopeless
	switch {
	case !errors.As(err, &bad):
		return err
	case len(keys) == 1:
		d.metrics.skipped.Inc()
		d.opts.Log.Error("call passed over", "integration", keys[0].Integration, "call", keys[0].GroupID)
		return nil
	}
	half := len(keys) / 2
	if err := d.derive(ctx, keys[:half]); err != nil {
		return err
	}
	return d.derive(ctx, keys[half:])
}

// hopeless wraps the server's refusal to read or take some call.
type hopeless struct{ error }

func (h hopeless) Unwrap() error { return h.error }

func (d *Deriver) derivePage(ctx context.Context, keys []warehouse.CallKey) error {
	events, err := d.opts.Store.EventsOf(ctx, keys)
	if err != nil {
		if warehouse.ServerWords(err) != "" { // it answers, but not to this
			return hopeless{err}
		}
		return err
	}
	stored, err := d.opts.Store.StoredCalls(ctx, keys)
	if err != nil {
		return err
	}
	var writes []warehouse.CallWrite
	for _, k := range keys {
		writes = append(writes, d.changes(k, events[k], stored[k])...)
	}
	d.metrics.derived.Add(float64(len(keys)))
	if len(writes) == 0 {
		return nil
	}
	if err := d.opts.Store.WriteCalls(ctx, writes); err != nil {
		if warehouse.IsRefusal(err) {
			return hopeless{err}
		}
		return err
	}
	d.metrics.written.Add(float64(len(writes)))
	return nil
}

// changes are the writes that lead from the stored rows of one base id to those
// its notifications now say; none if they say what is stored.
func (d *Deriver) changes(key warehouse.CallKey, events []warehouse.StoredEvent, stored []warehouse.StoredCall) []warehouse.CallWrite {
	if len(events) == 0 {
		return nil // their retention is over: what was derived stays
	}
	records, revision := d.records(key, events)
	version := warehouse.CallVersion(d.opts.Epoch, uint32(len(events)), revision)
	for _, s := range stored {
		if s.Version > warehouse.CallVersion(d.opts.Epoch, uint32(len(events)), 1<<16-1) {
			return nil // from more events than are visible now
		}
		if s.Version >= version { // as many, but another outcome: received earlier than known, or other rules
			version = s.Version + 1
		}
	}
	var writes []warehouse.CallWrite
	for _, r := range records {
		w := warehouse.CallWrite{Record: r, Version: version}
		if old := find(stored, r); old != nil {
			if same(old.Record, r) {
				continue
			}
			w.GoneLegs = gone(old.Record.Legs, r.Legs)
			if n := old.Record.ClientNumber.Digits; n != "" && n != r.ClientNumber.Digits {
				w.GoneNumbers = []string{n}
			}
		}
		writes = append(writes, w)
	}
	for _, s := range stored {
		if !live(records, s.Record) {
			writes = append(writes, warehouse.CallWrite{Record: s.Record, Version: version, Deleted: true})
		}
	}
	return writes
}

// records derives, in the form that rows are read back in; revision is 1 where a silence ended a call by inference.
func (d *Deriver) records(key warehouse.CallKey, stored []warehouse.StoredEvent) (records []call.Record, revision uint16) {
	rules := d.opts.Rules(key.Integration)
	events := make([]call.Event, 0, len(stored))
	var last time.Time
	for _, s := range stored {
		e, err := d.opts.Decode(key.Integration, s.Body, s.ReceivedAt)
		if err != nil { // it could be read when it was stored
			d.metrics.unreadable.Inc()
			continue
		}
		events = append(events, e)
		if s.ReceivedAt.After(last) {
			last = s.ReceivedAt
		}
	}
	if time.Since(last) > d.opts.EndAfter {
		rules.EndOpen, revision = true, 1
	}
	records = call.Derive(events, rules)
	for i := range records {
		records[i] = warehouse.Canonical(records[i])
	}
	return records, revision
}

func find(stored []warehouse.StoredCall, r call.Record) *warehouse.StoredCall {
	for i := range stored {
		if sameKey(stored[i].Record, r) {
			return &stored[i]
		}
	}
	return nil
}

func live(records []call.Record, stored call.Record) bool {
	for _, r := range records {
		if sameKey(stored, r) {
			return true
		}
	}
	return false
}

func sameKey(a, b call.Record) bool {
	return a.CallID == b.CallID && a.StartedAt.Equal(b.StartedAt)
}

func same(a, b call.Record) bool { return reflect.DeepEqual(a, b) }

// gone are the legs that were and are no more.
func gone(old, now []call.Leg) []call.Leg {
	ids := make(map[uint64]bool, len(now))
	for _, l := range now {
		ids[l.ID] = true
	}
	var out []call.Leg
	for _, l := range old {
		if !ids[l.ID] {
			out = append(out, l)
		}
	}
	return out
}
