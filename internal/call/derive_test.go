package call_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"fonoteka/internal/call"
)

var (
	t0    = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	rules = call.Rules{AbandonAfter: 5 * time.Second}
)

const (
	base   = "c166e238a4c211ea9d373863bb43daf8_00015ED635780FC7"
	line   = "74996497803"
	client = "78124241500"
	anna   = "883140777828301"
	boris  = "883140777828302"
)

// story builds a call's notifications, received half a second after they say
// they happened.
type story struct{ events []call.Event }

func (s *story) add(state call.State, leg, account string, at, came time.Duration, more ...func(*call.Event)) *story {
	e := call.Event{
		Integration: "main", Kind: call.KindCall, State: state, Type: "incoming", PlatformID: base + leg,
		ReceivedAt: t0.Add(came + 500*time.Millisecond),
		Caller:     call.Party{AccountID: client + "@pstn", ID: client},
		Callee:     call.Party{AccountID: account, CentrexID: "67821426"},
	}
	if at >= 0 {
		e.StartedAt = t0.Add(at)
	}
	for _, f := range more {
		f(&e)
	}
	e.ID = call.EventID(fmt.Appendf(nil, "%s %s %s %v %d", state, leg, account, e.StartedAt, len(s.events)))
	s.events = append(s.events, e)
	return s
}

func lasted(d time.Duration) func(*call.Event) {
	return func(e *call.Event) { e.Duration, e.HasDuration = d, true }
}

const sec = time.Second

// answeredByBoris: parked, rings at Anna for 8 s, Boris answers after 3 s more and talks for 60 s.
func answeredByBoris() *story {
	return new(story).
		add(call.Trying, "~1o", line, 0, 0).
		add(call.Finished, "~1o", line, -1, 2*sec, lasted(5*sec)).
		add(call.Showing, "~2o", anna, 2*sec, 2*sec).
		add(call.Hiding, "~2o", anna, 2*sec, 10*sec).
		add(call.Finished, "~2o", anna, -1, 10*sec, lasted(0)).
		add(call.Showing, "~3o", boris, 10*sec, 10*sec).
		add(call.Connected, "~3o", boris, 13*sec, 13*sec).
		add(call.Finished, "~3o", boris, -1, 73*sec, lasted(60*sec), func(e *call.Event) { e.Reason = "Answer leg disconnected" })
}

func one(t *testing.T, events []call.Event) call.Record {
	t.Helper()
	records := call.Derive(events, rules)
	if len(records) != 1 {
		t.Fatalf("%d records, want 1: %+v", len(records), records)
	}
	return records[0]
}

func TestHuntedCallIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	r := one(t, answeredByBoris().events)
	type view struct {
		Direction               call.Direction
		Outcome                 call.Outcome
		Account                 string
		Client, External        string
		Ring, Wait, Talk, Total time.Duration
		Transfers, Legs         int
		HungUp                  call.Side
		Inexact, Partial        bool
	}
	got := view{r.Direction, r.Outcome, r.AccountID, r.ClientNumber.Digits, r.ExternalNumber.Digits, r.Ring, r.Wait, r.Talk, r.EndedAt.Sub(r.StartedAt), r.Transfers, len(r.Legs), r.HungUp, r.EndInexact || r.TalkInexact, r.Partial}
	want := view{call.Incoming, call.Answered, boris, client, line, 11 * sec, 13 * sec, 60 * sec, 73 * sec, 0, 3, call.UsHungUp, false, false}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	if r.Legs[0].Kind != call.Parking || r.Legs[0].Talk != 0 {
		t.Errorf("the first leg should be parking and without talk: %+v", r.Legs[0])
	}
}

func TestTalkOfATransferIsAUnion(t *testing.T) {
	t.Parallel()
	r := one(t, new(story).
		add(call.Showing, "~2o", anna, 0, 0).
		add(call.Connected, "~2o", anna, 4*sec, 4*sec).
		add(call.Connected, "~3o", boris, 20*sec, 20*sec).
		add(call.Finished, "~2o", anna, -1, 24*sec, lasted(20*sec)). // 4 s of both
		add(call.Finished, "~3o", boris, -1, 50*sec, lasted(30*sec)).events)
	if r.Talk != 46*sec || r.Transfers != 1 || r.AccountID != anna || r.Ring != 4*sec {
		t.Errorf("talk %v, transfers %d, account %s, ring %v", r.Talk, r.Transfers, r.AccountID, r.Ring)
	}
}

func TestUnansweredCalls(t *testing.T) {
	t.Parallel()
	ring := func(d time.Duration) *story {
		return new(story).add(call.Trying, "~1o", line, 0, 0).add(call.Showing, "~2o", anna, sec, sec).
			add(call.Finished, "~2o", anna, -1, d, lasted(0))
	}
	outgoing := func(e *call.Event) {
		e.Type, e.Caller, e.Callee = "outgoing", call.Party{AccountID: anna, CentrexID: "1", DisplayID: line}, call.Party{ID: client}
	}
	internal := func(e *call.Event) { e.Caller = call.Party{AccountID: boris, CentrexID: "67821426"} }
	for name, c := range map[string]struct {
		story   *story
		outcome call.Outcome
		wait    time.Duration
	}{
		"missed":              {ring(20 * sec), call.Missed, 20 * sec},
		"abandoned":           {ring(3 * sec), call.Abandoned, 3 * sec},
		"at the threshold":    {ring(5 * sec), call.Missed, 5 * sec},
		"after hours":         {new(story).add(call.Trying, "~1o", line, 0, 0).add(call.Finished, "~1o", line, -1, 9*sec, lasted(5*sec)), call.Missed, 9 * sec},
		"still ringing":       {new(story).add(call.Trying, "~1o", line, 0, 0).add(call.Showing, "~2o", anna, sec, sec), call.UnknownOutcome, 0},
		"ringing on":          {new(story).add(call.Showing, "~2o", anna, 0, 0).add(call.Hiding, "~2o", anna, 0, 9*sec), call.UnknownOutcome, 0},
		"outgoing, no answer": {new(story).add(call.Trying, "", anna, 0, 0, outgoing).add(call.Finished, "", anna, -1, 30*sec, outgoing, lasted(0)), call.NoAnswer, 30 * sec},
		"internal":            {new(story).add(call.Showing, "~1o", anna, 0, 0, internal).add(call.Finished, "~1o", anna, -1, 30*sec, internal, lasted(0)), call.NoAnswer, 30 * sec},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := one(t, c.story.events)
			if r.Outcome != c.outcome || r.Wait != c.wait || r.Talk != 0 || !r.AnsweredAt.IsZero() {
				t.Errorf("outcome %s, wait %v, talk %v", r.Outcome, r.Wait, r.Talk)
			}
			if name == "internal" && (r.Direction != call.Internal || r.ClientNumber != (call.Number{})) {
				t.Errorf("direction %s, client %v", r.Direction, r.ClientNumber)
			}
		})
	}
}

func TestCallWithoutAnEndIsEndedByInference(t *testing.T) {
	t.Parallel()
	s := new(story).add(call.Showing, "~2o", anna, 0, 0).add(call.Connected, "~2o", anna, 4*sec, 4*sec).add(call.Hiding, "~2o", anna, 0, 30*sec)
	if r := one(t, s.events); !r.EndedAt.IsZero() || r.Partial || r.Outcome != call.Answered {
		t.Errorf("hiding alone ended the talk: %+v", r)
	}
	late := rules
	late.EndOpen = true
	r := call.Derive(s.events, late)[0]
	if !r.Partial || r.Talk != 26*sec || !r.TalkInexact || r.EndedAt.Sub(r.StartedAt) != 30*sec {
		t.Errorf("partial %v, talk %v, ended after %v", r.Partial, r.Talk, r.EndedAt.Sub(r.StartedAt))
	}
	s.add(call.Finished, "~2o", anna, -1, 40*sec, lasted(36*sec))
	if r := call.Derive(s.events, late)[0]; r.Partial || r.Talk != 36*sec || r.EndInexact {
		t.Errorf("the truth did not win: %+v", r)
	}
}

func TestIDUsedAgainIsAnotherCall(t *testing.T) {
	t.Parallel()
	const week = 7 * 24 * time.Hour
	s := new(story).
		add(call.Showing, "", anna, 0, 0).add(call.Connected, "", anna, 5*sec, 5*sec).add(call.Finished, "", anna, -1, 15*sec, lasted(10*sec)).
		add(call.Recorded, "", "", -1, 20*sec, func(e *call.Event) { e.URL = "https://mtt.ru/1.mp3" }).
		add(call.Showing, "", boris, week, week).add(call.Connected, "", boris, week+5*sec, week+5*sec).add(call.Finished, "", boris, -1, week+25*sec, lasted(20*sec)).
		add(call.Recorded, "", "", -1, week+30*sec, func(e *call.Event) { e.URL = "https://mtt.ru/2.mp3" })
	records := call.Derive(s.events, rules)
	if len(records) != 2 {
		t.Fatalf("%d records, want 2", len(records))
	}
	first, second := records[0], records[1]
	if first.CallID == second.CallID || first.GroupID != second.GroupID || first.CallID != first.GroupID {
		t.Errorf("ids %d %d, groups %d %d", first.CallID, second.CallID, first.GroupID, second.GroupID)
	}
	if first.Talk != 10*sec || second.Talk != 20*sec || first.AccountID != anna || second.AccountID != boris {
		t.Errorf("talk %v and %v, accounts %s and %s", first.Talk, second.Talk, first.AccountID, second.AccountID)
	}
	if !slices.Equal(second.Recordings, []string{call.RecordingID("main", "https://mtt.ru/2.mp3")}) || len(first.Recordings) != 1 {
		t.Errorf("recordings %v and %v", first.Recordings, second.Recordings)
	}
}

func TestRecordingAloneMakesNoCall(t *testing.T) {
	t.Parallel()
	s := new(story).add(call.Recorded, "", "", -1, 0, func(e *call.Event) { e.URL = "https://mtt.ru/1.mp3" })
	if records := call.Derive(s.events, rules); len(records) != 0 {
		t.Errorf("records %+v", records)
	}
}

// Any order, any duplication and any delay of a call's notifications gives the
// same record, as far as it does not rest on receive times by declaration.
func TestRecordDoesNotDependOnDelivery(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawStory(t)
		want := call.Derive(s.events, rules)
		delayed := rapid.Bool().Draw(t, "delayed")
		var again []call.Event
		for i, e := range s.events {
			copies := rapid.IntRange(1, 3).Draw(t, fmt.Sprint("copies", i))
			for range copies {
				late := e
				late.ReceivedAt = e.ReceivedAt.Add(time.Duration(rapid.IntRange(0, 1e6).Draw(t, "late")) * time.Millisecond)
				if !delayed {
					late.ReceivedAt = e.ReceivedAt.Add(late.ReceivedAt.Sub(e.ReceivedAt) * time.Duration(len(again)%2))
				}
				again = append(again, late)
			}
			if !delayed { // one of the copies came in time
				again = append(again, e)
			}
		}
		again = rapid.Permutation(again).Draw(t, "order")
		got := call.Derive(again, rules)
		if delayed {
			got, want = exact(got), exact(want)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("record (-in order +as delivered):\n%s", diff)
		}
	})
}

// exact drops what is declared to rest on receive times.
func exact(records []call.Record) []call.Record {
	out := slices.Clone(records)
	for i := range out {
		r := &out[i]
		if r.EndInexact {
			r.EndedAt, r.Wait = time.Time{}, 0
			if r.Outcome == call.Abandoned {
				r.Outcome = call.Missed
			}
		}
		if r.TalkInexact {
			r.Talk = 0
		}
		r.Legs = slices.Clone(r.Legs)
		for j := range r.Legs {
			l := &r.Legs[j]
			if l.TalkInexact {
				l.Talk = 0
			}
			if l.TalkInexact || l.AnsweredAt.IsZero() {
				l.EndedAt = time.Time{}
			}
		}
	}
	return out
}

// drawStory: a few legs, each ringing, perhaps connecting, perhaps finished,
// perhaps with a duration, and perhaps a recording.
func drawStory(t *rapid.T) *story {
	s := new(story)
	at := time.Duration(0)
	if rapid.Bool().Draw(t, "parked") {
		s.add(call.Trying, "~1o", line, 0, 0)
		at += 2 * sec
	}
	for i := range rapid.IntRange(1, 3).Draw(t, "legs") {
		leg, account := fmt.Sprintf("~%do", i+2), anna[:14]+fmt.Sprint(i)
		s.add(call.Showing, leg, account, at, at)
		at += time.Duration(rapid.IntRange(1, 9).Draw(t, "ring")) * sec
		talk := time.Duration(0)
		if rapid.Bool().Draw(t, "answered") {
			s.add(call.Connected, leg, account, at, at)
			talk = time.Duration(rapid.IntRange(1, 9).Draw(t, "talk")) * sec
		}
		at += talk
		switch rapid.IntRange(0, 3).Draw(t, "end") {
		case 0:
		case 1:
			s.add(call.Finished, leg, account, -1, at)
		default:
			s.add(call.Finished, leg, account, -1, at, lasted(talk))
		}
	}
	if rapid.Bool().Draw(t, "recorded") {
		s.add(call.Recorded, "", "", -1, at+sec, func(e *call.Event) { e.URL = "https://mtt.ru/1.mp3" })
	}
	return s
}

// A client's number that cannot be read is kept as it came, for people to see; one that
// is withheld, or that another place tells, is not.
func TestAClientWhoseNumberCannotBeReadIsKeptAsItCame(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		caller call.Party
		want   call.Number
	}{
		"out of a spreadsheet":   {call.Party{AccountID: "79161234567.0", ID: "anonymous"}, call.Number{Raw: "79161234567.0"}},
		"told in another place":  {call.Party{AccountID: "79161234567.0", ID: "89161234567"}, call.Number{Raw: "89161234567", Digits: "79161234567"}},
		"withheld by a word":     {call.Party{AccountID: "anonymous@pstn"}, call.Number{}},
		"withheld by its zeros":  {call.Party{AccountID: "0000000000@pstn"}, call.Number{}},
		"an account of the firm": {call.Party{AccountID: boris}, call.Number{}},
	} {
		r := one(t, new(story).add(call.Showing, "~2o", anna, 0, 0, func(e *call.Event) { e.Caller = c.caller }).events)
		if r.ClientNumber != c.want {
			t.Errorf("%s: %#v", name, r.ClientNumber)
		}
	}
}

func TestOddDeliveriesAreNotMistaken(t *testing.T) {
	t.Parallel()
	const week = 7 * 24 * time.Hour
	untyped := func(e *call.Event) { e.Type = "" }
	byID := func(e *call.Event) { e.Callee = call.Party{ID: line, CentrexID: "67821426"} }
	outgoing := func(callee call.Party) func(*call.Event) {
		return func(e *call.Event) {
			e.Type, e.Caller, e.Callee = "outgoing", call.Party{AccountID: anna, CentrexID: "67821426", DisplayID: line}, callee
		}
	}
	for name, c := range map[string]struct {
		story *story
		want  func(records []call.Record) bool
	}{
		"a parking leg without a type does not talk": {
			new(story).add(call.Trying, "~1o", line, 0, 0, untyped).add(call.Finished, "~1o", line, -1, 6*sec, lasted(5*sec), untyped),
			func(r []call.Record) bool { return r[0].Outcome == call.Missed && r[0].Talk == 0 },
		},
		"nor one whose callee has only an id": {
			new(story).add(call.Trying, "~1o", "", 0, 0, byID).add(call.Finished, "~1o", "", -1, 6*sec, lasted(5*sec), byID),
			func(r []call.Record) bool { return r[0].Outcome == call.Missed && r[0].Legs[0].Kind == call.Parking },
		},
		"a late end finds its own call under a reused id": {
			new(story).add(call.Showing, "", anna, 0, 0).add(call.Connected, "", anna, 5*sec, 5*sec).add(call.Finished, "", anna, -1, week+time.Hour, lasted(10*sec)).
				add(call.Showing, "", boris, week, week).add(call.Finished, "", boris, -1, week+20*sec, lasted(0)),
			func(r []call.Record) bool { return len(r) == 2 && r[0].Talk == 10*sec && r[1].Outcome == call.Missed },
		},
		"a showing without a time leaves the ring to trying": {
			new(story).add(call.Trying, "~2o", anna, 0, 0).add(call.Showing, "~2o", anna, -1, time.Hour).add(call.Connected, "~2o", anna, 10*sec, 10*sec),
			func(r []call.Record) bool { return r[0].Ring == 10*sec },
		},
		"a call without any showing has rung since its trying": {
			new(story).add(call.Trying, "~1o", line, 0, 0).add(call.Connected, "~2o", anna, 7*sec, 7*sec).add(call.Finished, "~2o", anna, -1, 17*sec, lasted(10*sec)),
			func(r []call.Record) bool { return r[0].RingKnown && r[0].Ring == 7*sec },
		},
		"a phone that only rang does not talk beside one that was answered": {
			new(story).add(call.Showing, "~2o", anna, 0, 0).add(call.Showing, "~3o", boris, 0, 0).add(call.Connected, "~3o", boris, 8*sec, 8*sec).
				add(call.Finished, "~2o", anna, -1, 8*sec, lasted(8*sec)).add(call.Finished, "~3o", boris, -1, 68*sec, lasted(60*sec)),
			func(r []call.Record) bool {
				return r[0].AccountID == boris && r[0].Transfers == 0 && r[0].Talk == 60*sec
			},
		},
		"an internal call whose first notification does not say so": {
			new(story).add(call.Trying, "", "", 0, 0, outgoing(call.Party{ID: "102"})).
				add(call.Showing, "", "", sec, sec, outgoing(call.Party{AccountID: boris, ID: "102", CentrexID: "67821426"})),
			func(r []call.Record) bool { return r[0].Direction == call.Internal && r[0].ClientNumber.Hidden() },
		},
		"a call to a short number is not internal": {
			new(story).add(call.Trying, "", "", 0, 0, outgoing(call.Party{ID: "112"})),
			func(r []call.Record) bool {
				return r[0].Direction == call.Outgoing && r[0].ClientNumber.Digits == "112"
			},
		},
		"an account is never a client": {
			new(story).add(call.Showing, "~2o", boris, 0, 0, func(e *call.Event) { e.Caller = call.Party{AccountID: "anonymous"} }).
				add(call.Showing, "~3o", boris, sec, sec, func(e *call.Event) { e.Caller = call.Party{AccountID: anna} }),
			func(r []call.Record) bool { return r[0].Direction == call.Incoming && r[0].ClientNumber.Hidden() },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if records := call.Derive(c.story.events, rules); len(records) == 0 || !c.want(records) {
				t.Errorf("derived %+v", records)
			}
		})
	}
}
