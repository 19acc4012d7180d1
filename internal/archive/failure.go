package archive

import (
	"fonoteka/internal/call"
	"fonoteka/internal/fetch"
)

// The kinds of failures that are not of a download, beside those of package fetch.
// Whether and when to try again is decided from a failure's kind, here and nowhere else.
const (
	Incomplete   fetch.Kind = "incomplete"   // came whole, but its last frames are missing
	Damaged      fetch.Kind = "damaged"      // audio with foreign bytes in it, or whose parts contradict each other
	Unverifiable fetch.Kind = "unverifiable" // audio of which nothing can tell whether it is whole
	Ours         fetch.Kind = "ours"         // nothing of the operator's: this side fails on this one, again and again
)

// kinds lists all, so that each has its metric from the start.
func kinds() []fetch.Kind {
	return append(fetch.Kinds(), Incomplete, Damaged, Unverifiable, Ours)
}

// failure sorts what a try met after its download.
func failure(f call.Failure) *fetch.Failure { return &fetch.Failure{Kind: kindOf(f.Code), Failure: f} }

// kindOf sorts the codes. A code of no kind could neither be counted nor be scheduled:
// the tests look for one.
func kindOf(code call.Code) fetch.Kind {
	switch code {
	case call.CodeIncomplete:
		return Incomplete
	case call.CodeDamaged:
		return Damaged
	case call.CodeUnverifiable:
		return Unverifiable
	case call.CodeOwnFailure:
		return Ours
	}
	return fetch.KindOf(code)
}

// class says what a failure means for the recording: what state it is in, and
// when it is tried again.
type class struct {
	state   call.RecordingState
	backoff *backoff
	// last: at the end of all tries, this answer means that the file is gone.
	last bool
}

// classOf sorts a kind of failure into its class. What is not there yet, and what a
// server or a line does wrong, is tried quickly, then less and less often; what
// is gone, by the server's own word, seldom; a missing login as often as it
// takes to notice that somebody has renewed it; damaged audio so often that a
// mended file is not missed; and our own refusals once a day, since a changed
// configuration lets the planner try them at once.
func classOf(k fetch.Kind) class {
	switch k {
	case fetch.Missing:
		return class{call.Missing, &notReady, true}
	case fetch.TooEarly:
		return class{call.Missing, &notReady, false}
	case fetch.Gone:
		return class{call.Missing, &gone, true}
	case fetch.Unauthorised:
		return class{call.Retrying, &login, false}
	case Incomplete, Damaged, Unverifiable:
		return class{call.Retrying, &damaged, false}
	case fetch.Refused, fetch.TooLarge:
		return class{call.Refused, &policy, false}
	}
	return class{call.Retrying, &notReady, false}
}

// worthKeeping reports whether the bytes of a failed try are worth keeping: damaged
// audio at once, a file whose end is missing when it has had half a minute to
// grow.
func worthKeeping(k fetch.Kind, attempt int) bool {
	return k == Damaged || k == Unverifiable || k == Incomplete && attempt > quickRetries
}
