package catalogstats

import (
	"time"

	"fonoteka/internal/call"
)

// DaysLeft are the upper ends of Counts.AtRisk's steps; 0 is "past due", and
// one more step after them holds what has longer.
var DaysLeft = [...]int{0, 1, 3, 7, 30, 90}

// Counts are how the whole catalogue stood at a moment.
type Counts struct {
	At            time.Time
	States        map[call.RecordingState]uint64
	Lost          uint64 // given up; see call.RecordingStatus.Lost
	ArchivedBytes uint64
	Faulty        map[call.FaultKind]uint64 // archived, and known to be altered, absent or unreadable
	Short         Short
	// ArchivedLately counts what was archived in the last minute.
	ArchivedLately uint64
	// AtRisk counts what is neither archived nor lost nor erased, and what is short and to
	// be fetched again, by the days the operator's link has left, each recording in one step: AtRisk[i] has more
	// than DaysLeft[i-1] and at most DaysLeft[i].
	AtRisk        [len(DaysLeft) + 1]uint64
	Due           uint64    // to be tried now
	OldestDue     time.Time // since when the longest-waiting of them is due; zero: none is
	Untried       uint64    // of what is at risk, never tried so far
	OldestUntried time.Time // announcement of the oldest of them
	NextExpiry    time.Time // of what is at risk; in the past where something is past due
	SharedLately  uint64    // recordings that another call named within the last week
}

// Short counts archived recordings that play for less than their talk took.
type Short struct {
	Again       uint64 // to be fetched again
	AtOperator  uint64 // the operator's server gave the same file again
	Unconfirmed uint64 // neither: it gave none while the link lived
}

// Known counts all recordings ever announced, imported or erased.
func (c Counts) Known() (n uint64) {
	for _, of := range c.States {
		n += of
	}
	return n
}

// Waiting counts what is still to be fetched.
func (c Counts) Waiting() (n uint64) {
	for _, of := range c.AtRisk {
		n += of
	}
	return n
}
