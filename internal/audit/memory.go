package audit

import (
	"context"
	"fmt"
	"time"
)

// Point identifies an entry of a chain.
type Point struct {
	Seq  uint64    `json:"seq"`
	At   time.Time `json:"at"`
	Hash string    `json:"hash"`
}

func pointOf(r Row) Point { return Point{Seq: r.Seq, At: r.At.UTC(), Hash: r.Hash} }

// Remembered is what the vault knows of the installation's chain, independently of the
// chain's file, the table and the bucket.
type Remembered struct {
	Writer   string `json:"writer"`           // of its chain; "": nothing is remembered
	Newest   Point  `json:"newest"`           // the newest entry that was in the file
	Anchored Point  `json:"anchored"`         // the newest entry that an anchor was put for
	Sealed   string `json:"sealed,omitempty"` // the newest day whose custody is sealed: 2026-03-02
}

// Memory keeps Remembered apart from the chain's file: in the vault of
// the installation, which nobody can forge without its key, though delete.
type Memory interface {
	// Recall returns what is remembered; the zero value and nil where nothing is.
	Recall() (Remembered, error)
	// Remember changes what is remembered. When it returns nil the change is
	// durable. Several processes may do it at once.
	Remember(ctx context.Context, change func(*Remembered)) error
}

// recall is Memory.Recall; without a Memory it returns the zero value.
func (t *Trail) recall() (Remembered, error) {
	if t.memory == nil {
		return Remembered{}, nil
	}
	return t.memory.Recall()
}

// remember saves which row is the newest on disk, and which the newest anchored one.
func (t *Trail) remember(ctx context.Context, newest, anchored Row) error {
	if t.memory == nil {
		return nil
	}
	if err := t.memory.Remember(ctx, func(m *Remembered) { m.note(newest, anchored) }); err != nil {
		return fmt.Errorf("remember the newest entry of the audit: %w", err)
	}
	return nil
}

// note updates m with rows that are newer; a row with Seq 0 is none. The first
// chain that is noted becomes the installation's; rows of others are ignored.
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

// compare compares the file's chain with the memory. c is nil where
// the file has no entry; the findings are in the chain that is returned.
func (m Remembered) compare(c *chain) *chain {
	switch {
	case m.Writer == "":
		return c
	case c == nil:
		c = newChain(m.Writer)
		c.Here = true
		c.problem("the file is gone or empty: it had %d entries, the newest of %s", m.Newest.Seq, m.Newest.At.Format(time.DateTime))
		return c // the next entry continues the chain, so that the gap stays visible
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
