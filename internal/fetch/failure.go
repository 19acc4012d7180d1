package fetch

import "fonoteka/internal/call"

// Kind says what kept a recording from being fetched. What follows from it – whether
// and when it is tried again – is decided by package archive, which has kinds of its own
// for what comes whole and is no whole recording.
type Kind string

// The kinds of failures of a download.
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
	TooLarge     Kind = "too_large"    // over the limit
	Refused      Kind = "refused"      // by our own list of hosts
)

// Kinds lists all, so that each has its metric from the start.
func Kinds() []Kind {
	return []Kind{Missing, TooEarly, Gone, Unauthorised, BadAnswer, Unreachable, Timeout, Cut, NotAudio, TooLarge, Refused}
}

// Failure says what is wrong with a link, a server or a file. All other errors are our
// own infrastructure's.
type Failure struct {
	Kind Kind
	call.Failure
	Why error // what the file lacks, for the log; nil where there is no more to say
}

// Error is the sentence for users: no personal data, no link, at most the host.
func (f *Failure) Error() string { return f.Sentence() }

// failure sorts what a download met.
func failure(f call.Failure) *Failure { return &Failure{Kind: kindOf[f.Code], Failure: f} }

// KindOf is the kind of a code; "": it is of no failure of a download.
func KindOf(code call.Code) Kind { return kindOf[code] }

var kindOf = map[call.Code]Kind{
	call.CodeNotFound: Missing, call.CodeTooEarly: TooEarly, call.CodeGone: Gone,
	call.CodeLoginRequired: Unauthorised, call.CodeLoginUnavailable: Unauthorised,
	call.CodeServerError: BadAnswer, call.CodeUnexpectedAnswer: BadAnswer, call.CodeRedirectNowhere: BadAnswer, call.CodeRedirectLoop: BadAnswer,
	call.CodeUnknownName: Unreachable, call.CodeLookupFailed: Unreachable, call.CodeBadCertificate: Unreachable, call.CodePlainOnly: Unreachable,
	call.CodeConnection: Unreachable, call.CodeNoConnection: Unreachable,
	call.CodeNoAnswer: Timeout, call.CodeStalled: Timeout, call.CodeTooSlow: Timeout,
	call.CodeCut: Cut, call.CodeOverlong: Cut, call.CodeWrongPart: Cut,
	call.CodeEmpty: NotAudio, call.CodeHTML: NotAudio, call.CodeJSON: NotAudio, call.CodeCompressed: NotAudio, call.CodeNotAudio: NotAudio,
	call.CodeTooLarge: TooLarge,
	call.CodeBadLink:  Refused, call.CodeLinkWithUser: Refused, call.CodeNotHTTPS: Refused,
	call.CodeRefusedHost: Refused, call.CodeRefusedAddress: Refused, call.CodeRefusedPort: Refused, call.CodePrivateAddress: Refused,
}
