package verify

import (
	"io"

	"fonoteka/internal/pack"
)

type callID struct {
	integration string
	id          uint64
}

// calls are what the files of lines say, as far as it is compared.
type calls struct {
	all        map[callID]callState
	groups     map[callID]bool
	unanswered int
	legs       int
	events     int
	missing    int
	missed     map[callID]bool // calls that missing.csv has

	quarantined int // recordings with a file in quarantine

	read, readLegs, readEvents, readFiles, readMissing bool
}

// callState is what decides whether a call belongs in missing.csv.
type callState struct {
	answered   bool
	recordings []string
}

func (c *check) readCalls() {
	c.calls.all, c.calls.groups, c.calls.missed = map[callID]callState{}, map[callID]bool{}, map[callID]bool{}
	c.calls.read = c.each(pack.CallsFile, func(r io.Reader) error {
		return pack.EachLine(r, func(l pack.Call) error {
			c.calls.all[callID{l.Integration, l.CallID}] = callState{l.Outcome == pack.Answered, l.Recordings}
			c.calls.groups[callID{l.Integration, l.GroupID}] = true
			if l.Outcome != pack.Answered {
				c.calls.unanswered++
			}
			return nil
		})
	})
}

func (c *check) readLegs() {
	c.calls.readLegs = c.each(pack.LegsFile, func(r io.Reader) error {
		return pack.EachLine(r, func(l pack.Leg) error {
			c.calls.legs++
			if _, ok := c.calls.all[callID{l.Integration, l.CallID}]; !ok && c.calls.read {
				c.f.fail(CallUnknown, pack.LegsFile, "a leg names call %d of %q, which calls.jsonl does not have", "плечо указывает звонок %d (%q), которого нет в calls.jsonl", l.CallID, l.Integration)
			}
			return nil
		})
	})
}

func (c *check) readEvents() {
	c.calls.readEvents = c.each(pack.EventsFile, func(r io.Reader) error {
		return pack.EachLine(r, func(e pack.Event) error {
			c.calls.events++
			if c.calls.read && !c.calls.groups[callID{e.Integration, e.GroupID}] {
				c.f.fail(CallUnknown, pack.EventsFile, "notification %d of %q belongs to no call of calls.jsonl", "уведомление %d (%q) не относится ни к одному звонку из calls.jsonl", e.EventID, e.Integration)
			}
			return nil
		})
	})
}

// readMissing holds missing.csv against the calls and their recordings: a row for each
// call without playable audio, and for no other.
func (c *check) readMissing() {
	c.calls.readMissing = c.each(pack.MissingFile, func(r io.Reader) error {
		return pack.EachMissing(r, func(m pack.Missing) error {
			c.calls.missing++
			if m.CallID == 0 {
				return nil
			}
			id := callID{m.Integration, m.CallID}
			state, ok := c.calls.all[id]
			switch {
			case !c.calls.read:
			case !ok:
				c.f.fail(CallUnknown, pack.MissingFile, "a row names call %d of %q, which calls.jsonl does not have", "строка указывает звонок %d (%q), которого нет в calls.jsonl", m.CallID, m.Integration)
			case c.calls.readFiles && c.playable(id, state):
				c.f.fail(MissingWrong, pack.MissingFile, "a row says that call %d of %q has no recording, and there is one", "строка говорит, что у звонка %d (%q) нет записи, а она есть", m.CallID, m.Integration)
			}
			c.calls.missed[id] = true
			return nil
		})
	})
	if !c.calls.read || !c.calls.readFiles || !c.calls.readMissing {
		return
	}
	for id, state := range c.calls.all {
		if (state.answered || len(state.recordings) > 0) && !c.playable(id, state) && !c.calls.missed[id] {
			c.f.fail(MissingUnlisted, pack.MissingFile, "call %d of %q has no recording that can be played, and no row says so", "у звонка %d (%q) нет записи, которую можно прослушать, и ни одна строка об этом не говорит", id.id, id.integration)
		}
	}
}

// playable tells whether a call has audio that can be played.
func (c *check) playable(id callID, state callState) bool {
	for _, r := range state.recordings {
		if c.sound[recordingID{id.integration, r}].played {
			return true
		}
	}
	return false
}
