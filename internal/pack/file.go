package pack

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// Role says what a file of a recording is.
type Role string

// The roles. The last three have no file in the package.
const (
	Played      Role = "played"      // the recording
	Earlier     Role = "earlier"     // what was its object before another took its place
	Conflicting Role = "conflicting" // another file that the operator gave for it
	Damaged     Role = "damaged"     // in quarantine: audio that is not whole
	Differs     Role = "differs"     // what is stored is not what the catalogue says
	Absent      Role = "absent"      // there is none: not fetched yet, lost, or gone from the store
	LeftOut     Role = "left-out"    // in quarantine, and the package was asked for without it
)

// HasFile tells whether a row of the role has a file in the package.
func (r Role) HasFile() bool {
	return r == Played || r == Earlier || r == Conflicting || r == Damaged
}

func (r Role) known() bool { return r.HasFile() || r == Differs || r == Absent || r == LeftOut }

// File is a row of recordings.csv: a file of a recording, or that there is none. The rows
// of one recording stand together, ordered by their place.
type File struct {
	Integration string
	RecordingID string
	CallID      uint64 // 0: of no call of the package
	AccountID   string
	Role        Role
	Path        string // in the package; empty: none
	State       string // of the recording in the catalogue
	Code        string // what there is to say of it, in a word (call.Code)
	Reason      string // the same as a sentence
	Format      string
	Bytes       int64
	SHA256      string // by the catalogue
	FoundBytes  int64  // of what differs: what was found
	FoundSHA256 string
	DurationMS  int64
	AnnouncedAt Time
	ArchivedAt  Time
	Steps       int    // of its custody
	Head        string // hash of the last one
}

var fileHeader = []string{
	"integration", "recording_id", "call_id", "account_id", "role", "file", "state", "code", "reason", "format", "bytes", "sha256",
	"found_bytes", "found_sha256", "duration_ms", "announced_at", "archived_at", "custody_steps", "custody_head",
}

// Compare orders rows by integration, recording and path, and what has no path by digest.
func (f File) Compare(o File) int {
	return cmp.Or(cmp.Compare(f.Integration, o.Integration), cmp.Compare(f.RecordingID, o.RecordingID), cmp.Compare(f.Path, o.Path), cmp.Compare(f.SHA256, o.SHA256))
}

// NewFiles begins recordings.csv.
func NewFiles(w io.Writer) (*CSVWriter, error) { return NewCSV(w, fileHeader) }

// Cells are the row.
func (f File) Cells() []string {
	return []string{
		f.Integration, f.RecordingID, id(f.CallID), f.AccountID, string(f.Role), f.Path, f.State, f.Code, f.Reason, f.Format,
		number(f.Bytes), f.SHA256, number(f.FoundBytes), f.FoundSHA256, number(f.DurationMS), f.AnnouncedAt.String(), f.ArchivedAt.String(),
		strconv.Itoa(f.Steps), f.Head,
	}
}

// EachFile reads recordings.csv.
func EachFile(r io.Reader, fn func(File) error) error {
	var last *File
	return readCSV(r, fileHeader, func(c []string) error {
		p := parser{}
		f := File{
			Integration: c[0], RecordingID: c[1], CallID: p.id(c[2]), AccountID: c[3], Role: Role(c[4]), Path: c[5], State: c[6], Code: c[7], Reason: c[8], Format: c[9],
			Bytes: p.number(c[10]), SHA256: c[11], FoundBytes: p.number(c[12]), FoundSHA256: c[13], DurationMS: p.number(c[14]), AnnouncedAt: p.time(c[15]), ArchivedAt: p.time(c[16]),
			Steps: int(p.number(c[17])), Head: c[18],
		}
		switch {
		case p.err != nil:
			return p.err
		case f.Integration == "" || f.RecordingID == "" || !f.Role.known():
			return errors.New("it names no recording, or a role that is not known")
		case f.Role.HasFile() != (f.Path != ""), f.Path != "" && (!IsSound(f.Path) || len(f.SHA256) != 64):
			return errors.New("its file does not fit its role")
		case last != nil && last.Compare(f) >= 0:
			return errors.New("it is not behind the row before it")
		}
		last = &f
		return fn(f)
	})
}

// Missing is a row of missing.csv: a call that was answered or has an announced recording,
// and has no audio that can be played; or an id that was asked for and is nowhere.
type Missing struct {
	Integration string
	CallID      uint64 // 0: of an id that is nowhere
	RecordingID string // empty: the call has none
	Asked       string // the id that is nowhere
	StartedAt   Time
	State       string // of the recording; no-recording: none was announced; not-found: of an id
	Code        string
	Reason      string
	NextTryAt   Time
	DaysLeft    *int // until the operator deletes it, at FixedAt; null: not known, or it is gone
}

// States of Missing beyond those of a recording.
const (
	NoRecording = "no-recording"
	NotFound    = "not-found"
)

var missingHeader = []string{"integration", "call_id", "recording_id", "asked", "started_at", "state", "code", "reason", "next_try_at", "days_left"}

// NewMissing begins missing.csv.
func NewMissing(w io.Writer) (*CSVWriter, error) { return NewCSV(w, missingHeader) }

// Cells are the row.
func (m Missing) Cells() []string {
	left := ""
	if m.DaysLeft != nil {
		left = strconv.Itoa(*m.DaysLeft)
	}
	return []string{m.Integration, id(m.CallID), m.RecordingID, m.Asked, m.StartedAt.String(), m.State, m.Code, m.Reason, m.NextTryAt.String(), left}
}

// EachMissing reads missing.csv.
func EachMissing(r io.Reader, fn func(Missing) error) error {
	return readCSV(r, missingHeader, func(c []string) error {
		p := parser{}
		m := Missing{
			Integration: c[0], CallID: p.id(c[1]), RecordingID: c[2], Asked: c[3], StartedAt: p.time(c[4]), State: c[5], Code: c[6], Reason: c[7], NextTryAt: p.time(c[8]),
		}
		if c[9] != "" {
			left := int(p.number(c[9]))
			m.DaysLeft = &left
		}
		switch {
		case p.err != nil:
			return p.err
		case m.State == "" || m.CallID == 0 && m.Asked == "" && m.RecordingID == "":
			return errors.New("it names neither a call nor what was asked for")
		}
		return fn(m)
	})
}

func id(n uint64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(n, 10)
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// parser reads cells, and keeps the first mistake.
type parser struct{ err error }

func (p *parser) id(s string) uint64 {
	if s == "" {
		return 0
	}
	n, err := strconv.ParseUint(s, 10, 64)
	p.note(err, s)
	return n
}

func (p *parser) number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	p.note(err, s)
	return n
}

func (p *parser) time(s string) Time {
	t, err := ParseTime(s)
	p.note(err, s)
	return t
}

func (p *parser) note(err error, cell string) {
	if err != nil && p.err == nil {
		p.err = fmt.Errorf("the cell %q cannot be read", cell)
	}
}
