package archive

import (
	"fmt"

	"fonoteka/internal/call"
)

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
	Damaged      Kind = "damaged"      // mp3 with foreign bytes in it
	TooLarge     Kind = "too_large"    // over the cap
	Refused      Kind = "refused"      // by our own list of hosts
)

// kinds lists all, so that each has its metric from the start.
var kinds = []Kind{Missing, TooEarly, Gone, Unauthorised, BadAnswer, Unreachable, Timeout, Cut, NotAudio, Damaged, TooLarge, Refused}

// Failure is a try's failure that belongs into the catalogue. All other errors
// are our own infrastructure's.
type Failure struct {
	Kind   Kind
	Reason string // a sentence for users: no personal data, no link, at most the host
	Host   string // of the server that answered, where one did
}

func (f *Failure) Error() string { return f.Reason }

func failure(kind Kind, format string, args ...any) *Failure {
	return &Failure{Kind: kind, Reason: fmt.Sprintf(format, args...)}
}

func refused(format string, args ...any) *Failure { return failure(Refused, format, args...) }

// state is where a recording stands after such a failure, as long as tries go on.
func (k Kind) state() call.RecordingState {
	switch k {
	case Missing, TooEarly, Gone:
		return call.Missing
	case Refused, TooLarge:
		return call.Refused
	}
	return call.Retrying
}
