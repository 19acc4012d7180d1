package audit

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Verdict sums a Report up: the first that applies.
type Verdict string

// Verdicts.
const (
	Found      Verdict = "found"        // something was altered, removed or added
	Unasked    Verdict = "not asked"    // nothing was found, but the table or the bucket could not be read
	Unanchored Verdict = "not anchored" // nothing was found, but no anchor proves that the chain was not replaced as a whole
	Whole      Verdict = "whole"        // nothing was found, and every day that ended more than two days ago has its anchor
)

// Report is what Verify found.
type Report struct {
	Chains  []Chain  `json:"chains"`
	Unasked []string `json:"unasked"` // what could not be read, and why
}

// Verdict sums the report up.
func (r Report) Verdict() Verdict {
	v := Whole
	for _, c := range r.Chains {
		switch {
		case len(c.Problems) > 0:
			return Found
		case c.Unproven != "":
			v = Unanchored
		}
	}
	if len(r.Unasked) > 0 {
		return Unasked
	}
	return v
}

// Chain is what was found about one writer's chain.
type Chain struct {
	Writer   string    `json:"writer"`
	Here     bool      `json:"here"` // it is that of this data folder
	Entries  uint64    `json:"entries"`
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
	Anchors  int       `json:"anchors"`  // anchors that agree with it
	Waiting  uint64    `json:"waiting"`  // entries at the end that the table does not have yet
	Days     []string  `json:"days"`     // that will get their anchor when they are over
	Late     []string  `json:"late"`     // that have no anchor two days after their end; also in Problems
	Gone     []string  `json:"gone"`     // whose anchor was put, and is not in the bucket any more; also in Problems
	Unproven string    `json:"unproven"` // why no anchor proves that the chain was not replaced; "": one does
	Problems []string  `json:"problems"`
}

// Source is where Verify reads what is not in the file.
type Source interface {
	// EachAudit gives every row of the table, by writer, seq and hash.
	EachAudit(ctx context.Context, each func(Row) error) error
}

// maxProblems is how many are listed for one chain; the others are counted.
const maxProblems = 20

// chain checks rows that come in order.
type chain struct {
	Chain
	last        Row
	hashes      map[uint64]string
	days        map[string]Row // their last rows
	more        int            // problems that are not listed
	contradicts bool           // the memory
}

func newChain(writer string) *chain {
	return &chain{
		Chain:  Chain{Writer: writer, Days: []string{}, Late: []string{}, Gone: []string{}, Problems: []string{}},
		hashes: map[uint64]string{}, days: map[string]Row{},
	}
}

func (c *chain) problem(format string, args ...any) {
	if len(c.Problems) >= maxProblems {
		c.more++
		return
	}
	c.Problems = append(c.Problems, fmt.Sprintf(format, args...))
}

func (c *chain) add(r Row, where string) {
	switch {
	case r.Writer != c.Writer:
		c.problem("entry %d in %s is of another chain, %s", r.Seq, where, r.Writer)
	case r.Version > newestVersion:
		c.problem("entry %d in %s has version %d, which this program does not know", r.Seq, where, r.Version)
	case r.Hash != r.sum():
		c.problem("entry %d in %s was altered: it does not have its hash", r.Seq, where)
	case c.Entries > 0 && r.Seq == c.last.Seq:
		c.problem("entry %d in %s is there twice, with different words", r.Seq, where)
		return
	case r.Seq != c.last.Seq+1:
		c.problem("entries %d to %d are missing in %s", c.last.Seq+1, r.Seq-1, where)
	case r.PrevHash != c.last.Hash:
		c.problem("entry %d in %s does not follow entry %d: one of them was replaced", r.Seq, where, c.last.Seq)
	case r.At.Before(c.last.At):
		c.problem("entry %d in %s is older than the one before it", r.Seq, where)
	}
	if c.Entries == 0 {
		c.First = r.At
	}
	c.Entries++
	c.Last, c.last = r.At, r
	c.hashes[r.Seq], c.days[dayOf(r.At)] = r.Hash, r
}

// Verify recomputes every chain: that of this data folder from its file, and all from
// the table; compares the two, and both with the anchors and the
// memory. source and anchors may be nil: without a table only the chain of this data
// folder is verified, and without a bucket no chain is anchored. Where one
// cannot be read, the report has the findings from the others.
//
// The file is read last: it then has whatever the others have, also entries that are
// logged, shipped and anchored meanwhile.
func (t *Trail) Verify(ctx context.Context, source Source, anchors Anchors) (Report, error) {
	r := Report{Chains: []Chain{}, Unasked: []string{}}
	unasked := func(what string, err error) {
		if err != nil {
			r.Unasked = append(r.Unasked, fmt.Sprintf("%s: %v", what, err))
		}
	}
	memory, sealed := t.recall()
	bucket, err := t.readBucket(ctx, anchors)
	unasked("the bucket", err)
	tables, err := readTable(ctx, source)
	unasked("the table", err)
	if err := ctx.Err(); err != nil {
		return Report{}, err
	}
	own, err := t.own(memory, sealed)
	if err != nil {
		return Report{}, err
	}
	own = bucket.checkNote(own, t.memory != nil && sealed == nil && memory.Writer == "")
	all := join(own, tables)
	if bucket.asked {
		all = bucket.checkAnchors(all, source != nil && tables != nil)
	}
	for _, c := range all {
		if bucket.asked {
			c.unanchored(t.now(), bucket, memory)
		}
		if c.more > 0 {
			c.Problems = append(c.Problems, fmt.Sprintf("and %d more", c.more))
		}
		r.Chains = append(r.Chains, c.Chain)
	}
	return r, nil
}

// own is the chain of the file, compared with the memory m; sealed is the error of reading
// the memory. nil where there is neither file nor memory.
func (t *Trail) own(m Remembered, sealed error) (*chain, error) {
	c, err := t.verifyFile()
	if err != nil {
		return nil, err
	}
	if sealed != nil {
		c = orUnknown(c)
		c.problem("what this installation remembers of it cannot be read: %v", sealed)
	}
	return m.compare(c), nil
}

// unknown is the writer of a chain that should exist here, and whose name is not known.
const unknown = "unknown"

func orUnknown(c *chain) *chain {
	if c == nil {
		c = newChain(unknown)
		c.Here = true
	}
	return c
}

func (t *Trail) verifyFile() (*chain, error) {
	var c *chain
	for r := t.reader(); ; {
		rows, bad, err := r.next(batch)
		if err != nil {
			return nil, err
		}
		if len(rows)+len(bad) == 0 {
			return c, nil
		}
		if c == nil {
			c = newChain("")
			c.Here = true
		}
		for _, b := range bad {
			c.problem("line %d of the file %v", b.line, b.err)
		}
		for _, row := range rows {
			if c.Writer == "" {
				c.Writer = row.Writer
			}
			c.add(row, "the file")
		}
	}
}

// readTable checks the table's chains; nil where it was not read.
func readTable(ctx context.Context, source Source) ([]*chain, error) {
	if source == nil {
		return nil, nil
	}
	chains := []*chain{}
	err := source.EachAudit(ctx, func(r Row) error {
		if n := len(chains); n == 0 || chains[n-1].Writer != r.Writer {
			chains = append(chains, newChain(r.Writer))
		}
		chains[len(chains)-1].add(r, "the table")
		return nil
	})
	if err != nil {
		return nil, err
	}
	return chains, nil
}

// join compares the file's chain with that of the same writer in the table, and returns all
// chains, each once, the file's first.
func join(own *chain, tables []*chain) []*chain {
	if own == nil {
		return tables
	}
	all := []*chain{own}
	own.Waiting = own.Entries
	for _, c := range tables {
		if c.Writer == own.Writer {
			own.compare(c)
		} else {
			all = append(all, c)
		}
	}
	return all
}

// compare adds the problems of the same chain in the table, and the differences.
// Entries that the file lacks are taken from the table, so that the anchors are compared
// with them.
func (c *chain) compare(table *chain) {
	for _, p := range table.Problems {
		c.problem("%s", p)
	}
	c.more += table.more
	if table.last.Seq > c.last.Seq {
		c.problem("entries %d to %d are missing at the end of the file: the table has them", c.last.Seq+1, table.last.Seq)
	}
	c.Waiting = c.last.Seq - min(c.last.Seq, table.last.Seq)
	for _, seq := range slices.Sorted(maps.Keys(table.hashes)) {
		hash, ok := c.hashes[seq]
		if !ok {
			c.hashes[seq] = table.hashes[seq]
		} else if hash != table.hashes[seq] {
			c.problem("entry %d in the table is not the one in the file", seq)
		}
	}
	for day, r := range table.days {
		if have, ok := c.days[day]; !ok || have.Seq < r.Seq {
			c.days[day] = r
		}
	}
}
