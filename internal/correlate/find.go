package correlate

import (
	"cmp"
	"slices"
	"time"

	"fonoteka/internal/call"
)

type finder struct {
	calls   []Call
	seats   []map[string]bool // by call: the workplaces and accounts where it rang or talked
	clients map[named][]int   // calls by the client's digits, in order of their begin
	ids     map[named][]int   // calls by their base id
	actions []Action
	seat    Seat
	links   []Link

	firstLegs map[int]int // action → the call it caused, by the returned id or as the only one that fits
	owned     map[int]bool
	paired    map[[2]int]bool
}

// named is an id, or the digits of a number, within an integration.
type named struct{ integration, id string }

func newFinder(calls []Call, actions []Action, seat Seat) *finder {
	f := &finder{
		calls: slices.Clone(calls), actions: slices.Clone(actions), seat: seat,
		clients: map[named][]int{}, ids: map[named][]int{},
		firstLegs: map[int]int{}, owned: map[int]bool{}, paired: map[[2]int]bool{},
	}
	slices.SortFunc(f.calls, func(a, b Call) int {
		return cmp.Or(cmp.Compare(a.Integration, b.Integration), a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.CallID, b.CallID))
	})
	slices.SortFunc(f.actions, func(a, b Action) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	for i, c := range f.calls {
		f.seats = append(f.seats, f.seatsOf(c))
		client, id := named{c.Integration, c.ClientNumber.Digits}, named{c.Integration, c.PlatformCallID}
		f.clients[client] = append(f.clients[client], i)
		f.ids[id] = append(f.ids[id], i)
	}
	return f
}

// seatsOf returns the workplaces of a call and their accounts.
func (f *finder) seatsOf(c Call) map[string]bool {
	out := map[string]bool{}
	note := func(account string) {
		if account != "" {
			out[account], out[f.seat(c.Integration, account, c.StartedAt)] = true, true
		}
	}
	note(c.AccountID)
	for _, l := range c.Legs {
		if l.Kind == call.Workplace {
			note(l.AccountID)
		}
	}
	return out
}

// at says whether a call was at an account, or at the workplace that it belongs to.
func (f *finder) at(c int, account string) bool {
	return account != "" && (f.seats[c][account] || f.seats[c][f.seat(f.calls[c].Integration, account, f.calls[c].StartedAt)])
}

// around returns the calls of a client, by its digits, that begin within span of one
// of the moments. Without digits it returns none: hidden numbers are many clients'.
func (f *finder) around(integration, client string, span time.Duration, moments ...time.Time) []int {
	if client == "" {
		return nil
	}
	calls := f.clients[named{integration, client}]
	var out []int
	for _, m := range moments {
		if m.IsZero() {
			continue
		}
		from, _ := slices.BinarySearchFunc(calls, m.Add(-span), func(c int, t time.Time) int { return f.calls[c].StartedAt.Compare(t) })
		for _, c := range calls[from:] {
			if f.calls[c].StartedAt.After(m.Add(span)) {
				break
			}
			out = append(out, c)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// of returns the call with the Call-ID of an action. A base id may be used
// again: of several calls it returns the one that began nearest to the action, within
// an hour of a makeCall (clocks differ), within a day before a transfer.
func (f *finder) of(a Action) (int, bool) {
	found, nearest := -1, time.Duration(0)
	for _, i := range f.ids[named{a.Integration, call.BaseID(a.PlatformCallID)}] {
		ago := a.At.Sub(f.calls[i].StartedAt)
		if ago < -time.Hour || ago > 24*time.Hour || a.Kind == Make && ago > time.Hour {
			continue
		}
		if found < 0 || ago.Abs() < nearest {
			found, nearest = i, ago.Abs()
		}
	}
	return found, found >= 0 && a.PlatformCallID != ""
}

// only returns the edges neither end of which has another edge.
func only(edges [][2]int) [][2]int {
	from, to := map[int]int{}, map[int]int{}
	for _, e := range edges {
		from[e[0]]++
		to[e[1]]++
	}
	return slices.DeleteFunc(edges, func(e [2]int) bool { return from[e[0]] > 1 || to[e[1]] > 1 })
}

// own adds the link between an action and the call it caused.
func (f *finder) own(action, c int, confidence Confidence, evidence string) {
	if f.owned[c] {
		return
	}
	f.owned[c] = true
	a := f.actions[action]
	f.links = append(f.links, Link{
		Integration: a.Integration, Kind: Own, From: f.ref(c), ActionID: a.ID, Confidence: confidence, Evidence: evidence,
	})
}

// pair adds the link between two calls, the earlier one first. Two calls have one link: the
// first that is added.
func (f *finder) pair(kind Kind, a, b int, actionID, evidence string) {
	a, b = min(a, b), max(a, b)
	if a == b || f.paired[[2]int{a, b}] {
		return
	}
	f.paired[[2]int{a, b}] = true
	f.links = append(f.links, Link{
		Integration: f.calls[a].Integration, Kind: kind, From: f.ref(a), To: f.ref(b), ActionID: actionID, Confidence: Inferred, Evidence: evidence,
	})
}

func (f *finder) ref(c int) Ref { return Ref{f.calls[c].CallID, f.calls[c].StartedAt} }

func (f *finder) sorted() []Link {
	slices.SortFunc(f.links, func(a, b Link) int {
		return cmp.Or(cmp.Compare(a.Integration, b.Integration), a.From.StartedAt.Compare(b.From.StartedAt),
			cmp.Compare(a.From.CallID, b.From.CallID), cmp.Compare(a.To.CallID, b.To.CallID), cmp.Compare(a.Kind, b.Kind))
	})
	return f.links
}
