// Package doctor examines an installation and what it stands on, for fonoteka doctor.
//
// It asks what can be known from the machine an installation runs on about the way
// notifications take to it: the name, the certificate, the address itself, where
// requests to it seem to come from, the clocks, the disk, and the running process. Then
// it asks the stores, the login, the spool and what has arrived. It changes nothing, and
// each answer says what it means and what helps. The thresholds of what is told are those
// of the alert rules.
//
// What cannot be known from here – whether the operator gets through – is said
// to be so, not guessed. No text holds the redirect URI, whose path is a secret.
package doctor

import "fonoteka/internal/blob"

// Answer is what came of a question, as of the object store's own trial.
type Answer = blob.Answer

// The answers. Only No says that the installation lacks something.
const (
	Yes              = blob.Yes
	Look      Answer = "look" // it works, and should be looked at soon
	No               = blob.No
	NotNeeded        = blob.NotNeeded
	NotTried         = blob.NotTried // something before it failed
	Unknown   Answer = "not known"   // from here
)

// Finding is one question and its answer: its check is a stable name, and its texts are
// for people and hold no secret.
type Finding = blob.Finding

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
