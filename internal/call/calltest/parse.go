package calltest

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"
)

// parser reads a story line by line. A line that is indented goes on with what
// the line before it began.
type parser struct {
	story   *Story
	section string
	without []clause // in the order of the file
}

// clause is one "without N" with its text.
type clause struct {
	line, note int
	text       string
}

func (p *parser) line(n int, line string) error {
	words := strings.Fields(line)
	indented := strings.HasPrefix(line, " ")
	switch {
	case n == 1:
		p.story.Title = strings.TrimSpace(line)
	case len(words) == 0:
	case !indented && (line == "notifications" || line == "calls" || line == "actions" || line == "links" || line == "when one is missing"):
		p.section = line
	case !indented:
		return p.head(words, line)
	case p.section == "notifications":
		return p.note(n, words, line)
	case p.section == "calls":
		return p.story.Calls.say(p.story, strings.TrimSpace(line))
	case p.section == "actions":
		return p.action(words)
	case p.section == "links":
		p.story.Links = append(p.story.Links, strings.Join(words, " "))
	case p.section == "when one is missing":
		return p.missing(n, strings.TrimSpace(line))
	}
	return nil
}

// head reads what stands before the sections; anything that is no setting is prose.
func (p *parser) head(words []string, line string) (err error) {
	s := p.story
	switch {
	case p.section != "":
		return fmt.Errorf("%q is no section", line)
	case words[0] == "zone" && len(words) == 2:
		s.Zone, err = time.LoadLocation(words[1])
	case words[0] == "area-code" && len(words) == 2:
		s.Rules.AreaCode = words[1]
	case words[0] == "in-turn" && len(words) == 1:
		s.InTurn = true
	case words[0] == "party" && len(words) > 2:
		_, json, _ := strings.Cut(line, words[1])
		s.parties[words[1]] = strings.TrimSpace(json)
	}
	return err
}

// note reads "N came state leg [from > to] details"; the number is the reader's.
func (p *parser) note(n int, words []string, line string) error {
	if words[0] != strconv.Itoa(len(p.story.Notes)+1) {
		return fmt.Errorf("notification %s stands where %d is due", words[0], len(p.story.Notes)+1)
	}
	if strings.HasPrefix(strings.TrimSpace(line), "#") {
		return nil
	}
	came, rest, err := clockTime(words[1:], time.UTC)
	if err != nil {
		return err
	}
	var body []byte
	if _, raw, ok := strings.Cut(line, " raw "); ok {
		body = []byte(strings.TrimSpace(raw))
	} else if body, err = p.story.body(rest, line); err != nil {
		return err
	}
	p.story.Notes = append(p.story.Notes, Note{Line: n, Body: body, ReceivedAt: came})
	return nil
}

// action reads "make 10:00:00 anna 78124241500 m~1o".
func (p *parser) action(words []string) error {
	at, rest, err := clockTime(words[1:], time.UTC)
	if err != nil || len(rest) != 3 {
		return errors.New("want: kind, time, account, number, Call-ID")
	}
	p.story.Actions = append(p.story.Actions, Action{words[0], at, p.story.account(rest[0]), rest[1], rest[2]})
	return nil
}

// Day is the day of a time that names none.
const Day = "2026-03-02"

// clockTime reads "[2026-03-02] 10:00:00.4" off the front of words.
func clockTime(words []string, zone *time.Location) (time.Time, []string, error) {
	text, day := "", Day
	if len(words) > 1 && strings.Count(words[0], "-") == 2 {
		day, words = words[0], words[1:]
	}
	if len(words) > 0 {
		text, words = words[0], words[1:]
	}
	t, err := time.ParseInLocation("2006-01-02 15:04:05", day+" "+text, zone)
	return t, words, err
}

// missing reads "without N: clauses"; a line without that goes on with the one before.
func (p *parser) missing(n int, line string) error {
	rest, begins := strings.CutPrefix(line, "without ")
	if !begins {
		if len(p.without) == 0 {
			return errors.New("want: without N: …")
		}
		p.without[len(p.without)-1].text += " " + line
		return nil
	}
	number, text, ok := strings.Cut(rest, ":")
	note, err := strconv.Atoi(number)
	if err != nil || !ok || note < 1 || note > len(p.story.Notes) {
		return fmt.Errorf("want: without N: …, N one of 1 … %d", len(p.story.Notes))
	}
	p.without = append(p.without, clause{n, note, text})
	return nil
}

// finish makes the pictures of what is known without each notification.
func (p *parser) finish() error {
	s := p.story
	for _, c := range p.without {
		picture := s.Calls.clone()
		for _, part := range strings.Split(c.text, ";") {
			if err := picture.change(s, strings.TrimSpace(part)); err != nil {
				return fmt.Errorf("%d: %w", c.line, err)
			}
		}
		if s.Without[c.note] != nil {
			return fmt.Errorf("%d: without %d is told twice", c.line, c.note)
		}
		s.Without[c.note] = picture
	}
	if s.Title == "" || len(s.Notes) == 0 || len(s.Without) != len(s.Notes) {
		return fmt.Errorf("1: %d notifications, and told of %d what is known without it", len(s.Notes), len(s.Without))
	}
	return nil
}

// Picture is what can be seen of calls and legs: subject → field → value. A
// field that is not there has its zero value.
type Picture map[string]fields

func (p Picture) clone() Picture {
	out := Picture{}
	for subject, fields := range p {
		out[subject] = maps.Clone(fields)
	}
	return out
}
