package call

import (
	"cmp"
	"encoding/binary"
	"slices"
	"time"
)

// distinct keeps the earliest delivery of each notification, in an order that
// depends on what the notifications say and on nothing else. Two events are one
// notification where all that was read of them is equal, whatever their bodies
// look like: an operator that sends again may serialise anew. Event ids, which
// are hashes of bodies, tell a delivery from another and decide nothing here.
func distinct(events []Event) []Event {
	byID := make(map[uint64]Event, len(events))
	for _, e := range events {
		if e.PlatformID == "" || e.Kind != KindCall && e.URL == "" {
			continue
		}
		if e.Kind != KindCall { // it tells of a recording and of nothing else
			e.StartedAt, e.SaidAt, e.State = time.Time{}, time.Time{}, Recorded
		}
		if have, ok := byID[e.ID]; !ok || e.ReceivedAt.Before(have.ReceivedAt) {
			byID[e.ID] = e
		}
	}
	type notification struct {
		Event
		says string
	}
	bySaying := make(map[string]notification, len(byID))
	for _, e := range byID {
		n := notification{e, e.says()}
		have, ok := bySaying[n.says]
		if !ok || cmp.Or(e.ReceivedAt.Compare(have.ReceivedAt), cmp.Compare(e.ID, have.ID)) < 0 {
			bySaying[n.says] = n
		}
	}
	set := make([]notification, 0, len(bySaying))
	for _, n := range bySaying {
		set = append(set, n)
	}
	slices.SortFunc(set, func(a, b notification) int {
		if az, bz := a.StartedAt.IsZero(), b.StartedAt.IsZero(); az != bz {
			if az {
				return 1
			}
			return -1
		}
		return cmp.Or(a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.State.order(), b.State.order()), cmp.Compare(a.says, b.says))
	})
	out := make([]Event, len(set))
	for i := range set {
		out[i] = set[i].Event
	}
	return out
}

// says is all that was read of an event, and nothing of its delivery: two
// events of which it is equal are one notification.
func (e Event) says() string {
	b := make([]byte, 0, 512)
	text := func(s string) {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	for _, s := range []string{
		e.Integration, string(e.Kind), string(e.State), e.Type, e.PlatformID, e.Tag, e.TransportID, e.AccountID, e.Reason, e.ReasonCode, e.URL,
	} {
		text(s)
	}
	for _, p := range []Party{e.Caller, e.Callee} {
		for _, s := range []string{p.AccountID, p.CentrexID, p.DisplayID, p.DisplayName, p.ID, p.Extension} {
			text(s)
		}
		b = binary.AppendUvarint(b, uint64(len(p.Forwarders)))
		for _, s := range p.Forwarders {
			text(s)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(e.MoreURLs)))
	for _, s := range e.MoreURLs {
		text(s)
	}
	started, bad := e.StartedAt, e.BadTime
	if !e.SaidAt.IsZero() { // which of two moments it is, or none, depends on when it came
		started, bad = e.SaidAt, false
	}
	b = binary.AppendVarint(b, unixMilli(started))
	b = binary.AppendVarint(b, int64(e.Duration))
	for _, yes := range []bool{bad, e.HasDuration, e.Unanswered} {
		if yes {
			b = append(b, 1)
		} else {
			b = append(b, 0)
		}
	}
	return string(b)
}

// unixMilli is 0 of a zero time; no time of the operator's has a finer unit.
func unixMilli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
