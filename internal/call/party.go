package call

import "cmp"

// direction of a call: that of its first leg with an outsider on the other
// side; internal where both sides of a leg are ours; else what the first leg
// says of itself, or which of its sides is ours.
func direction(events []Event) Direction {
	internal := false
	said := UnknownDirection
	for _, e := range events {
		both := e.Caller.CentrexID != "" && e.Callee.CentrexID != ""
		internal = internal || both
		d := Direction(e.Type)
		if d != Incoming && d != Outgoing {
			switch caller, callee := e.ours(); {
			case callee && !caller:
				d = Incoming
			case caller && !callee:
				d = Outgoing
			default:
				continue
			}
		}
		if !both && outsider(e) {
			return d
		}
		if said == UnknownDirection && !both {
			said = d
		}
	}
	if internal {
		return Internal
	}
	return said
}

// outsider reports that the side which is not ours says who it is, and that it
// is neither an extension nor an account.
func outsider(e Event) bool {
	other := e.Caller
	if caller, _ := e.ours(); caller {
		other = e.Callee
	}
	who := cmp.Or(other.AccountID, other.ID, other.DisplayID)
	n := ParseNumber(who, "")
	return who != "" && (n.Hidden() || n.outside())
}

// numbers finds the client's number and the company's external number. Each
// place is asked in all events before the next, less trusted one is.
func numbers(events []Event, d Direction, rules Rules) (client, external Number) {
	first := func(ok func(Number) bool, places ...func(Event) string) Number {
		for _, place := range places {
			for _, e := range events {
				if n := ParseNumber(place(e), rules.AreaCode); ok(n) {
					return n
				}
			}
		}
		return Number{}
	}
	leg := func(d Direction, f func(Event) string) func(Event) string {
		return func(e Event) string {
			if e.Type != "" && e.Type != string(d) || e.Caller.CentrexID != "" && e.Callee.CentrexID != "" {
				return ""
			}
			return f(e)
		}
	}
	known := func(n Number) bool { return !n.Hidden() && !IsSIPID(n.Digits) } // an account is never a client
	switch d {
	case Incoming:
		client = first(known,
			leg(d, func(e Event) string { return e.Caller.AccountID }),
			leg(d, func(e Event) string { return e.Caller.DisplayID }),
			leg(d, func(e Event) string { return e.Caller.ID }))
		external = first(Number.outside,
			leg(d, func(e Event) string { return e.Callee.AccountID }),
			leg(d, func(e Event) string { return e.Callee.DisplayName }))
	case Outgoing:
		client = first(known,
			leg(d, func(e Event) string { return e.Callee.ID }),
			leg(d, func(e Event) string { return e.Callee.DisplayID }))
		external = first(Number.outside,
			leg(d, func(e Event) string { return e.Caller.DisplayID }))
	}
	return client, external
}
