package call

import "cmp"

// direction of a call: that of its first leg that has one side of ours and one
// that is not; internal where both sides of every such leg are ours.
func direction(events []Event) Direction {
	internal := false
	for _, e := range events {
		if e.Caller.CentrexID != "" && e.Callee.CentrexID != "" {
			internal = true
			continue
		}
		switch e.Type {
		case string(Incoming), string(Outgoing):
			if !internal || outsider(e) {
				return Direction(e.Type)
			}
		}
	}
	if internal {
		return Internal
	}
	// Without a type, the side that is ours tells.
	for _, e := range events {
		switch caller, callee := e.ours(); {
		case callee && !caller:
			return Incoming
		case caller && !callee:
			return Outgoing
		}
	}
	return UnknownDirection
}

// outsider reports that the side which is not ours says who it is.
func outsider(e Event) bool {
	other := e.Caller
	if caller, _ := e.ours(); caller {
		other = e.Callee
	}
	return cmp.Or(other.AccountID, other.ID, other.DisplayID) != ""
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
	known := func(n Number) bool { return !n.Hidden() }
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
