package calls_test

import (
	"math/bits"
	"sync/atomic"
	"time"

	"pgregory.net/rapid"

	"fonoteka/internal/call"
)

// What a column must hold: any bytes at all.
func anyText() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"", "79219462761", "it's", `a\b`, `"q"`, "`", "😀 Привет", "\xff\xfe", "\x00", "tab\tnl\n", "NULL", "\\N"}),
		rapid.String(),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 20), func(b []byte) string { return string(b) }),
	)
}

// Few months, since each one is a part with a sync of its own.
func anyTime() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		month := rapid.SampledFrom([]string{"2000-01-01 00:00:00", "2026-11-20 10:00:00", "2034-12-31 23:59:59"}).Draw(t, "month")
		return at(month).Add(time.Duration(rapid.Int64Range(0, 999).Draw(t, "ms")) * time.Millisecond)
	})
}

func anyTimeOrNone() *rapid.Generator[time.Time] {
	return rapid.OneOf(anyTime(), rapid.Just(time.Time{}))
}

func anyDuration() *rapid.Generator[time.Duration] {
	return rapid.Map(rapid.Uint32(), func(ms uint32) time.Duration { return time.Duration(ms) * time.Millisecond })
}

func anyMember(t *rapid.T, label string) call.Member {
	return call.Member{AccountID: anyText().Draw(t, label), Extension: anyText().Draw(t, label), Name: anyText().Draw(t, label)}
}

func anyLeg() *rapid.Generator[call.Leg] {
	return rapid.Custom(func(t *rapid.T) call.Leg {
		l := call.Leg{
			ID: rapid.Uint64().Draw(t, "leg"), PlatformID: anyText().Draw(t, "leg id"),
			Kind:      rapid.SampledFrom([]call.LegKind{call.Parking, call.Workplace, call.Attendant, call.Forwarded}).Draw(t, "kind"),
			AccountID: anyText().Draw(t, "account"), Type: anyText().Draw(t, "type"),
			StartedAt: anyTimeOrNone().Draw(t, "start"), AnsweredAt: anyTimeOrNone().Draw(t, "answer"), EndedAt: anyTimeOrNone().Draw(t, "end"),
			Talk: anyDuration().Draw(t, "talk"), RingKnown: rapid.Bool().Draw(t, "ring known"),
			Caller: anyMember(t, "caller"), Callee: anyMember(t, "callee"),
			Answered: rapid.Bool().Draw(t, "answered"), TalkInexact: rapid.Bool().Draw(t, "inexact"), Finished: rapid.Bool().Draw(t, "finished"),
			Reason: anyText().Draw(t, "reason"), ReasonCode: anyText().Draw(t, "code"),
			Tag: anyText().Draw(t, "tag"), TransportID: anyText().Draw(t, "transport"), Events: rapid.IntRange(0, 1<<32-1).Draw(t, "events"),
		}
		if l.RingKnown {
			l.Ring = anyDuration().Draw(t, "ring")
		}
		return l
	})
}

var drawn atomic.Int64

// anyRecord is a record as a derivation could make it, and stranger.
func anyRecord() *rapid.Generator[call.Record] {
	return rapid.Custom(func(t *rapid.T) call.Record {
		number := func(name string) call.Number {
			return call.Number{Raw: anyText().Draw(t, name), Digits: rapid.StringMatching(`[0-9]{0,15}`).Draw(t, name)}
		}
		// Never one that an earlier example has written.
		id := bits.Reverse64(uint64(drawn.Add(1)))
		r := call.Record{
			Integration: rapid.SampledFrom([]string{"main", "it's \\ \xff", "", "другая 😀"}).Draw(t, "integration"), CallID: id, GroupID: id, PlatformCallID: anyText().Draw(t, "platform"),
			Direction:    rapid.SampledFrom([]call.Direction{call.Incoming, call.Outgoing, call.Internal, call.UnknownDirection}).Draw(t, "direction"),
			Outcome:      rapid.SampledFrom([]call.Outcome{call.Answered, call.Missed, call.Abandoned, call.NoAnswer}).Draw(t, "outcome"),
			ClientNumber: number("client"), ExternalNumber: number("external"), AccountID: anyText().Draw(t, "account"),
			HungUp:    rapid.SampledFrom([]call.Side{call.UsHungUp, call.ClientHungUp, call.UnknownSide}).Draw(t, "side"),
			StartedAt: anyTime().Draw(t, "start"), AnsweredAt: anyTimeOrNone().Draw(t, "answer"), EndedAt: anyTimeOrNone().Draw(t, "end"),
			Caller: anyMember(t, "caller"), Callee: anyMember(t, "callee"),
			Talk: anyDuration().Draw(t, "talk"), Attendant: anyDuration().Draw(t, "attendant"), RingKnown: rapid.Bool().Draw(t, "ring known"), WaitKnown: rapid.Bool().Draw(t, "wait known"),
			Recordings: rapid.SliceOfN(anyText(), 0, 3).Draw(t, "recordings"),
			Legs:       rapid.SliceOfNDistinct(anyLeg(), 0, 4, func(l call.Leg) uint64 { return l.ID }).Draw(t, "legs"),
			Transfers:  rapid.IntRange(0, 1<<16-1).Draw(t, "transfers"), Events: rapid.IntRange(0, 1<<32-1).Draw(t, "events"),
			Partial: rapid.Bool().Draw(t, "partial"), StartInexact: rapid.Bool().Draw(t, "si"), EndInexact: rapid.Bool().Draw(t, "ei"),
			TalkInexact: rapid.Bool().Draw(t, "ti"), AnsweredByDuration: rapid.Bool().Draw(t, "abd"), BadTimes: rapid.Bool().Draw(t, "bt"),
		}
		if r.RingKnown {
			r.Ring = anyDuration().Draw(t, "ring")
		}
		if r.WaitKnown {
			r.Wait = anyDuration().Draw(t, "wait")
		}
		return r
	})
}
