package sim_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/sim"
)

// told is what one leg's notifications say, read as plainly as can be.
type told struct {
	id        string
	first     time.Time // trying, showing, hiding
	showing   bool
	connected time.Time
	duration  time.Duration // 0: not said
}

func (l *told) read(t *testing.T, n *sim.Notification, result, info object) {
	t.Helper()
	var at time.Time
	if stamp, ok := info["startTime"].(string); ok {
		var err error
		if at, err = time.Parse("2006-01-02 15:04:05", stamp); err != nil {
			t.Fatal(err)
		}
	}
	switch n.State {
	case "connected":
		l.connected = at
	case "finished":
		seconds, _ := strconv.Atoi(fmt.Sprint(field(result, info, "duration")))
		l.duration = time.Duration(seconds) * time.Second
	default:
		if !l.first.IsZero() && !l.first.Equal(at) {
			t.Errorf("%s of %s bears %s, not the leg's first time %s", n.State, l.id, at, l.first)
		}
		l.first = at
		l.showing = l.showing || n.State == "showing"
	}
}

func readLegs(t *testing.T, c *sim.Call) []*told {
	t.Helper()
	var legs []*told
	byID := map[string]*told{}
	for _, n := range c.Notifications {
		if n.State == "recorded" {
			continue
		}
		result, info := decode(t, n.Body())
		id := info["call"].(object)["id"].(string)
		if byID[id] == nil {
			byID[id] = &told{id: id}
			legs = append(legs, byID[id])
		}
		byID[id].read(t, n, result, info)
	}
	return legs
}

// talkOf counts the seconds in which anybody talks, one by one.
func talkOf(legs []*told) time.Duration {
	seconds := map[int64]bool{}
	for _, l := range legs {
		if l.connected.IsZero() {
			continue
		}
		length := l.duration
		if length == 0 { // only "hiding" told of the end: until the next one talks
			for _, next := range legs {
				if gap := next.connected.Sub(l.connected); gap > 0 && (length == 0 || gap < length) {
					length = gap
				}
			}
		}
		for s := range int64(length / time.Second) {
			seconds[l.connected.Unix()+s] = true
		}
	}
	return time.Duration(len(seconds)) * time.Second
}

func TestLedgerAgreesWithWhatIsTold(t *testing.T) {
	t.Parallel()
	for _, c := range newSim(t, sim.Options{Seed: 21, Calls: 3000}).Calls() {
		legs := readLegs(t, c)
		started, rang, connected := legs[0].first, time.Time{}, time.Time{}
		for _, l := range legs {
			if l.first.Before(started) {
				started = l.first
			}
			if l.showing && (rang.IsZero() || l.first.Before(rang)) {
				rang = l.first
			}
			if !l.connected.IsZero() && (connected.IsZero() || l.connected.Before(connected)) {
				connected = l.connected
			}
		}
		if rang.IsZero() {
			rang = started
		}
		if !started.Equal(c.StartedAt) || c.Answered == connected.IsZero() || talkOf(legs) != c.Talk {
			t.Errorf("%s %s: told start %s, connected %s, talk %s; ledger %+v", c.Kind, c.PlatformID, started, connected, talkOf(legs), c.Ledger())
		}
		if c.Answered && (connected.Sub(rang) != c.Ring || connected.Sub(started) != c.Waited) {
			t.Errorf("%s %s: told ring %s, wait %s; ledger %+v", c.Kind, c.PlatformID, connected.Sub(rang), connected.Sub(started), c.Ledger())
		}
		if !c.Answered {
			checkUnanswered(t, c, legs)
		}
	}
}

// checkUnanswered: a duration above 0 may stand on a parking leg only.
func checkUnanswered(t *testing.T, c *sim.Call, legs []*told) {
	t.Helper()
	row := c.Ledger()
	if row.RingMillis != nil || row.WaitMillis != nil || row.TalkMillis != 0 || len(row.Recordings) > 0 {
		t.Errorf("unanswered: %+v", row)
	}
	for i, l := range c.Legs {
		if l.Kind == "workplace" && legs[i].duration > 0 {
			t.Errorf("%s was not answered and says %s", l.PlatformID, legs[i].duration)
		}
	}
}

// plain is a number read by the rules for numbers of unknown origin.
func plain(s string) string {
	line, outside := strings.CutSuffix(s, "@pstn")
	digits, plus := strings.CutPrefix(line, "+")
	switch {
	case strings.Trim(digits, "0123456789") != "":
		return ""
	case plus || outside:
	case strings.HasPrefix(digits, "810") && len(digits) >= 12:
		return digits[3:]
	case len(digits) == 11 && digits[0] == '8':
		return "7" + digits[1:]
	case len(digits) == 10 && strings.Contains("3489", digits[:1]):
		return "7" + digits
	}
	return digits
}

// first is the first of the party's fields that is there and not empty.
func first(p object, keys ...string) string {
	for _, key := range keys {
		if s, _ := p[key].(string); s != "" {
			return s
		}
	}
	return ""
}

func TestNumbersReadBackFromEverySpelling(t *testing.T) {
	t.Parallel()
	hidden := 0
	for _, c := range newSim(t, sim.Options{Seed: 22, Calls: 3000}).Calls() {
		if c.Client == "" && c.Direction == "incoming" {
			hidden++
		}
		parked := c.Legs[0].Kind == "parking"
		for _, n := range c.Notifications {
			_, info := decode(t, n.Body())
			caller, _ := info["caller"].(object)
			callee, _ := info["callee"].(object)
			client, external := "+"+c.Client, c.External // where nothing is told
			switch {
			case n.State == "recorded" || c.Direction == "internal":
				continue
			case c.Direction == "outgoing":
				client, external = first(callee, "id", "displayId"), first(caller, "displayId")
			case caller != nil:
				client = first(caller, "accountId", "displayId", "id")
			}
			if c.Direction == "incoming" && !parked {
				external = first(callee, "displayName", "display_name")
			} else if id := first(callee, "accountId"); c.Direction == "incoming" && len(id) == 11 {
				external = id
			}
			if plain(client) != c.Client || plain(external) != c.External {
				t.Fatalf("client %q, external %q, want %q, %q: %s", client, external, c.Client, c.External, n.Body())
			}
		}
	}
	if hidden < 50 {
		t.Errorf("%d hidden callers in 3000 calls", hidden)
	}
}

func TestEachKindHappensAsItsNameSays(t *testing.T) {
	t.Parallel()
	const s = time.Second
	checks := map[sim.Kind]func(c *sim.Call, parked bool, talked int) bool{
		sim.Parked: func(c *sim.Call, parked bool, talked int) bool {
			return parked && talked == 1 && len(c.Legs) == 2 && c.Talk == c.Legs[1].Talk && (c.Waited-c.Ring == 5*s || c.Waited-c.Ring == 6*s)
		},
		sim.RecordedTwice: func(c *sim.Call, parked bool, talked int) bool {
			return parked && talked == 1 && len(c.Recordings) == 2
		},
		sim.Group: func(c *sim.Call, parked bool, talked int) bool {
			return parked && talked == 1 && len(c.Legs) >= 3 && c.Legs[1].StartedAt.Equal(c.Legs[2].StartedAt) && c.Legs[1].AccountID != c.Legs[2].AccountID
		},
		sim.Hunt: func(c *sim.Call, parked bool, talked int) bool {
			last := c.Legs[len(c.Legs)-1]
			return parked && talked == 1 && last.Answered && len(c.Legs) >= 3 && c.Ring > last.StartedAt.Sub(c.Legs[1].StartedAt)
		},
		sim.Transfer: func(c *sim.Call, parked bool, talked int) bool { return parked && talked >= 2 },
		sim.Direct:   func(c *sim.Call, parked bool, talked int) bool { return !parked && talked == 1 && c.Waited == c.Ring },
		sim.Missed: func(c *sim.Call, parked bool, talked int) bool {
			return parked && c.Outcome() == "missed" && c.OutcomeCertain()
		},
		sim.MissedDirect: func(c *sim.Call, parked bool, talked int) bool {
			return !parked && c.Outcome() == "missed" && !c.OutcomeCertain()
		},
		sim.GaveUp: func(c *sim.Call, parked bool, talked int) bool {
			return c.Outcome() == "abandoned" && c.Waited > 0 && c.Waited < 5*s && !c.OutcomeCertain()
		},
		sim.AfterHours: func(c *sim.Call, parked bool, talked int) bool {
			return parked && len(c.Legs) == 1 && c.Outcome() == "missed" && c.Talk == 0
		},
		sim.Outgoing: func(c *sim.Call, _ bool, talked int) bool {
			return talked == 1 && c.Direction == "outgoing" && c.Waited == c.Ring
		},
		sim.OutgoingBusy:  func(c *sim.Call, _ bool, talked int) bool { return c.Outcome() == "no_answer" && c.Waited < 5*s },
		sim.OutgoingNoAns: func(c *sim.Call, _ bool, talked int) bool { return c.Outcome() == "no_answer" && c.Waited >= 20*s },
		sim.Internal: func(c *sim.Call, _ bool, talked int) bool {
			return talked == len(c.Legs) && c.Direction == "internal" && c.Client == "" && c.Talk == c.Legs[0].Talk && len(c.Recordings) <= 2
		},
		sim.InternalNoAns: func(c *sim.Call, _ bool, talked int) bool { return talked == 0 && c.Direction == "internal" },
	}
	seen := map[sim.Kind]int{}
	for _, c := range newSim(t, sim.Options{Seed: 23, Calls: 3000}).Calls() {
		talked := 0
		for _, l := range c.Legs {
			if l.Answered {
				talked++
			}
		}
		seen[c.Kind]++
		if c.Answered != (talked > 0) || !checks[c.Kind](c, c.Legs[0].Kind == "parking", talked) {
			t.Errorf("%s: %+v", c.Kind, c.Ledger())
		}
	}
	for kind := range checks {
		if seen[kind] < 10 {
			t.Errorf("%d calls are %s", seen[kind], kind)
		}
	}
}

func TestTransfersOverlapAbutAndLeaveGaps(t *testing.T) {
	t.Parallel()
	overlap, abut, three := 0, 0, 0
	for _, c := range newSim(t, sim.Options{Seed: 24, Calls: 3000}).Calls() {
		if c.Kind != sim.Transfer {
			continue
		}
		sum := time.Duration(0)
		for _, l := range c.Legs {
			sum += l.Talk
		}
		if sum > c.Talk {
			overlap++
		}
		if len(c.Legs) == 4 {
			three++
		}
		for _, l := range readLegs(t, c) {
			if !l.connected.IsZero() && l.duration == 0 {
				abut++
			}
		}
	}
	if overlap == 0 || abut == 0 || three == 0 {
		t.Errorf("%d overlap, %d go over without an end of the first leg, %d have three workplaces", overlap, abut, three)
	}
}
