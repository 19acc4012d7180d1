package audit

import (
	"context"
	"fmt"
	"time"
)

// Point is an entry of a chain, by what identifies it.
type Point struct {
	Seq  uint64    `json:"seq"`
	At   time.Time `json:"at"`
	Hash string    `json:"hash"`
}

func pointOf(r Row) Point { return Point{Seq: r.Seq, At: r.At.UTC(), Hash: r.Hash} }

// Remembered is what an installation knows of its own chain apart from the
// chain's file, the table and the bucket.
type Remembered struct {
	Writer   string `json:"writer"`           // of its chain; "": nothing is remembered
	Newest   Point  `json:"newest"`           // entry that was seen in the file
	Anchored Point  `json:"anchored"`         // newest entry that an anchor was put for
	Sealed   string `json:"sealed,omitempty"` // newest day whose custody is sealed: 2026-03-02
}

// Memory keeps what is Remembered apart from the chain's file: in the vault of
// the installation, which whoever lacks its key can remove, but not forge.
type Memory interface {
	// Recall returns what is remembered; the zero value and nil where nothing is.
	Recall() (Remembered, error)
	// Remember changes what is remembered. When it returns nil the change is
	// durable. Several processes may do it at once.
	Remember(ctx context.Context, change func(*Remembered)) error
}

// recall is Memory.Recall, also where there is no memory.
func (t *Trail) recall() (Remembered, error) {
	if t.memory == nil {
		return Remembered{}, nil
	}
	return t.memory.Recall()
}

// remember has a row noted that is on disk, and one that is anchored.
func (t *Trail) remember(ctx context.Context, newest, anchored Row) error {
	if t.memory == nil {
		return nil
	}
	if err := t.memory.Remember(ctx, func(m *Remembered) { m.note(newest, anchored) }); err != nil {
		return fmt.Errorf("remember the newest entry of the audit: %w", err)
	}
	return nil
}

// note takes what is newer than what is known; of Seq 0 is no row. The first
// chain that is noted is the installation's, and the only one.
func (m *Remembered) note(newest, anchored Row) {
	if m.Writer == "" {
		m.Writer = newest.Writer
	}
	if m.Writer == newest.Writer && newest.Seq > m.Newest.Seq {
		m.Newest = pointOf(newest)
	}
	if m.Writer == anchored.Writer && anchored.Seq > m.Anchored.Seq {
		m.Anchored = pointOf(anchored)
	}
}

// recollect compares the file's chain with what is remembered. c is nil where
// there is no entry in the file; what is found is in the chain that is returned.
func (m Remembered) recollect(c *chain) *chain {
	switch {
	case m.Writer == "":
		return c
	case c == nil:
		c = newChain(m.Writer)
		c.Here = true
		c.problem("the file is gone or empty: it had %d entries, the newest of %s", m.Newest.Seq, m.Newest.At.Format(time.DateTime))
		return c // what is logged next goes on where it ended, and leaves the gap
	case c.Writer != m.Writer:
		c.contradicts = true
		c.problem("this is not the chain of this installation, which is %s and had %d entries: the file was replaced", m.Writer, m.Newest.Seq)
		return c
	case m.Newest.Seq > c.last.Seq:
		c.contradicts = true
		c.problem("the file ends with entry %d, and had %d: it was cut off, or brought back from an earlier backup", c.last.Seq, m.Newest.Seq)
	}
	for _, p := range []Point{m.Anchored, m.Newest} {
		if hash, ok := c.hashes[p.Seq]; ok && hash != p.Hash {
			c.contradicts = true
			c.problem("entry %d in the file is not the one that was there: the chain was rewritten, from there or from before", p.Seq)
			break
		}
	}
	return c
}
