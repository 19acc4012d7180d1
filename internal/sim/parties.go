package sim

import "fmt"

type party = map[string]any

// parties writes both sides of a leg. The number of the client and the external
// number are spelled anew each time.
func (st *story) parties(l *leg, info map[string]any) {
	switch l.role {
	case parking:
		info["caller"], info["callee"] = st.clientCalling(), st.parkedNumber()
	case rings:
		info["caller"], info["callee"] = st.clientCalling(), st.ringingTerminal(l)
	case dials:
		info["caller"], info["callee"] = st.dialingTerminal(l), st.clientCalled()
	case callsOut:
		info["caller"], info["callee"] = st.colleague(l.workplace, l.account), st.colleague(l.peer, l.peerAcc)
	case callsIn:
		info["caller"], info["callee"] = st.colleague(l.peer, l.peerAcc), st.colleague(l.workplace, l.account)
	}
}

func (st *story) named(p party, name string) party {
	if st.nameKey != "" {
		p[st.nameKey] = name
	}
	return p
}

// clientCalling is the outside caller. A number from another country is only
// spelled with + outside of accountId: bare, it may read as a Russian one.
func (st *story) clientCalling() party {
	switch st.hidden {
	case 1:
		return st.named(party{"accountId": "anonymous@pstn", "displayId": "anonymous", "forwarderList": []any{}, "id": "anonymous"}, "Anonymous")
	case 2:
		return st.named(party{"displayId": "", "forwarderList": []any{}, "id": ""}, "")
	case 3:
		return party{"displayId": "Restricted", "forwarderList": []any{}, "id": "restricted"}
	}
	p := party{
		"displayId":     spell(st.r, st.client.number, st.client.foreign),
		"forwarderList": []any{},
		"id":            spell(st.r, st.client.number, st.client.foreign),
	}
	if st.account {
		p["accountId"] = st.client.number + "@pstn"
		if st.r.IntN(8) == 0 {
			p["accountId"] = "+" + st.client.number + "@pstn"
		}
	}
	return st.named(p, st.client.name)
}

// clientCalled is the outside number of an outgoing call, without an account.
func (st *story) clientCalled() party {
	p := party{
		"displayId":     dial(st.r, st.client.number, st.client.foreign),
		"forwarderList": []any{},
		"id":            dial(st.r, st.client.number, st.client.foreign),
	}
	if st.r.IntN(6) == 0 {
		delete(p, "id")
	}
	if st.r.IntN(4) == 0 {
		st.named(p, st.client.name)
	}
	return p
}

func (st *story) parkedNumber() party {
	return party{
		"accountId": st.external, "centrexId": st.company.centrex,
		"displayId": spell(st.r, st.external, false), "displayName": "",
		"forwarderList": []any{}, "id": spell(st.r, st.external, false),
	}
}

// ringingTerminal is our side of an incoming leg. Its display name holds the
// dialled external number; only where a parking leg tells that number too, it
// may be the employee's name or empty.
func (st *story) ringingTerminal(l *leg) party {
	name := spell(st.r, st.external, false)
	if st.legs[0].role == parking {
		name = []string{st.external, name, l.workplace.name, ""}[st.r.IntN(4)]
	}
	key := "display_name"
	if st.nameKey != "" {
		key = st.nameKey
	}
	p := party{
		"accountId": l.account, "centrexId": st.company.centrex, "displayId": l.account, key: name,
		"extensionId": "", "forwarderList": st.forwarders(l),
		"tag": fmt.Sprintf("scheme_prd%d-%d", 100275045+st.r.IntN(9), 3885000+st.r.IntN(1000)),
	}
	if st.r.IntN(3) == 0 {
		p["id"] = l.account
	}
	if st.r.IntN(3) == 0 {
		p["extensionId"] = l.workplace.extension
	}
	return p
}

func (st *story) forwarders(l *leg) []any {
	if l.forwarders != nil {
		return l.forwarders
	}
	switch st.r.IntN(8) {
	case 0:
		return []any{}
	case 1:
		return []any{st.pickWorkplace().sip}
	}
	return []any{party{"id": fmt.Sprintf("an_prd%d-%d", 100275045+st.r.IntN(9), 3881000+st.r.IntN(1000))}}
}

func (st *story) dialingTerminal(l *leg) party {
	p := party{
		"accountId": l.account, "centrexId": st.company.centrex,
		"displayId":     spell(st.r, st.external, false),
		"forwarderList": []any{}, "id": spell(st.r, st.external, false),
	}
	if st.r.IntN(4) == 0 {
		st.named(p, l.workplace.name)
	}
	return p
}

func (st *story) colleague(w workplace, terminal string) party {
	return st.named(party{
		"accountId": terminal, "centrexId": st.company.centrex,
		"displayId": w.extension, "forwarderList": []any{}, "id": w.extension,
	}, w.name)
}
