package calltest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"fonoteka/internal/call"
)

// Fields that are said by their name alone, and those that have a value.
var (
	flags  = []string{"partial", "start-inexact", "end-inexact", "talk-inexact", "by-duration", "bad-times", "finished", "parking", "attended", "forwarded"}
	valued = []string{
		"client", "external", "account", "hung-up", "caller", "callee", "started", "answered", "ended", "ring", "wait", "talk", "attendant", "transfers",
		"recordings", "reason", "code", "direction", "outcome",
	}
)

// say reads "call ID: fields" or "leg ID ACCOUNT: fields".
func (p Picture) say(s *Story, line string) error {
	subject, said, err := s.subject(line)
	if err != nil {
		return err
	}
	if p[subject] == nil {
		p[subject] = fields{}
	}
	return p.set(subject, said)
}

// subject splits "call a: …" and "leg a~1o anna: …"; a line without a subject
// speaks of the story's only call.
func (s *Story) subject(line string) (subject, said string, err error) {
	head, said, ok := strings.Cut(line, ": ")
	words := strings.Fields(head)
	switch {
	case ok && len(words) == 2 && words[0] == "call":
		return head, said, nil
	case ok && len(words) == 3 && words[0] == "leg":
		return "leg " + words[1] + " " + words[2], said, nil
	}
	only := ""
	for subject := range s.Calls {
		if strings.HasPrefix(subject, "call ") {
			if only != "" {
				return "", "", fmt.Errorf("of which call is this said: %s", line)
			}
			only = subject
		}
	}
	if only == "" {
		return "", "", fmt.Errorf("want call ID: …, or leg ID ACCOUNT: …, not %s", line)
	}
	return only, line, nil
}

func (p Picture) set(subject, said string) error {
	for _, field := range split(said) {
		name, value, _ := strings.Cut(field, " ")
		absent := name == "no"
		if absent {
			name, value = value, ""
		}
		switch {
		case slices.Contains(flags, name) && value == "":
			value = "yes"
		case !slices.Contains(valued, name):
			return fmt.Errorf("%q is no field", field)
		case !absent && value == "":
			return fmt.Errorf("field %s has no value", name)
		}
		if slices.Contains([]string{"started", "answered", "ended"}, name) && !absent {
			t, _, err := clockTime(strings.Fields(value), time.UTC)
			if err != nil {
				return err
			}
			value = instant(t)
		}
		if absent {
			delete(p[subject], name)
		} else {
			p[subject][name] = strings.Trim(value, `"`)
		}
	}
	return nil
}

// split cuts at commas outside of quotes.
func split(said string) (out []string) {
	quoted := false
	for _, part := range strings.FieldsFunc(said, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return r == ',' && !quoted
	}) {
		out = append(out, strings.TrimSpace(part))
	}
	return out
}

// change reads a clause of what is known without a notification: "same", "call
// gone", "leg ID ACCOUNT: gone", or fields that differ. Words in brackets at
// its end are for the reader.
func (p Picture) change(s *Story, text string) error {
	if i := strings.LastIndex(text, "("); i >= 0 && strings.HasSuffix(text, ")") {
		text = strings.TrimSpace(text[:i])
	}
	if text == "same" {
		return nil
	}
	subject, said, err := s.subject(text)
	switch {
	case err != nil:
		return err
	case said == "gone" || said == "call gone":
		if p[subject] == nil {
			return fmt.Errorf("%s is not there", subject)
		}
		delete(p, subject)
		return nil
	case p[subject] == nil:
		p[subject] = fields{}
	}
	return p.set(subject, said)
}

// See is the picture of derived records.
func (s Story) See(records []call.Record) Picture {
	p := Picture{}
	seen := map[string]int{}
	for _, r := range records {
		subject := "call " + r.PlatformCallID
		if seen[subject]++; seen[subject] > 1 {
			subject += "#" + strconv.Itoa(seen[subject])
		}
		f := fields{}
		f.text("direction", string(r.Direction))
		f.text("outcome", string(r.Outcome))
		f.text("client", r.ClientNumber.Digits)
		f.text("external", r.ExternalNumber.Digits)
		if r.AccountID != "" {
			f.text("account", s.named(r.AccountID))
		}
		if r.HungUp != call.UnknownSide {
			f.text("hung-up", string(r.HungUp))
		}
		f.text("caller", s.member(r.Caller))
		f.text("callee", s.member(r.Callee))
		f.times(r.StartedAt, r.AnsweredAt, r.EndedAt)
		f.span("ring", r.Ring, r.RingKnown)
		f.span("wait", r.Wait, r.WaitKnown)
		f.span("talk", r.Talk, r.Talk != 0 || r.Outcome == call.Answered)
		f.span("attendant", r.Attendant, r.Attendant != 0)
		if r.Transfers != 0 {
			f.text("transfers", strconv.Itoa(r.Transfers))
		}
		var names []string
		for _, id := range r.Recordings {
			names = append(names, s.recordings[id])
		}
		slices.Sort(names)
		f.text("recordings", strings.Join(names, " "))
		f.flag("partial", r.Partial)
		f.flag("start-inexact", r.StartInexact)
		f.flag("end-inexact", r.EndInexact)
		f.flag("talk-inexact", r.TalkInexact)
		f.flag("by-duration", r.AnsweredByDuration)
		f.flag("bad-times", r.BadTimes)
		p[subject] = f
		for _, l := range r.Legs {
			leg := "leg " + l.PlatformID + " " + s.named(l.AccountID)
			if p[leg] != nil { // its Call-ID was used again
				leg += "#2"
			}
			p[leg] = s.leg(l)
		}
	}
	return p
}

func (s Story) leg(l call.Leg) fields {
	f := fields{}
	f.text("caller", s.member(l.Caller))
	f.text("callee", s.member(l.Callee))
	f.flag("parking", l.Kind == call.Parking)
	f.flag("attended", l.Kind == call.Attendant)
	f.flag("forwarded", l.Kind == call.Forwarded)
	f.times(l.StartedAt, l.AnsweredAt, l.EndedAt)
	f.span("ring", l.Ring, l.RingKnown)
	f.span("talk", l.Talk, l.Talk != 0 || l.Answered)
	f.flag("by-duration", l.Answered && l.AnsweredAt.IsZero())
	f.flag("talk-inexact", l.TalkInexact)
	f.flag("finished", l.Finished)
	f.text("reason", l.Reason)
	f.text("code", l.ReasonCode)
	return f
}

// member is "anna 101 Анна Иванова", as much of it as is known.
func (s Story) member(m call.Member) string {
	account := ""
	if m.AccountID != "" {
		account = s.named(m.AccountID)
	}
	return strings.Join(strings.Fields(account+" "+m.Extension+" "+m.Name), " ")
}

// named is the story's name of an account; "?" where it is not known.
func (s Story) named(account string) string {
	for name, a := range workplaces {
		if a == account {
			return name
		}
	}
	switch account {
	case line:
		return "line"
	case "":
		return "?"
	}
	return account
}

// fields are those of one subject.
type fields map[string]string

func (f fields) text(name, value string) {
	if value != "" {
		f[name] = value
	}
}

func (f fields) flag(name string, set bool) {
	if set {
		f[name] = "yes"
	}
}

// span is a duration in seconds.
func (f fields) span(name string, d time.Duration, known bool) {
	if known {
		f[name] = strconv.FormatFloat(d.Seconds(), 'f', -1, 64)
	}
}

func (f fields) times(started, answered, ended time.Time) {
	for name, t := range map[string]time.Time{"started": started, "answered": answered, "ended": ended} {
		if !t.IsZero() {
			f[name] = instant(t)
		}
	}
}

func instant(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.999") }
