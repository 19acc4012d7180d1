package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Report is what Verify found.
type Report struct {
	Chains []Chain `json:"chains"`
}

// Whole is true where nothing was found.
func (r Report) Whole() bool {
	for _, c := range r.Chains {
		if len(c.Problems) > 0 {
			return false
		}
	}
	return true
}

// Chain is what was found of one writer.
type Chain struct {
	Writer   string    `json:"writer"`
	Here     bool      `json:"here"` // its file is in this data folder
	Entries  uint64    `json:"entries"`
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
	Anchors  int       `json:"anchors"` // that agree
	Waiting  uint64    `json:"waiting"` // entries at the end that the table does not have yet
	Problems []string  `json:"problems"`
}

// Source is where Verify reads what is not in the file.
type Source interface {
	// EachAudit gives every row of the table, by writer, seq and hash.
	EachAudit(ctx context.Context, each func(Row) error) error
}

// maxProblems is how many are told of one chain; the others are counted.
const maxProblems = 20

// chain checks rows that come in order.
type chain struct {
	Chain
	last   Row
	hashes map[uint64]string
	days   map[string]Row
	more   int
}

func newChain(writer string) *chain {
	return &chain{Chain: Chain{Writer: writer, Problems: []string{}}, hashes: map[uint64]string{}, days: map[string]Row{}}
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
	c.hashes[r.Seq], c.days[dayOf(r)] = r.Hash, r
}

// Verify recomputes every chain: this data folder's from its file, and all from
// the table; compares the two, and both with the anchors. source and anchors
// may be nil: then they are not asked.
func (t *Trail) Verify(ctx context.Context, source Source, anchors Anchors) (Report, error) {
	own, err := t.verifyFile()
	if err != nil {
		return Report{}, err
	}
	var all []*chain
	if own != nil {
		all = append(all, own)
	}
	if source != nil {
		others, err := compare(ctx, own, source)
		if err != nil {
			return Report{}, err
		}
		all = append(all, others...)
	}
	if anchors != nil {
		if all, err = checkAnchors(ctx, all, anchors); err != nil {
			return Report{}, err
		}
	}
	r := Report{Chains: []Chain{}}
	for _, c := range all {
		if c.more > 0 {
			c.Problems = append(c.Problems, fmt.Sprintf("and %d more", c.more))
		}
		r.Chains = append(r.Chains, c.Chain)
	}
	return r, nil
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
		for _, line := range bad {
			c.problem("line %d of the file cannot be read", line)
		}
		for _, row := range rows {
			if c.Writer == "" {
				c.Writer = row.Writer
			}
			c.add(row, "the file")
		}
	}
}

// compare checks the table's chains, and the own one against the file's.
func compare(ctx context.Context, own *chain, source Source) ([]*chain, error) {
	var others []*chain
	var table *chain // of the own writer
	err := source.EachAudit(ctx, func(r Row) error {
		if own != nil && r.Writer == own.Writer {
			if table == nil {
				table = newChain(r.Writer)
			}
			table.add(r, "the table")
			if hash, ok := own.hashes[r.Seq]; ok && hash != r.Hash && r.Hash == r.sum() {
				own.problem("entry %d in the table is not the one in the file", r.Seq)
			}
			return nil
		}
		if n := len(others); n == 0 || others[n-1].Writer != r.Writer {
			others = append(others, newChain(r.Writer))
		}
		others[len(others)-1].add(r, "the table")
		return nil
	})
	if err != nil || own == nil {
		return others, err
	}
	if table == nil {
		own.Waiting = own.Entries
		return others, nil
	}
	for _, p := range table.Problems {
		own.problem("%s", p)
	}
	own.more += table.more
	switch {
	case table.last.Seq > own.last.Seq:
		own.problem("entries %d to %d are missing at the end of the file: the table has them", own.last.Seq+1, table.last.Seq)
	default:
		own.Waiting = own.last.Seq - table.last.Seq
	}
	return others, nil
}

// checkAnchors compares every anchor in the bucket with its chain. A day that
// could not be anchored yet has none.
func checkAnchors(ctx context.Context, all []*chain, anchors Anchors) ([]*chain, error) {
	keys, err := anchors.AnchorKeys(ctx, prefix)
	if err != nil {
		return nil, fmt.Errorf("list the audit's anchors: %w", err)
	}
	for _, key := range keys {
		writer, file, _ := strings.Cut(strings.TrimPrefix(key, prefix), "/")
		body, err := anchors.Anchor(ctx, key)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", key, err)
		}
		i := slices.IndexFunc(all, func(c *chain) bool { return c.Writer == writer })
		if i < 0 {
			all = append(all, newChain(writer))
			i = len(all) - 1
			all[i].problem("there are anchors of it, and no entries")
		}
		if c := all[i]; c.Entries > 0 {
			c.checkAnchor(strings.TrimSuffix(file, ".json"), body)
		}
	}
	return all, nil
}

func (c *chain) checkAnchor(day string, body []byte) {
	var a anchor
	last, ok := c.days[day]
	switch err := json.Unmarshal(body, &a); {
	case err != nil || a.Writer != c.Writer || a.Day != day:
		c.problem("the anchor of %s cannot be read", day)
	case !ok:
		c.problem("the anchor of %s has entry %d, the chain has none on that day", day, a.Seq)
	case c.hashes[a.Seq] != a.Hash:
		c.problem("the anchor of %s holds another hash of entry %d", day, a.Seq)
	case a.Seq != last.Seq:
		c.problem("the anchor of %s ends with entry %d, the chain has %d on that day", day, a.Seq, last.Seq)
	default:
		c.Anchors++
	}
}
