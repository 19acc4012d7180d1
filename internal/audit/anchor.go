package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// ErrNoAnchor says that the bucket has no such anchor.
var ErrNoAnchor = errors.New("no such anchor")

// Anchors is the bucket.
type Anchors interface {
	// PutAnchor stores a small object under a key. It never overwrites: where
	// the key is taken it may return nil or an error.
	PutAnchor(ctx context.Context, key string, body []byte) error
	// Anchor reads one; ErrNoAnchor.
	Anchor(ctx context.Context, key string) ([]byte, error)
	// AnchorKeys lists all keys that begin with prefix, in order.
	AnchorKeys(ctx context.Context, prefix string) ([]string, error)
}

// prefix of the keys of all anchors.
const prefix = "audit/"

// An anchor says how far a chain had come when a day was over. It is a function
// of the chain alone, so that it can be written again.
type anchor struct {
	Schema string    `json:"schema"`
	Writer string    `json:"writer"`
	Day    string    `json:"day"` // UTC; the row is the last of it
	Seq    uint64    `json:"seq"`
	At     time.Time `json:"at"`
	Hash   string    `json:"hash"`
}

const anchorSchema = "fonoteka.audit-anchor/1"

func anchorOf(r Row) anchor {
	return anchor{Schema: anchorSchema, Writer: r.Writer, Day: dayOf(r), Seq: r.Seq, At: r.At, Hash: r.Hash}
}

func dayOf(r Row) string { return r.At.UTC().Format(time.DateOnly) }

func (a anchor) key() string { return prefix + a.Writer + "/" + a.Day + ".json" }

func (a anchor) body() []byte {
	b, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		panic(err) // strings, a number and a time of this century
	}
	return append(b, '\n')
}

// days are the last rows of the days that are not anchored yet.
type days struct {
	last    []Row // by day; of the day that goes on, too
	checked bool  // whether the bucket was asked which it has
}

func (d *days) note(r Row) {
	if n := len(d.last); n > 0 && dayOf(d.last[n-1]) == dayOf(r) {
		d.last[n-1] = r
		return
	}
	d.last = append(d.last, r)
}

// Anchor puts an anchor for each day that is over and has none. The rows must
// have been read by Ship.
func (s *Shipper) Anchor(ctx context.Context) error {
	if s.o.Anchors == nil {
		return nil
	}
	err := s.anchor(ctx)
	if err != nil && ctx.Err() == nil {
		s.trail.m.failures.WithLabelValues("anchor").Inc()
	}
	return err
}

func (s *Shipper) anchor(ctx context.Context) error {
	today := s.trail.now().UTC().Format(time.DateOnly)
	over := s.days.last
	for len(over) > 0 && dayOf(over[len(over)-1]) >= today {
		over = over[:len(over)-1]
	}
	if len(over) == 0 {
		return nil
	}
	have := 0
	if !s.days.checked { // days are anchored in order: what lies before the newest anchor is there
		for have = len(over); have > 0; have-- {
			there, err := s.anchored(ctx, anchorOf(over[have-1]))
			if err != nil {
				return err
			}
			if there {
				break
			}
		}
	}
	for _, r := range over[have:] {
		a := anchorOf(r)
		if err := s.o.Anchors.PutAnchor(ctx, a.key(), a.body()); err != nil {
			if there, err := s.anchored(ctx, a); err == nil && there {
				continue // an earlier try, whose answer was lost
			}
			return fmt.Errorf("anchor the audit of %s: %w", a.Day, err)
		}
		s.trail.log.Info("the audit is anchored", "day", a.Day, "seq", a.Seq)
	}
	s.days.last, s.days.checked = append([]Row(nil), s.days.last[len(over):]...), true
	return nil
}

// anchored tells whether the bucket has a day's anchor. One that says something
// else stays, and is reported.
func (s *Shipper) anchored(ctx context.Context, a anchor) (bool, error) {
	body, err := s.o.Anchors.Anchor(ctx, a.key())
	switch {
	case errors.Is(err, ErrNoAnchor):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("look for the audit's anchor of %s: %w", a.Day, err)
	case !bytes.Equal(body, a.body()):
		s.forked("the audit's anchor says something else than its file", "day", a.Day)
	}
	return true, nil
}
