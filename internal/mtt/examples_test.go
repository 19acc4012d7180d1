package mtt_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/mtt"
)

// The page's examples, in any order and years late, make the CDRs that the
// page's own text tells.
func TestExamplesMakeTwoCalls(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		byCall := map[uint64][]call.Event{}
		names := []string{"01-incoming-trying", "02-outgoing-trying", "03-outgoing-showing", "04-outgoing-connected", "05-outgoing-hiding", "06-outgoing-finished", "07-incoming-finished", "08-incoming-finished-as-printed", "09-recorded"}
		rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		for i, name := range names {
			e, err := mtt.Decode(example(t, name), mtt.Context{Integration: "main", ReceivedAt: received.Add(time.Duration(i) * 300 * time.Millisecond)})
			if err != nil {
				t.Fatal(err)
			}
			byCall[e.GroupID()] = append(byCall[e.GroupID()], e)
		}
		var records []call.Record
		for _, events := range byCall {
			records = append(records, call.Derive(events, call.Rules{AbandonAfter: 5 * time.Second})...)
		}
		slices.SortFunc(records, func(a, b call.Record) int { return a.StartedAt.Compare(b.StartedAt) })
		if len(records) != 2 {
			t.Fatalf("seed %d: %d records, want 2", seed, len(records))
		}
		in, out := records[0], records[1]
		for name, ok := range map[string]bool{
			"outgoing direction":   out.Direction == call.Outgoing,
			"outgoing start":       out.StartedAt.Equal(time.Date(2020, 6, 24, 15, 1, 45, 0, time.UTC)),
			"outgoing ring":        out.RingKnown && out.Ring == 10*time.Second,
			"outgoing wait":        out.WaitKnown && out.Wait == 10*time.Second,
			"outgoing talk":        out.Outcome == call.Answered && out.Talk == 3*time.Second,
			"outgoing end":         out.EndedAt.Equal(time.Date(2020, 6, 24, 15, 1, 58, 0, time.UTC)) && !out.EndInexact,
			"outgoing account":     out.AccountID == "883140582526566",
			"outgoing client":      out.ClientNumber.Digits == "79219462761",
			"outgoing external":    out.ExternalNumber.Digits == "78005560251",
			"client hung up":       out.HungUp == call.ClientHungUp,
			"one outgoing leg":     len(out.Legs) == 1 && out.Legs[0].Kind == call.Workplace,
			"incoming direction":   in.Direction == call.Incoming,
			"incoming id":          in.PlatformCallID == incomingBase,
			"incoming talk":        in.Outcome == call.Answered && in.Talk == 4*time.Second && in.AnsweredByDuration && in.AnsweredAt.IsZero(),
			"incoming numbers":     in.ExternalNumber.Digits == "74996497803" && in.ClientNumber.Digits == "78124241500",
			"we hung up":           in.HungUp == call.UsHungUp,
			"parking, then a leg":  len(in.Legs) == 2 && in.Legs[0].Kind != in.Legs[1].Kind,
			"not years of waiting": in.EndedAt.Sub(in.StartedAt) < time.Minute && !in.WaitKnown,
			"neither is partial":   !in.Partial && !out.Partial,
		} {
			if !ok {
				t.Errorf("seed %d: %s is wrong\nincoming %+v\noutgoing %+v", seed, name, in, out)
			}
		}
	}
}
