package main

import (
	"cmp"
	"strings"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/warehouse"
)

// otherSide is the client; of an internal call who called whom.
func otherSide(r call.Record) string {
	if r.Direction != call.Internal {
		return orHidden(r.ClientNumber)
	}
	return inShort(r.Caller) + " > " + inShort(r.Callee)
}

// inShort is what people dial, else what is known of a colleague.
func inShort(m call.Member) string { return orDash(cmp.Or(m.Extension, m.Name, m.AccountID)) }

// whole is all that is known of a colleague.
func whole(m call.Member) string {
	return orDash(strings.Join(strings.Fields(m.Extension+" "+m.Name+" "+m.AccountID), " "))
}

// talkAtLeast is how long the one recording of a call plays of which nobody told the
// end; 0: the end is known, or there is no such recording.
func talkAtLeast(d warehouse.CallDetail) time.Duration {
	if !d.Record.Partial && !d.Record.EndedAt.IsZero() || len(d.Record.Recordings) != 1 || len(d.Recordings) != 1 {
		return 0
	}
	return d.Recordings[0].Duration
}
