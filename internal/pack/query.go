package pack

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
)

// Query is query.json: what was asked for, by whom, and how much was found. The audit of
// the installation names its digest. Since a phone number can be guessed from a digest of
// it, the document has a salt: without it the digest tells nothing.
type Query struct {
	Schema       string    `json:"schema"`
	Salt         string    `json:"salt"` // 32 hex digits, random
	Program      string    `json:"program"`
	Installation string    `json:"installation"`
	Case         string    `json:"case"`
	Reason       string    `json:"reason"`
	By           string    `json:"by"`       // who asked for it, as the audit names him
	FixedAt      Time      `json:"fixed_at"` // when the selection was fixed
	Timezone     string    `json:"timezone"` // the company's clock
	Selection    Selection `json:"selection"`
	Counts       Counts    `json:"counts"`
}

// Selection is what was asked for. Empty fields choose nothing out.
type Selection struct {
	From              Time     `json:"from"` // calls that began at or after it
	To                Time     `json:"to"`   // and before it
	Integration       string   `json:"integration"`
	Numbers           []string `json:"numbers"` // digits
	Employees         []string `json:"employees"`
	Departments       []string `json:"departments"`
	Direction         string   `json:"direction"`
	Outcome           string   `json:"outcome"`
	IDs               []string `json:"ids"` // of calls or recordings, as they were given
	WithoutQuarantine bool     `json:"without_quarantine"`
}

// Counts of what was selected.
type Counts struct {
	Calls      int `json:"calls"`
	Unanswered int `json:"unanswered"`
	Legs       int `json:"legs"`
	Events     int `json:"events"`
	Recordings int `json:"recordings"`
}

// NewSalt is a salt of 128 random bits.
func NewSalt() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// Check says why a document is no query.
func (q Query) Check() error {
	switch salt, err := hex.DecodeString(q.Salt); {
	case q.Schema != Schema:
		return fmt.Errorf("its schema is %q instead of %s", q.Schema, Schema)
	case err != nil || len(salt) != 16:
		return errors.New("it has no salt")
	case q.FixedAt.IsZero():
		return errors.New("it does not say when the selection was fixed")
	}
	return nil
}
