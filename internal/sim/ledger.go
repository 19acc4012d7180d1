package sim

import (
	"time"
)

// Ledger says what a correct archive holds after the notifications that were
// acknowledged. Times are UTC, durations whole milliseconds.
type Ledger struct {
	Seed          uint64       `json:"seed"`
	Acked         int64        `json:"notifications_acked"`    // every POST answered 2xx, repetitions and directory changes included
	Distinct      int64        `json:"notifications_distinct"` // different bodies about calls among them
	Lost          int64        `json:"notifications_lost"`     // postings given up
	Directory     int64        `json:"directory_changes"`      // acknowledged directory changes; their bodies are alike, each arrival counts
	AbandonMillis int64        `json:"abandon_after_ms"`
	Calls         []LedgerCall `json:"calls"`
}

// LedgerCall is a call of which at least one notification was posted.
type LedgerCall struct {
	PlatformCallID string    `json:"platform_call_id"` // without the suffix of a leg
	Kind           Kind      `json:"kind"`
	Complete       bool      `json:"complete"` // all of its notifications were acknowledged; else nothing below is sure
	Direction      string    `json:"direction"`
	StartedAt      time.Time `json:"started_at"`
	Answered       bool      `json:"answered"`
	Outcome        string    `json:"outcome"`
	OutcomeCertain bool      `json:"outcome_certain"` // false: missed and abandoned differ by receive times alone
	RingMillis     *int64    `json:"ring_ms"`         // null where only receive times could tell: not answered, or not told when
	WaitMillis     *int64    `json:"wait_ms"`         // null likewise
	WaitedMillis   int64     `json:"waited_ms"`       // in the story: until the answer, else until the end
	TalkMillis     int64     `json:"talk_ms"`
	ClientNumber   string    `json:"client_number"`   // E.164 digits; empty: hidden, or internal
	ExternalNumber string    `json:"external_number"` // digits; empty: internal

	Legs       []LedgerLeg       `json:"legs"`
	Recordings []LedgerRecording `json:"recordings"`
}

// LedgerLeg is one leg of a call.
type LedgerLeg struct {
	PlatformID string    `json:"platform_id"`
	AccountID  string    `json:"account_id"`
	Kind       string    `json:"kind"` // parking, workplace
	StartedAt  time.Time `json:"started_at"`
	Answered   bool      `json:"answered"`
	TalkMillis int64     `json:"talk_ms"`
}

// LedgerRecording is one recording; it must be archived if it was announced.
type LedgerRecording struct {
	URL            string `json:"url"`
	SHA256         string `json:"sha256"` // lower-case hex
	Size           int64  `json:"size"`   // bytes
	DurationMillis int64  `json:"duration_ms"`
	Announced      bool   `json:"announced"` // its notification was acknowledged
}

// Ledger is of the present moment; the calls that were never posted are not in it.
func (s *Sim) Ledger() Ledger {
	l := Ledger{
		Seed: s.opts.Seed, AbandonMillis: AbandonAfter.Milliseconds(),
		Acked: s.count.acked.Load(), Lost: s.count.lost.Load(), Directory: s.count.directory.Load(),
		Calls: []LedgerCall{},
	}
	for _, c := range s.Calls() {
		posted, acked := false, 0
		for _, n := range c.Notifications {
			posted = posted || n.posted.Load()
			if n.acked.Load() {
				acked++
			}
		}
		l.Distinct += int64(acked)
		if posted {
			row := c.Ledger()
			row.Complete = acked == len(c.Notifications) && !c.cut
			l.Calls = append(l.Calls, row)
		}
	}
	return l
}

// Ledger is what a correct record of the call says, whether it was posted or not;
// Complete is left false.
func (c *Call) Ledger() LedgerCall {
	row := LedgerCall{
		PlatformCallID: c.PlatformID, Kind: c.Kind, Direction: c.Direction, StartedAt: c.StartedAt,
		Answered: c.Answered, Outcome: c.Outcome(), OutcomeCertain: c.OutcomeCertain(),
		WaitedMillis: c.Waited.Milliseconds(), TalkMillis: c.Talk.Milliseconds(),
		ClientNumber: c.Client, ExternalNumber: c.External,
		Legs: []LedgerLeg{}, Recordings: []LedgerRecording{},
	}
	if c.Answered && !c.answerUntold {
		ring, wait := c.Ring.Milliseconds(), c.Waited.Milliseconds()
		row.RingMillis, row.WaitMillis = &ring, &wait
	}
	for _, l := range c.Legs {
		row.Legs = append(row.Legs, LedgerLeg{
			PlatformID: l.PlatformID, AccountID: l.AccountID, Kind: l.Kind,
			StartedAt: l.StartedAt, Answered: l.Answered, TalkMillis: l.Talk.Milliseconds(),
		})
	}
	announced := map[*Recording]bool{}
	for _, n := range c.Notifications {
		if n.recording != nil {
			announced[n.recording] = n.acked.Load()
		}
	}
	for _, rec := range c.Recordings {
		sum, size := rec.Digest()
		row.Recordings = append(row.Recordings, LedgerRecording{
			URL: rec.URL, SHA256: sum, Size: size, DurationMillis: rec.Duration().Milliseconds(),
			Announced: announced[rec],
		})
	}
	return row
}
