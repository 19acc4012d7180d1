package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// anchorWithin is how long after its end a day may have no anchor: serve makes it
// within a minute, unless serve or the bucket is away.
const anchorWithin = 48 * time.Hour

// bucketContents is what the bucket has of the audit.
type bucketContents struct {
	there        bool                         // there is a bucket
	asked        bool                         // what follows is complete; also where there is no bucket
	installation string                       // "": no note is expected
	note         []byte                       // which chain is the installation's; nil: it does not say
	anchors      map[string]map[string][]byte // by writer and day
}

// readBucket asks for the note and all anchors.
func (t *Trail) readBucket(ctx context.Context, anchors Anchors) (bucketContents, error) {
	says := bucketContents{there: anchors != nil, installation: t.installation, anchors: map[string]map[string][]byte{}}
	if anchors == nil {
		says.asked = true
		return says, nil
	}
	if t.installation != "" {
		note, err := anchors.Anchor(ctx, noteKey(t.installation))
		if err != nil && !errors.Is(err, ErrNoAnchor) {
			return says, fmt.Errorf("ask which audit is this installation's: %w", err)
		}
		says.note = note
	}
	keys, err := anchors.AnchorKeys(ctx, AnchorPrefix)
	if err != nil {
		return says, fmt.Errorf("list the audit's anchors: %w", err)
	}
	for _, key := range keys {
		writer, file, _ := strings.Cut(strings.TrimPrefix(key, AnchorPrefix), "/")
		body, err := anchors.Anchor(ctx, key)
		if err != nil {
			return says, fmt.Errorf("read %s: %w", key, err)
		}
		if says.anchors[writer] == nil {
			says.anchors[writer] = map[string][]byte{}
		}
		says.anchors[writer][strings.TrimSuffix(file, ".json")] = body
	}
	says.asked = true
	return says, nil
}

// checkNote compares the file's chain with the note of which chain is this
// installation's. c is nil where there is no file; forgotten: the memory is empty.
func (says bucketContents) checkNote(c *chain, forgotten bool) *chain {
	if says.note == nil {
		return c
	}
	var n note
	_ = json.Unmarshal(says.note, &n)
	switch {
	case !bytes.Equal(says.note, document(note{noteSchema, says.installation, n.Writer})) || n.Writer == "":
		c = orUnknown(c)
		c.problem("the bucket's note of which audit is this installation's cannot be read")
	case c == nil:
		c = newChain(n.Writer)
		c.Here = true
		c.problem("the file is gone or empty: the bucket says that this installation has a chain")
	case c.Writer != n.Writer && c.Writer != unknown:
		c.problem("the bucket says that the chain of this installation is %s: the file was replaced", n.Writer)
	}
	if forgotten && len(c.Problems) == 0 {
		c.problem("what this installation remembered of its audit is gone: serve remembers it again")
	}
	return c
}

// checkAnchors compares every anchor with its chain. others says that all chains are known,
// so that anchors of an unknown one are a finding.
func (says bucketContents) checkAnchors(all []*chain, others bool) []*chain {
	for _, writer := range slices.Sorted(maps.Keys(says.anchors)) {
		i := slices.IndexFunc(all, func(c *chain) bool { return c.Writer == writer })
		if i < 0 && !others {
			continue
		}
		if i < 0 {
			i, all = len(all), append(all, newChain(writer))
			all[i].problem("there are anchors of it, and no entries")
		}
		for _, day := range slices.Sorted(maps.Keys(says.anchors[writer])) {
			if len(all[i].days) > 0 {
				all[i].checkAnchor(day, says.anchors[writer][day])
			}
		}
	}
	return all
}

func (c *chain) checkAnchor(day string, body []byte) {
	var a anchor
	last, ok := c.days[day]
	switch err := json.Unmarshal(body, &a); {
	case err != nil || a.Writer != c.Writer || a.Day != day:
		c.problem("the anchor of %s cannot be read", day)
	case c.hashes[a.Seq] == "" && !ok:
		c.problem("the anchor of %s has entry %d, which the chain has no more: it was cut off, or brought back from an earlier backup", day, a.Seq)
	case !ok:
		c.problem("the anchor of %s has entry %d, the chain has none on that day", day, a.Seq)
	case c.hashes[a.Seq] != a.Hash:
		c.problem("the anchor of %s holds another hash of entry %d", day, a.Seq)
	case a.Seq != last.Seq:
		c.problem("the anchor of %s ends with entry %d, the chain has %d on that day", day, a.Seq, last.Seq)
	case !bytes.Equal(body, anchorOf(last).body()):
		c.problem("the anchor of %s does not read as it was written", day)
	default:
		c.Anchors++
	}
}

// unanchored classifies the days that have no anchor. Days are anchored in order, so
// that a day before one that has, or had, an anchor had one as well.
func (c *chain) unanchored(now time.Time, says bucketContents, m Remembered) {
	if !says.there && c.Entries > 0 {
		c.Unproven = "there is no bucket to hold anchors"
	}
	have := says.anchors[c.Writer]
	days, newest := slices.Collect(maps.Keys(c.days)), ""
	for day := range have {
		newest = max(newest, day)
	}
	if c.Writer == m.Writer && m.Anchored.Seq > 0 {
		day := dayOf(m.Anchored.At)
		days, newest = append(days, day), max(newest, day)
	}
	slices.Sort(days)
	for _, day := range slices.Compact(days) {
		begin, _ := time.Parse(time.DateOnly, day)
		over := now.Sub(endOfDay(begin))
		switch {
		case have[day] != nil:
		case day <= newest:
			c.Gone = append(c.Gone, day)
		case over > anchorWithin && c.Here:
			c.Late = append(c.Late, day)
		case over > anchorWithin:
			c.Unproven = "the entries since " + day + " have no anchor, and its data folder makes none any more"
		case begin.Sub(now) > anchorWithin:
			c.Unproven = "the entries of " + day + " lie ahead of this machine's clock, and are anchored when that day is over"
		default:
			c.Days = append(c.Days, day)
		}
	}
	if len(c.Gone) > 0 {
		c.problem("anchors that were put are gone from the bucket: %s", someDays(c.Gone))
	}
	if len(c.Late) > 0 {
		c.problem("days have entries and no anchor, more than two days after their end: %s", someDays(c.Late))
	}
}

// someDays are the first of days, and how many more there are.
func someDays(days []string) string {
	const some = 5
	if len(days) <= some {
		return strings.Join(days, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(days[:some], ", "), len(days)-some)
}
