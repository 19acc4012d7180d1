package sim

import "time"

// odd says what is unusual about a call.
type odd struct {
	strange     bool // states and fields that the page does not know
	unconnected bool // nobody is told of the answer
	reused      bool // its id was another call's, more than a day ago
}

// odd draws from a stream of its own, so that these faults leave the story of a
// call as it is.
func (f Faults) odd(seed uint64, i int) odd {
	r := newRand(seed, streamOdd, uint64(i))
	return odd{
		strange:     r.Float64() < f.Unknown,
		unconnected: r.Float64() < f.Unconnected,
		reused:      r.Float64() < f.Reuse,
	}
}

// hideAnswer leaves out "connected" where the duration of the one leg that
// talked still tells of the talk.
func (st *story) hideAnswer() {
	var talked []*leg
	for _, l := range st.legs {
		if l.connected != never {
			talked = append(talked, l)
		}
	}
	if len(talked) == 1 && talked[0].finished != never && talked[0].duration > 0 {
		talked[0].unconnected, st.call.answerUntold = true, true
	}
}

// tellStrange adds a notification of an unknown state at the leg's first moment,
// when something of it is told anyway: nothing may follow from it.
func (st *story) tellStrange(l *leg) {
	st.tell(l, []string{"queued", "HOLDING", "early_media"}[st.r.IntN(3)], l.first, l.first)
}

// strangeFields adds what no page shows, of every type that JSON has.
func (st *story) strangeFields(info, result map[string]any) {
	info["sipHeaders"] = map[string]any{"X-Trace": []any{1, nil, "ё", map[string]any{"state": "finished"}}}
	info["durationMs"] = 1.5e3
	result["version"] = 2
	result["urlRecordPreview"] = "https://mtt.ru/records/no.mp3"
}

// earlier is a call of more than a day before under the same Call-ID: one in
// vain that was told by events with a time of their own and nothing else, since
// what has none could not be told from the later call's.
func (s *Sim) earlier(later *Call) *Call {
	r := newRand(s.opts.Seed, streamEarlier, uint64(later.index))
	st := &story{call: &Call{Kind: Earlier, index: later.index}, r: r, company: s.currentCompany(), index: later.index}
	st.external = st.company.externals[r.IntN(len(st.company.externals))]
	st.transport = later.transport
	st.drawClient()
	st.call.Direction, st.call.Client, st.call.External = "outgoing", st.client.number, st.external
	st.base, st.tag = later.PlatformID, legTag(r)
	w := st.pickWorkplace()
	l := st.newLeg(dials, w.sip, 0)
	l.workplace, l.trying, l.showing = w, true, true
	l.hiding = st.between(20, 60)
	st.call.PlatformID = st.base
	st.settle()
	st.call.StartedAt = later.StartedAt.Add(-25*time.Hour - time.Duration(r.IntN(48*3600))*time.Second)
	st.call.Legs = append(st.call.Legs, l.public(st.call.StartedAt))
	st.render()
	return st.call
}
