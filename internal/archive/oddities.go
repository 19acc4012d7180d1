package archive

import (
	"context"
	"fmt"
	"strings"
	"time"

	"fonoteka/internal/call"
)

// talkWait bounds the question for the talk time: a recording does not wait for
// its CDR.
const talkWait = 2 * time.Second

// oddities names what is not as expected of a whole file, for people; "" if
// nothing is. None of it is a reason not to keep the file.
func (a *Archiver) oddities(ctx context.Context, rec call.Recording, length time.Duration, body *Body) string {
	var odd []string
	if body.Unmeasured {
		a.m.warnings.WithLabelValues("unmeasured").Inc()
		odd = append(odd, "the operator's server did not say how long the file is, so that only its own frames show that it is whole")
	}
	if a.TalkOf == nil || rec.CallID == 0 {
		return strings.Join(odd, "; ")
	}
	limited, cancel := context.WithTimeout(ctx, talkWait)
	defer cancel()
	talk, parts, known, err := a.TalkOf(limited, rec.Integration, rec.CallID)
	if err != nil {
		a.m.infra.WithLabelValues("talk").Inc()
	}
	if err == nil && known && !matches(length, talk, parts) {
		a.m.warnings.WithLabelValues("duration").Inc()
		odd = append(odd, fmt.Sprintf("the recording plays for %s, its call's talk took %s as known when it was archived", length.Round(time.Second), talk.Round(time.Second)))
	}
	return strings.Join(odd, "; ")
}

// matches compares a recording with its call's talk. One of several may be a
// part of it; none should be longer. The operator's times are whole seconds, and
// a recording may begin with an announcement.
func matches(length, talk time.Duration, recordings int) bool {
	tolerance := max(5*time.Second, talk/20)
	if length > talk+tolerance {
		return false
	}
	return recordings > 1 || length >= talk-tolerance
}
