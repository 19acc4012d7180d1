package custody

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/pack"
)

// Written is a step with the day on which it was written, UTC.
type Written struct {
	On time.Time
	call.Custody
}

// compare orders the steps of one recording by the day on which they were written, and
// those of a day by their fields. Nothing is written on a day that is over, so that a
// step is only ever put behind those of the days before it.
func (w Written) compare(o Written) int {
	return cmp.Or(
		w.On.Compare(o.On), w.At.Compare(o.At), cmp.Compare(w.Step, o.Step), cmp.Compare(w.Attempt, o.Attempt),
		cmp.Compare(w.SHA256, o.SHA256), cmp.Compare(w.Detail, o.Detail),
	)
}

// Chain chains the steps of one recording, which are put in their order. secret is that of
// the table custody_secret: a step has the same salt whenever it is chained. Who knows the
// secret can try out what an erased detail may have been; nobody else can.
func Chain(secret string, steps []Written) []pack.Step {
	if len(steps) == 0 {
		return nil
	}
	slices.SortFunc(steps, Written.compare)
	chain := pack.Chain{Integration: steps[0].Integration, RecordingID: steps[0].RecordingID}
	out := make([]pack.Step, len(steps))
	for i, s := range steps {
		out[i] = chain.Add(s.At, s.Step, s.Attempt, s.SHA256, s.Detail, salt(secret, s.Custody))
	}
	return out
}

func salt(secret string, c call.Custody) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(appendLine(nil, c))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// Heads computes the Sum of each day with steps, from the day from to the day to: the
// number of its steps, and the digest of where the chains of their recordings stood at
// its end, a line for each with integration, recording id, number and hash of the last
// step. It holds the steps of one recording, and one hash for each day.
func Heads(ctx context.Context, rows Rows, from, to time.Time) (map[string]Sum, error) {
	secret, err := rows.CustodySecret(ctx)
	if err != nil {
		return nil, err
	}
	h := heads{secret: secret, from: from, to: to, days: map[string]*daySum{}}
	err = rows.EachChained(ctx, from, to, func(on time.Time, c call.Custody) error {
		if n := len(h.steps); n > 0 && (h.steps[0].Integration != c.Integration || h.steps[0].RecordingID != c.RecordingID) {
			h.flush()
		}
		h.steps = append(h.steps, Written{on.UTC(), c})
		return nil
	})
	if err != nil {
		return nil, err
	}
	h.flush()
	out := make(map[string]Sum, len(h.days))
	for day, s := range h.days {
		out[day] = Sum{s.rows, hex.EncodeToString(s.hash.Sum(nil))}
	}
	return out, nil
}

type daySum struct {
	rows uint64
	hash hash.Hash
}

// heads gathers the steps of one recording after the other.
type heads struct {
	secret   string
	from, to time.Time
	steps    []Written
	days     map[string]*daySum
}

// flush adds the recording's chain to the days on which it grew.
func (h *heads) flush() {
	chained := Chain(h.secret, h.steps)
	for i, s := range h.steps {
		if s.On.Before(h.from) || s.On.After(h.to) {
			continue
		}
		day := Day(s.On)
		sum := h.days[day]
		if sum == nil {
			sum = &daySum{hash: sha256.New()}
			h.days[day] = sum
		}
		sum.rows++
		if i == len(h.steps)-1 || !h.steps[i+1].On.Equal(s.On) {
			fmt.Fprintf(sum.hash, "%s\t%s\t%d\t%s\n", appendText(nil, s.Integration), appendText(nil, s.RecordingID), chained[i].N, chained[i].Hash)
		}
	}
	h.steps = h.steps[:0]
}
