// Package checkup asks what can be known from the machine an installation runs
// on about the way notifications take to it: the name, the certificate, the
// address itself, where requests to it seem to come from, the clocks, the disk, and
// the running process. It changes nothing, and each answer says what it means and
// what helps.
//
// What cannot be known from here – whether the operator gets through – is said
// to be so, not guessed. No text holds the redirect URI, whose path is a secret.
package checkup

// Answer is what came of a question.
type Answer string

// The answers. Only No says that the installation lacks something.
const (
	Yes       Answer = "yes"
	Look      Answer = "look" // it works, and should be looked at soon
	No        Answer = "no"
	NotNeeded Answer = "not needed"
	NotTried  Answer = "not tried" // something before it failed
	Unknown   Answer = "not known" // from here
)

// Finding is one question and its answer. Its texts are for people and hold no
// secret.
type Finding struct {
	Check  string `json:"check"` // a stable name
	Answer Answer `json:"answer"`
	Means  string `json:"means"`            // to the user
	Do     string `json:"do,omitempty"`     // what helps, after a No or a Look
	Detail string `json:"detail,omitempty"` // in the other side's words
}

func yes(check, means string) Finding { return Finding{Check: check, Answer: Yes, Means: means} }

func no(check, means, do string, err error) Finding {
	f := Finding{Check: check, Answer: No, Means: means, Do: do}
	if err != nil {
		f.Detail = err.Error()
	}
	return f
}

func look(check, means, do string) Finding {
	return Finding{Check: check, Answer: Look, Means: means, Do: do}
}
