package sim

// outgoing is a call from a terminal to a number outside.
func (st *story) outgoing(kind Kind) {
	st.call.Direction = "outgoing"
	st.call.External = st.external
	st.call.Client = st.client.number
	st.drawOutgoingID()
	w := st.pickWorkplace()
	l := st.newLeg(dials, w.terminals[st.r.IntN(len(w.terminals))], 0)
	l.workplace, l.trying = w, true
	l.showing = st.r.IntN(5) > 0
	switch kind {
	case OutgoingBusy:
		st.inVain(l, st.between(1, 4))
	case OutgoingNoAns:
		st.inVain(l, st.between(20, 60))
	default:
		st.answer(l, st.between(4, 25), st.talkTime())
	}
}

func (st *story) drawOutgoingID() {
	if st.suffixed = st.r.IntN(4) == 0; st.suffixed {
		st.base = uuidID(st.r, st.index)
		return
	}
	st.base, st.tag = controllerID(st.r)
}

// internal is a call between two workplaces: one leg, or one for each side.
func (st *story) internal(answered bool) {
	st.call.Direction = "internal"
	st.drawOutgoingID()
	a := st.pickWorkplace()
	out := st.newLeg(callsOut, a.terminals[0], 0)
	out.workplace, out.trying, out.showing = a, true, true
	b := st.otherWorkplace()
	legs := []*leg{out}
	out.peer, out.peerAcc = b, b.terminals[0]
	if st.suffixed {
		in := st.newLeg(callsIn, b.terminals[0], st.between(0, 1))
		in.workplace, in.showing = b, true
		in.peer, in.peerAcc = a, a.terminals[0]
		legs = append(legs, in)
	}
	at, talk := st.between(3, 20), st.talkTime()
	for _, l := range legs {
		if answered {
			st.answer(l, at, talk)
		} else {
			st.inVain(l, at)
		}
	}
}
