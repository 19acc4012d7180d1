package pack

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Step is one step of a recording's custody in the chain of that recording. A line of
// custody.jsonl.
//
// Hash is the SHA-256, lower-case hex, of the step as encoding/json writes it in the order
// of its fields, with an empty hash and without salt and detail. Prev is the hash of the
// step before it, empty in the first, and N counts from 1 without a gap: no step can be
// changed, taken out, put in or moved without changing every hash behind it. The hash of
// the last one is the chain's head.
//
// Detail is under the hash by a commitment alone: the SHA-256 of salt and detail. Where
// detail has to be erased, it is taken out together with its salt, and the chain stays
// whole; without the salt nobody can try out what it may have been.
type Step struct {
	Kind        string `json:"kind"` // step
	Version     int    `json:"v"`    // of this encoding
	Integration string `json:"integration"`
	RecordingID string `json:"recording_id"`
	N           int    `json:"n"`
	At          Time   `json:"at"`
	Step        string `json:"step"`
	Attempt     int    `json:"attempt"`
	SHA256      string `json:"sha256"`     // of the file that the step was about; empty: of none
	Commitment  string `json:"commitment"` // empty: there is no detail
	Prev        string `json:"prev"`
	Hash        string `json:"hash"`
	Salt        string `json:"salt,omitempty"` // 32 hex digits; without it and with a commitment: the detail was erased
	Detail      string `json:"detail,omitempty"`
}

// Kinds of lines in custody.jsonl.
const (
	StepKind      = "step"
	StatementKind = "statement"
)

// StepVersion is the version of the encoding that hashes cover.
const StepVersion = 1

// Chain makes the chain of one recording.
type Chain struct {
	Integration string
	RecordingID string

	n    int
	head string
}

// Head is the hash of the last step, empty before the first.
func (c *Chain) Head() string { return c.head }

// Len is how many steps the chain has.
func (c *Chain) Len() int { return c.n }

// Add chains a step to the ones before it. salt is one of NewSalt's, kept with the detail:
// the same step must always get the same one, or its hash becomes another.
func (c *Chain) Add(at time.Time, step string, attempt int, sha256, detail, salt string) Step {
	c.n++
	s := Step{
		Kind: StepKind, Version: StepVersion, Integration: c.Integration, RecordingID: c.RecordingID, N: c.n,
		At: At(at), Step: step, Attempt: attempt, SHA256: sha256, Prev: c.head,
	}
	if detail != "" {
		s.Salt, s.Detail, s.Commitment = salt, detail, commitment(salt, detail)
	}
	s.Hash = s.sum()
	c.head = s.Hash
	return s
}

func commitment(salt, detail string) string {
	sum := sha256.Sum256([]byte(salt + detail))
	return hex.EncodeToString(sum[:])
}

// sum is what the step's hash must be.
func (s Step) sum() string {
	s.Hash, s.Salt, s.Detail = "", "", ""
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings, numbers and a time
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// follow checks a step that comes behind the chain's last one, and takes it in.
func (c *Chain) follow(s Step) error {
	switch {
	case s.Version != StepVersion:
		return fmt.Errorf("step %d has a version that is not known", s.N)
	case s.N != c.n+1:
		return fmt.Errorf("step %d stands where step %d belongs", s.N, c.n+1)
	case s.Prev != c.head:
		return fmt.Errorf("step %d does not follow from the one before it", s.N)
	case s.Hash != s.sum():
		return fmt.Errorf("step %d is not what its hash was made of", s.N)
	case (s.Commitment == "") != (s.Detail == "") && s.Salt != "":
		return fmt.Errorf("step %d has a detail without a commitment", s.N)
	case s.Salt == "" && s.Detail != "":
		return fmt.Errorf("the detail of step %d has no salt", s.N)
	case s.Salt != "" && (len(s.Salt) != 32 || s.Commitment != commitment(s.Salt, s.Detail)):
		return fmt.Errorf("the detail of step %d is not what was committed to", s.N)
	}
	c.n, c.head = s.N, s.Hash
	return nil
}

// Statement is what the sender's audit says about a recording: that it was listened to, or
// exported before. The entry stands in it as the audit has it, and its own hash is
// checked; that the audit holds it in its place is the sender's word. A line of
// custody.jsonl, behind the steps of its recording, ordered by writer and number.
type Statement struct {
	Kind        string          `json:"kind"` // statement
	Integration string          `json:"integration"`
	RecordingID string          `json:"recording_id"`
	Entry       json.RawMessage `json:"entry"` // the line of the audit, byte for byte
}

// Custody is what custody.jsonl says of one recording.
type Custody struct {
	Integration string
	RecordingID string
	Steps       []Step
	Statements  []Entry
	Head        string
}

// maxSteps of one recording, which are held at once.
const maxSteps = 100_000

// EachCustody reads custody.jsonl and gives what it says of each recording, ordered by
// integration and id, once its chain and its statements were checked.
func EachCustody(r io.Reader, fn func(Custody) error) error {
	var c *Custody
	var chain *Chain
	err := eachRaw(r, func(line []byte) error {
		var head struct {
			Kind        string `json:"kind"`
			Integration string `json:"integration"`
			RecordingID string `json:"recording_id"`
		}
		if err := json.Unmarshal(line, &head); err != nil {
			return err
		}
		if c == nil || c.Integration != head.Integration || c.RecordingID != head.RecordingID {
			if c != nil && cmp.Or(cmp.Compare(c.Integration, head.Integration), cmp.Compare(c.RecordingID, head.RecordingID)) > 0 {
				return errors.New("its recording is not behind the one before it")
			}
			if c != nil {
				if err := fn(*c); err != nil {
					return err
				}
			}
			c = &Custody{Integration: head.Integration, RecordingID: head.RecordingID}
			chain = &Chain{Integration: head.Integration, RecordingID: head.RecordingID}
		}
		return c.take(chain, head.Kind, line)
	})
	if err == nil && c != nil {
		err = fn(*c)
	}
	return err
}

// take takes in a line about the recording.
func (c *Custody) take(chain *Chain, kind string, line []byte) error {
	switch {
	case len(c.Steps)+len(c.Statements) == maxSteps:
		return fmt.Errorf("recording %s has more than %d lines", c.RecordingID, maxSteps)
	case kind == StepKind && len(c.Statements) == 0:
		var s Step
		if err := strict(line, &s); err != nil {
			return err
		}
		if err := chain.follow(s); err != nil {
			return fmt.Errorf("recording %s: %w", c.RecordingID, err)
		}
		c.Steps, c.Head = append(c.Steps, s), chain.Head()
		return nil
	case kind == StatementKind:
		var s Statement
		if err := strict(line, &s); err != nil {
			return err
		}
		e, err := ReadEntry(s.Entry)
		if err != nil {
			return fmt.Errorf("recording %s: %w", c.RecordingID, err)
		}
		if n := len(c.Statements); n > 0 && cmp.Or(cmp.Compare(c.Statements[n-1].Writer, e.Writer), cmp.Compare(c.Statements[n-1].Seq, e.Seq)) >= 0 {
			return fmt.Errorf("recording %s: entry %d of the audit is not behind the one before it", c.RecordingID, e.Seq)
		}
		c.Statements = append(c.Statements, e)
		return nil
	}
	return errors.New("it is neither a step nor, behind the steps, a statement")
}
