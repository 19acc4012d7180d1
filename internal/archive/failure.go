package archive

import "fonoteka/internal/call"

// Kind classifies why a recording could not be archived by a try. Whether and
// when to try again is decided from it, here and nowhere else.
type Kind string

const (
	Missing      Kind = "missing"      // 404
	TooEarly     Kind = "too_early"    // 425
	Gone         Kind = "gone"         // 410
	Unauthorised Kind = "unauthorised" // 401
	BadAnswer    Kind = "bad_answer"   // any other answer but 200
	Unreachable  Kind = "unreachable"  // no name, no connection, no TLS
	Timeout      Kind = "timeout"      // too slow
	Cut          Kind = "cut"          // ended before its end
	NotAudio     Kind = "not_audio"    // a web page, text, nothing
	Incomplete   Kind = "incomplete"   // came whole, but its last frames are missing
	Damaged      Kind = "damaged"      // audio with foreign bytes in it, or whose parts contradict each other
	Unverifiable Kind = "unverifiable" // audio of which nothing can tell whether it is whole
	TooLarge     Kind = "too_large"    // over the cap
	Refused      Kind = "refused"      // by our own list of hosts
	Ours         Kind = "ours"         // nothing of the above: this side fails on this one, again and again
)

// kinds lists all, so that each has its metric from the start.
var kinds = []Kind{Missing, TooEarly, Gone, Unauthorised, BadAnswer, Unreachable, Timeout, Cut, NotAudio, Incomplete, Damaged, Unverifiable, TooLarge, Refused, Ours}

// Failure is a try's failure that belongs into the catalogue. All other errors
// are our own infrastructure's.
type Failure struct {
	Kind Kind
	call.Failure
	why error // what the file lacks, for the log; nil where there is no more to say
}

// Error is the sentence for users: no personal data, no link, at most the host.
func (f *Failure) Error() string { return f.Sentence() }

// failure classifies what a try met.
func failure(f call.Failure) *Failure { return &Failure{Kind: kindOf[f.Code], Failure: f} }

// kindOf sorts the codes. A code that is not here could neither be counted nor be
// scheduled: the tests look for one.
var kindOf = map[call.Code]Kind{
	call.CodeNotFound: Missing, call.CodeTooEarly: TooEarly, call.CodeGone: Gone,
	call.CodeLoginRequired: Unauthorised, call.CodeLoginUnavailable: Unauthorised,
	call.CodeServerError: BadAnswer, call.CodeUnexpectedAnswer: BadAnswer, call.CodeRedirectNowhere: BadAnswer, call.CodeRedirectLoop: BadAnswer,
	call.CodeUnknownName: Unreachable, call.CodeLookupFailed: Unreachable, call.CodeBadCertificate: Unreachable, call.CodePlainOnly: Unreachable,
	call.CodeConnection: Unreachable, call.CodeNoConnection: Unreachable,
	call.CodeNoAnswer: Timeout, call.CodeStalled: Timeout, call.CodeTooSlow: Timeout,
	call.CodeCut: Cut, call.CodeOverlong: Cut, call.CodeWrongPart: Cut,
	call.CodeEmpty: NotAudio, call.CodeHTML: NotAudio, call.CodeJSON: NotAudio, call.CodeCompressed: NotAudio, call.CodeNotAudio: NotAudio,
	call.CodeIncomplete: Incomplete, call.CodeDamaged: Damaged, call.CodeUnverifiable: Unverifiable, call.CodeTooLarge: TooLarge,
	call.CodeBadLink: Refused, call.CodeLinkWithUser: Refused, call.CodeNotHTTPS: Refused,
	call.CodeRefusedHost: Refused, call.CodeRefusedAddress: Refused, call.CodeRefusedPort: Refused, call.CodePrivateAddress: Refused,
	call.CodeOwnFailure: Ours,
}

// class says what a failure means for the recording: what state it is in, and
// when it is tried again.
type class struct {
	state call.RecordingState
	pace  *pace
	// last: at the end of all tries, this answer means that the file is gone.
	last bool
}

// class sorts a kind of failure into its class. What is not there yet, and what a
// server or a line does wrong, is tried quickly, then less and less often; what
// is gone, by the server's own word, seldom; a missing login as often as it
// takes to notice that somebody has renewed it; damaged audio so often that a
// mended file is not missed; and our own refusals once a day, since a changed
// configuration lets the planner try them at once.
func (k Kind) class() class {
	switch k {
	case Missing:
		return class{call.Missing, &notReady, true}
	case TooEarly:
		return class{call.Missing, &notReady, false}
	case Gone:
		return class{call.Missing, &gone, true}
	case Unauthorised:
		return class{call.Retrying, &login, false}
	case Incomplete, Damaged, Unverifiable:
		return class{call.Retrying, &damaged, false}
	case Refused, TooLarge:
		return class{call.Refused, &policy, false}
	}
	return class{call.Retrying, &notReady, false}
}

// kept reports whether the bytes of a failed try are worth keeping: damaged
// audio at once, a file whose end is missing when it has had half a minute to
// grow.
func (k Kind) kept(attempt int) bool {
	return k == Damaged || k == Unverifiable || k == Incomplete && attempt > quick
}
