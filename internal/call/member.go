package call

import (
	"cmp"
	"strings"
)

// Member is one of ours in an internal call, as the operator announces it.
type Member struct {
	AccountID string // "": only what was dialled is known
	Extension string // digits
	Name      string
}

// members are the caller and callee of one leg or of one internal call: whoever is
// named first, with what else is said of that account.
func members(events []Event) (caller, callee Member) {
	return member(events, func(e Event) Party { return e.Caller }), member(events, func(e Event) Party { return e.Callee })
}

func member(events []Event, side func(Event) Party) Member {
	var m Member
	for _, e := range events {
		m.AccountID = cmp.Or(m.AccountID, bare(side(e).AccountID))
	}
	for _, e := range events {
		p := side(e)
		if account := bare(p.AccountID); account != "" && account != m.AccountID {
			continue
		}
		m.Extension = cmp.Or(m.Extension, strings.TrimSpace(p.Extension), extensionOf(p.ID), extensionOf(p.DisplayID))
		if name := strings.TrimSpace(p.DisplayName); ParseNumber(name, "").Hidden() { // some names are the number that was dialled
			m.Name = cmp.Or(m.Name, name)
		}
	}
	return m
}

// extensionOf is a number that only the company's own exchange can dial, else "".
func extensionOf(s string) string {
	if n := ParseNumber(s, ""); len(n.Digits) <= 6 {
		return n.Digits
	}
	return ""
}
