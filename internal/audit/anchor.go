package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrNoAnchor says that the bucket has no such anchor.
var ErrNoAnchor = errors.New("no such anchor")

// Anchors is the bucket. One that does not exist has no anchors, which is no error.
type Anchors interface {
	// PutAnchor stores a small object under a key. It never overwrites: where
	// the key is taken it may return nil or an error.
	PutAnchor(ctx context.Context, key string, body []byte) error
	// Anchor reads one; ErrNoAnchor.
	Anchor(ctx context.Context, key string) ([]byte, error)
	// AnchorKeys lists all keys that begin with prefix, in order.
	AnchorKeys(ctx context.Context, prefix string) ([]string, error)
}

// The keys of all anchors begin with AnchorPrefix, and those of the notes that say
// which chain is an installation's with InstallationPrefix.
const (
	AnchorPrefix       = "audit/"
	InstallationPrefix = "installations/"
)

// An anchor holds the last entry of a chain on a day. It is a function
// of the chain alone.
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
	return anchor{Schema: anchorSchema, Writer: r.Writer, Day: dayOf(r.At), Seq: r.Seq, At: r.At, Hash: r.Hash}
}

func dayOf(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// endOfDay is the first moment after the day of t, UTC.
func endOfDay(t time.Time) time.Time {
	return t.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
}

func (a anchor) key() string { return AnchorPrefix + a.Writer + "/" + a.Day + ".json" }

func (a anchor) body() []byte { return document(a) }

// document is an object of the bucket.
func document(v any) []byte {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err) // strings, a number and a time of this century
	}
	return append(b, '\n')
}

// A note says in the bucket which chain is an installation's. The first stays.
type note struct {
	Schema       string `json:"schema"`
	Installation string `json:"installation"`
	Writer       string `json:"writer"`
}

const noteSchema = "fonoteka.audit-installation/1"

func noteKey(installation string) string { return InstallationPrefix + installation + "/audit.json" }

// days are the last rows of the days that are not anchored yet.
type days struct {
	last    []Row // by day; also of the day that is not over
	checked bool  // whether the bucket was asked which it has
}

func (d *days) add(r Row) {
	if n := len(d.last); n > 0 && dayOf(d.last[n-1].At) == dayOf(r.At) {
		d.last[n-1] = r
		return
	}
	d.last = append(d.last, r)
}

// since are the days after that of a row.
func (d *days) since(r Row) []Row {
	i := slices.IndexFunc(d.last, func(l Row) bool { return l.At.After(r.At) })
	if i < 0 {
		return nil
	}
	return slices.Clone(d.last[i:])
}

// Anchor puts an anchor for each day that is over and never had one. The rows
// must have been read by Ship. A day whose anchor was put once gets no other: that one
// was deleted is a finding of Check, which a new anchor would hide.
func (s *Shipper) Anchor(ctx context.Context) error {
	if s.opts.Anchors == nil || len(s.days.last) == 0 {
		return nil
	}
	err := s.anchor(ctx)
	if err != nil && ctx.Err() == nil {
		s.trail.m.failures.WithLabelValues("anchor").Inc()
		s.countLate()
	}
	return err
}

// countLate counts in the metric the days that have waited too long for their anchor. It
// uses the file alone: while no anchor can be put, the bucket can hardly be read, so that
// Check cannot count them. The next check is due at once.
func (s *Shipper) countLate() {
	n := 0
	for _, r := range s.over() {
		if s.trail.now().Sub(endOfDay(r.At)) > anchorWithin {
			n++
		}
	}
	s.trail.m.late.Set(float64(n))
	if n > 0 {
		s.due = time.Time{}
	}
}

func (s *Shipper) anchor(ctx context.Context) error {
	if err := s.putNote(ctx); err != nil {
		return err
	}
	over := s.over()
	if len(over) == 0 {
		return nil
	}
	have, err := s.haveAnchors(ctx, over)
	if err != nil {
		return err
	}
	for _, r := range over[have:] {
		a := anchorOf(r)
		if err := s.opts.Anchors.PutAnchor(ctx, a.key(), a.body()); err != nil {
			if there, err := s.anchored(ctx, a); err == nil && there {
				continue // put by an earlier try, whose answer was lost
			}
			return fmt.Errorf("anchor the audit of %s: %w", a.Day, err)
		}
		s.trail.log.Info("audit anchored", "day", a.Day, "seq", a.Seq)
	}
	last := over[len(over)-1]
	s.remember(ctx, last, last)
	s.days.last, s.days.checked = s.days.since(last), true
	return nil
}

// over are the last rows of the days that are over and not known to be anchored.
func (s *Shipper) over() []Row {
	today := dayOf(s.trail.now())
	over := s.days.last
	for len(over) > 0 && dayOf(over[len(over)-1].At) >= today {
		over = over[:len(over)-1]
	}
	for len(over) > 0 && over[0].Writer == s.known.Writer && over[0].Seq <= s.known.Anchored.Seq {
		over = over[1:]
	}
	return over
}

// haveAnchors counts the days that have their anchor already. Days are anchored
// in order: every day before the newest anchor had one.
func (s *Shipper) haveAnchors(ctx context.Context, over []Row) (int, error) {
	have := 0
	if !s.days.checked {
		for have = len(over); have > 0; have-- {
			there, err := s.anchored(ctx, anchorOf(over[have-1]))
			if err != nil {
				return 0, err
			}
			if there {
				break
			}
		}
	}
	return have, nil
}

// anchored says whether the bucket has a day's anchor. One with other contents stays, and
// is reported.
func (s *Shipper) anchored(ctx context.Context, a anchor) (bool, error) {
	body, err := s.opts.Anchors.Anchor(ctx, a.key())
	switch {
	case errors.Is(err, ErrNoAnchor):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("look for the audit's anchor of %s: %w", a.Day, err)
	case !bytes.Equal(body, a.body()):
		s.forked("the audit's anchor differs from its file", "day", a.Day)
	}
	return true, nil
}

// putNote notes in the bucket once which chain is this installation's.
func (s *Shipper) putNote(ctx context.Context) error {
	if s.noted || s.trail.installation == "" || s.distrust {
		return nil
	}
	key := noteKey(s.trail.installation)
	body := document(note{noteSchema, s.trail.installation, s.days.last[0].Writer})
	found, err := s.opts.Anchors.Anchor(ctx, key)
	if errors.Is(err, ErrNoAnchor) {
		found, err = body, s.opts.Anchors.PutAnchor(ctx, key, body)
	}
	if err != nil {
		return fmt.Errorf("note in the bucket which audit is this installation's: %w", err)
	}
	if s.noted = true; !bytes.Equal(found, body) {
		s.forked("the bucket says that another chain is this installation's audit")
	}
	return nil
}
