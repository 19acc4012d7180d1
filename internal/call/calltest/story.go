// Package calltest reads call stories: files that tell, for people who know
// telephony, what happens in a call, which notifications the operator sends of
// it, which record must come of them, and what is still known when one of them
// is lost. Tests of several packages hold the derivation against them.
//
// A story is text in a notation of its own. JSON bodies, or YAML around them,
// were rejected: a page of braces hides the one field that a story is about.
// What the notation leaves out is filled in as in the operator's own examples,
// and whatever it cannot say stands in the story as JSON (party, raw). The
// expectation is every field of the record and of its legs: what a story does
// not mention must have its zero value.
//
// testdata/stories/README of package call explains the notation to its readers.
package calltest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/call"
)

// Story is one file.
type Story struct {
	Name    string // of its file, without the ending; also of the integration in which it happens
	Title   string
	Zone    *time.Location // of the times in the bodies
	Rules   call.Rules
	InTurn  bool // notifications an hour apart keep their order: who comes first decides what is meant
	Notes   []Note
	Calls   Picture
	Actions []Action
	Links   []string // that must be found: "kind confidence from to", calls by their base ids; - is the action
	Without map[int]Picture

	parties    map[string]string // name → JSON of a party, for either side
	recordings map[string]string // recording id → name
}

// Note is a notification: the body, and when it arrives.
type Note struct {
	Line       int // in the file
	Body       []byte
	ReceivedAt time.Time
}

// Read reads all stories of a folder, or fails the test with each mistake.
func Read(t testing.TB, dir string) []Story {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories in %s (%v)", dir, err)
	}
	var out []Story
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Parse(strings.TrimSuffix(filepath.Base(file), ".txt"), string(text))
		if err != nil {
			t.Errorf("%s:%v", file, err)
			continue
		}
		out = append(out, s)
	}
	return out
}

// Parse reads one story. Its errors begin with the line's number.
func Parse(name, text string) (Story, error) {
	s := Story{
		Name: name, Zone: time.UTC, Rules: call.Rules{AbandonAfter: 5 * time.Second},
		Calls: Picture{}, Without: map[int]Picture{}, parties: map[string]string{}, recordings: map[string]string{},
	}
	p := parser{story: &s}
	for i, line := range strings.Split(text, "\n") {
		if err := p.line(i+1, line); err != nil {
			return s, fmt.Errorf("%d: %w", i+1, err)
		}
	}
	return s, p.finish()
}

// Action is something that we asked the operator to do.
type Action struct {
	Kind       string
	At         time.Time
	AccountID  string
	Number     string
	PlatformID string // the Call-ID that the operator returned, or "-"
}
