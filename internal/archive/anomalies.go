package archive

import (
	"context"
	"time"

	"fonoteka/internal/audio"
	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
	"fonoteka/internal/fetch"
)

// talkWait bounds the question for the talk time: a recording does not wait for
// its CDR.
const talkWait = 2 * time.Second

// talk is what the CDR says of a recording's call by now.
type talk struct {
	length time.Duration
	known  bool
}

// talkOf asks for the talk while the row is looked up. One answer comes, soon.
func (a *Archiver) talkOf(ctx context.Context, rec call.Recording) <-chan talk {
	answer := make(chan talk, 1)
	if a.opts.TalkOf == nil || rec.GroupID == 0 {
		answer <- talk{}
		return answer
	}
	go func() { answer <- a.askTalk(ctx, rec) }()
	return answer
}

func (a *Archiver) askTalk(ctx context.Context, rec call.Recording) (t talk) {
	ctx, cancel := context.WithTimeout(ctx, talkWait)
	defer cancel()
	var err error
	if t.length, t.known, err = a.opts.TalkOf(ctx, rec.Integration, rec.GroupID); err != nil {
		a.m.infra.WithLabelValues("talk").Inc()
		return talk{}
	}
	return t
}

// noteAnomalies notes in a sidecar what is not as expected of a whole file. None of it
// is a reason not to keep the file.
func (a *Archiver) noteAnomalies(side *bucket.Sidecar, found audio.Result, body *fetch.Body, t talk) {
	if body.Unmeasured {
		a.m.warnings.WithLabelValues("unmeasured").Inc()
		side.Unmeasured = true
	}
	if body.Proxied {
		a.m.warnings.WithLabelValues("proxied").Inc()
		side.Proxied = true
	}
	if found.TextBefore > 0 {
		a.m.warnings.WithLabelValues("text_before").Inc()
		side.TextBefore = found.TextBefore
	}
	if t.known && t.exceeded(found.Duration) {
		a.m.warnings.WithLabelValues("duration").Inc()
		side.MismatchedTalkMS = t.length.Milliseconds()
	}
}

// exceeded reports whether a recording plays for longer than its call's talk. The
// operator's times are whole seconds, and a recording may begin with an announcement.
// What plays for less is judged by the CDR (call.Record.Judged), which may come later
// than the file.
func (t talk) exceeded(length time.Duration) bool {
	return length > t.length+max(5*time.Second, t.length/20)
}
