package sim

import (
	"sort"
	"time"
)

// openMissed are the clients who were missed and not spoken with since, in the
// order of their calls: those of a day, and at its begin those since the office
// was closed. What is still open in the evening is forgotten.
type openMissed []missedClient

type missedClient struct {
	client client
	at     time.Time
}

// soonest is how long after a missed call anybody calls.
const soonest = 3 * time.Minute

// answer lets a call of working hours be one to or from somebody who was missed:
// nearly every outgoing call is, and some clients call again. It returns whether
// this one is.
func (o *openMissed) answer(st *story) bool {
	share := 10
	switch {
	case st.goesOut():
		share = 90
	case st.hidden != 0 || st.call.Kind == Internal || st.call.Kind == InternalNoAns:
		return false
	}
	n := sort.Search(len(*o), func(k int) bool { return (*o)[k].at.Add(soonest).After(st.call.StartedAt) })
	if !working(st.call.StartedAt) || n == 0 || st.r.IntN(100) >= share {
		return false
	}
	k := n - 1 // the latest, or who waits longest
	if st.r.IntN(5) < 2 {
		k = 0
	}
	st.client = (*o)[k].client
	*o = append((*o)[:k], (*o)[k+1:]...)
	return true
}

// note keeps a missed client in mind, and mostly one whom a call back did not
// reach; one in eight is overlooked.
func (o *openMissed) note(st *story, back bool) {
	missed := st.call.Outcome() == "missed" && st.hidden == 0 || back && !st.call.Answered
	if missed && st.r.IntN(8) > 0 {
		*o = append(*o, missedClient{st.client, st.call.StartedAt})
	}
}

// openAt are those who wait when day n begins: who called since the office was
// closed last.
func (h *History) openAt(n int) openMissed {
	var open openMissed
	first := n
	for first > 0 && n-first < 10 {
		first--
		if noon := h.days[first].begin.Add(9 * time.Hour); working(noon) { // of the office
			break
		}
	}
	for d := first; d < n; d++ {
		for k, at := range h.days[d].starts(newRand(h.opts.Seed, streamClock, uint64(d)+1)) {
			if working(at) {
				open = open[:0]
				continue
			}
			var c Call
			if st := h.begin(&c, h.days[d].first+k, at); c.Kind == AfterHours && st.hidden == 0 {
				open = append(open, missedClient{st.client, at})
			}
		}
	}
	return open
}

func (st *story) goesOut() bool {
	return st.call.Kind == Outgoing || st.call.Kind == OutgoingBusy || st.call.Kind == OutgoingNoAns
}
