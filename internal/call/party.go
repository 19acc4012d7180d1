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
// place is asked in all events before the next, less trusted one is. Of a client
// whose number can be read nowhere, what stands there instead is kept.
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
	leg := func(f func(Event) string) func(Event) string {
		return func(e Event) string {
			if e.Type != "" && e.Type != string(d) || e.Caller.CentrexID != "" && e.Callee.CentrexID != "" {
				return ""
			}
			return f(e)
		}
	}
	var clients []func(Event) string
	switch d {
	case Incoming:
		clients = []func(Event) string{
			leg(func(e Event) string { return e.Caller.AccountID }),
			leg(func(e Event) string { return e.Caller.DisplayID }),
			leg(func(e Event) string { return e.Caller.ID }),
		}
		talked := answeringCallees(events)
		external = first(Number.outside,
			leg(func(e Event) string {
				if talked[callee{e.PlatformID, e.Callee.AccountID}] { // it may be an employee's own
					return ""
				}
				return e.Callee.AccountID
			}),
			leg(func(e Event) string { return e.Callee.DisplayName }),
			leg(func(e Event) string { return e.Callee.AccountID }))
	case Outgoing:
		clients = []func(Event) string{
			leg(func(e Event) string { return e.Callee.ID }),
			leg(func(e Event) string { return e.Callee.DisplayID }),
		}
		external = first(Number.outside,
			leg(func(e Event) string { return e.Caller.DisplayID }))
	}
	known := func(n Number) bool { return !n.Hidden() && !IsSIPID(n.Digits) } // an account is never a client
	if client = first(known, clients...); client.Hidden() {
		client = first(Number.unreadable, clients...)
	}
	return client, external
}

// callee is whom a leg leads to.
type callee struct{ platformID, account string }

// answeringCallees are those of legs that connected.
func answeringCallees(events []Event) map[callee]bool {
	out := map[callee]bool{}
	for _, e := range events {
		if e.State == Connected {
			out[callee{e.PlatformID, e.Callee.AccountID}] = true
		}
	}
	return out
}
