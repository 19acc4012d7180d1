// Package custody chains the steps of each recording, and seals the chains: when a day is
// over, the number of steps that were written on it, and the digest of where the chains of
// their recordings stand (Heads), become an entry of the audit, which cannot be altered
// unnoticed (package audit). Verify computes them again and names the days that differ.
// A chain is what a package for outsiders shows of a recording (package pack).
//
// Days that were sealed before chains were have the digest of their steps alone (Sums).
// They keep it, and Verify knows both forms.
//
// A day's steps are those that were written on it, whenever they happened: after an
// outage of the warehouse, the steps of several days are written on the day on which it
// is back, and belong to that day. Nothing is written with a day that is
// over, so that a seal never has to be replaced. To seal by the time of the steps was
// rejected: each outage would change sealed days, and a forged step could not be told from
// a late one.
//
// What a seal cannot show: that a step was forged, altered or removed before its
// day was sealed.
//
// Every day is sealed, also one without steps, so that no step can be added to it
// afterwards; before the first seal, only days with
// steps are. Steps from before the day was recorded belong to the day 1970-01-01.
package custody

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"fonoteka/internal/audit"
)

// Action is the action of audit entries that hold seals.
const Action = "custody.sealed"

// Day is the name of a day in UTC: 2026-03-02.
func Day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// Sum is the number and the digest of a day's steps.
type Sum struct {
	Rows   uint64 `json:"rows"`   // steps; one that was written again is one
	SHA256 string `json:"sha256"` // of the chains' heads, or of the lines of the steps; lower-case hex
}

// Seal is the Sum of a day when it was sealed.
type Seal struct {
	Day string
	Sum
	Heads bool      // its digest is that of the chains' heads; false: of the steps alone, as it was before
	At    time.Time // when
}

// entry is the seal in the audit.
func (s Seal) entry() audit.Entry {
	of := ""
	if s.Heads {
		of = "heads "
	}
	return audit.Entry{Actor: "fonoteka", Action: Action, Target: s.Day, Outcome: audit.Done, Detail: fmt.Sprintf("%d rows, %ssha256 %s", s.Rows, of, s.SHA256)}
}

var detail = regexp.MustCompile(`^([0-9]{1,19}) rows, (heads )?sha256 ([0-9a-f]{64})$`)

// SealOf reads the seal from an entry of the audit; false where it has none.
func SealOf(r audit.Row) (Seal, bool) {
	m := detail.FindStringSubmatch(r.Detail)
	if r.Action != Action || m == nil {
		return Seal{}, false
	}
	if _, err := time.Parse(time.DateOnly, r.Target); err != nil {
		return Seal{}, false
	}
	rows, err := strconv.ParseUint(m[1], 10, 64)
	return Seal{Day: r.Target, Sum: Sum{rows, m[3]}, Heads: m[2] != "", At: r.At}, err == nil
}
