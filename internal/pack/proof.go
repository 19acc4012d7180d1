package pack

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// Entry is an entry of the sender's audit, as far as a package says what it is about.
type Entry struct {
	Version  int       `json:"v"`
	Writer   string    `json:"writer"`
	Seq      uint64    `json:"seq"`
	At       time.Time `json:"at"`
	Actor    string    `json:"actor"`
	Action   string    `json:"action"`
	Target   string    `json:"target"`
	Outcome  string    `json:"outcome"`
	Detail   string    `json:"detail"`
	PrevHash string    `json:"prev"`
	Hash     string    `json:"hash"`
}

// ErrEntry says that a line is no entry of an audit, or not the one that its hash was made of.
var ErrEntry = errors.New("an entry of the audit is not what its hash was made of")

// entryEnd is what the line of an entry ends with: its hash is the last field.
var entryEnd = regexp.MustCompile(`"hash":"([0-9a-f]{64})"\}$`)

// ReadEntry reads the line of an entry and checks its hash, which is the SHA-256 of the
// same line with an empty one.
func ReadEntry(line []byte) (e Entry, err error) {
	m := entryEnd.FindSubmatchIndex(line)
	if m == nil || json.Unmarshal(line, &e) != nil {
		return Entry{}, ErrEntry
	}
	sum := sha256.Sum256(append(bytes.Clone(line[:m[2]]), `"}`...))
	if said := hex.EncodeToString(sum[:]); said != e.Hash || said != string(line[m[2]:m[3]]) {
		return Entry{}, ErrEntry
	}
	return e, nil
}

// Proof is audit-anchor.json: where the sender's audit was when the package was begun. It
// lets the sender, or whoever has his audit, show that both belong together.
type Proof struct {
	Schema string          `json:"schema"`
	Begin  json.RawMessage `json:"begin"`  // the entry of this export, byte for byte
	Anchor json.RawMessage `json:"anchor"` // the newest anchor of the audit, as it lies in the bucket; null: there is none yet
}

// ProofSchema is the form of a Proof.
const ProofSchema = "fonoteka.audit-proof/1"

// Anchor is a day's anchor of an audit.
type Anchor struct {
	Schema string    `json:"schema"`
	Writer string    `json:"writer"`
	Day    string    `json:"day"`
	Seq    uint64    `json:"seq"`
	At     time.Time `json:"at"`
	Hash   string    `json:"hash"`
}

// BeginAction is the action of the entries of an export.
const BeginAction = "export.package"

// BeginDetail is the detail of the entry that begins an export: what the audit says of it.
// The case is its target. Neither a number nor the reason is in it.
func BeginDetail(query [sha256.Size]byte, c Counts) string {
	return fmt.Sprintf("query sha256 %x, %d calls, %d recordings", query, c.Calls, c.Recordings)
}

var beginDetail = regexp.MustCompile(`^query sha256 ([0-9a-f]{64}), ([0-9]{1,19}) calls, ([0-9]{1,19}) recordings$`)

// ReadProof reads audit-anchor.json, whose entry must name this query.
func ReadProof(doc []byte, query [sha256.Size]byte, q Query) (begin Entry, anchor *Anchor, err error) {
	var p Proof
	if err := strict(doc, &p); err != nil {
		return begin, nil, err
	}
	if p.Schema != ProofSchema {
		return begin, nil, fmt.Errorf("its schema is %q instead of %s", p.Schema, ProofSchema)
	}
	if begin, err = readIndented(p.Begin); err != nil {
		return begin, nil, err
	}
	m := beginDetail.FindStringSubmatch(begin.Detail)
	switch {
	case begin.Action != BeginAction || begin.Outcome != "begun" || m == nil:
		return begin, nil, errors.New("its entry is not that of an export that begins")
	case m[1] != hex.EncodeToString(query[:]):
		return begin, nil, errors.New("its entry names another query than query.json")
	case begin.Target != q.Case, m[2] != strconv.Itoa(q.Counts.Calls), m[3] != strconv.Itoa(q.Counts.Recordings):
		return begin, nil, errors.New("its entry names another case or other counts than query.json")
	}
	if bytes.Equal(bytes.TrimSpace(p.Anchor), []byte("null")) {
		return begin, nil, nil
	}
	anchor = &Anchor{}
	if err := strict(p.Anchor, anchor); err != nil {
		return begin, nil, fmt.Errorf("its anchor: %w", err)
	}
	if anchor.Writer != begin.Writer {
		return begin, nil, errors.New("its anchor is of another audit than its entry")
	}
	return begin, anchor, nil
}

// readIndented reads an entry of a document for people, where it is indented.
func readIndented(raw []byte) (Entry, error) {
	var line bytes.Buffer
	if err := json.Compact(&line, raw); err != nil {
		return Entry{}, ErrEntry
	}
	return ReadEntry(line.Bytes())
}
