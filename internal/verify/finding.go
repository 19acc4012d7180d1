package verify

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"fonoteka/internal/bagit"
)

// Severity tells whether a finding speaks against the package.
type Severity string

// The severities. A Note is told and changes no verdict.
const (
	Error Severity = "error"
	Note  Severity = "note"
)

// Code says what kind of thing was found: one of bagit's, or one of these. Codes are
// stable.
type Code string

// What is wrong with a package beyond its bag.
const (
	MarkMissing      Code = "mark-missing"      // it is a package of Fonoteka's, and does not say so everywhere
	PartMissing      Code = "part-missing"      // a file that each package has
	PartUnknown      Code = "part-unknown"      // a file that no package has
	DocumentForm     Code = "document-form"     // a document cannot be read, or lacks what it must have
	CountMismatch    Code = "count-mismatch"    // a document counts other than is there
	CallUnknown      Code = "call-unknown"      // a leg, an event or a row names a call that is not there
	RecordingUnknown Code = "recording-unknown" // a call names a recording that recordings.csv does not have
	FileUnknown      Code = "file-unknown"      // a recording's file that recordings.csv does not have
	FileOther        Code = "file-other"        // recordings.csv says another size, digest or place
	AudioDamaged     Code = "audio-damaged"     // a recording is not a whole file of its format
	AudioUnchecked   Code = "audio-unchecked"   // its format cannot be checked here
	MissingUnlisted  Code = "missing-unlisted"  // a call without its recording that missing.csv does not have
	MissingWrong     Code = "missing-wrong"     // missing.csv has a call whose recording is there
	CustodyBroken    Code = "custody-broken"    // a chain of custody does not hold
	CustodyOther     Code = "custody-other"     // it is not the one that recordings.csv names
	ProofWrong       Code = "proof-wrong"       // audit-anchor.json
	KeysForm         Code = "keys-form"         // keys.pub
	SignatureMissing Code = "signature-missing" // it was removed, or is demanded and not there
	SignatureWrong   Code = "signature-wrong"   // it does not fit, or is no signature
	KeyUntrusted     Code = "key-untrusted"     // another key than the ones that were given
	OtherMissing     Code = "other-signature-missing"
	StampMissing     Code = "time-stamp-missing" // demanded, and not there
	StampWrong       Code = "time-stamp-wrong"
)

// Finding is one thing that was found, in both languages.
type Finding struct {
	Severity Severity `json:"severity"`
	Code     Code     `json:"code"`
	Path     string   `json:"path,omitempty"` // in the package: it may hold anything. Empty: the package as a whole
	EN       string   `json:"en"`
	RU       string   `json:"ru"`
}

// findings collects, up to a limit, from several goroutines.
type findings struct {
	mu      sync.Mutex
	list    []Finding
	failed  bool
	dropped int
}

const maxFindings = 10_000

func (f *findings) add(n Finding) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed = f.failed || n.Severity == Error
	if len(f.list) == maxFindings {
		f.dropped++
		return
	}
	f.list = append(f.list, n)
}

// fail notes an error: a sentence in each language, and details that are the same in both.
func (f *findings) fail(code Code, path, en, ru string, detail ...any) {
	f.say(Error, code, path, en, ru, detail...)
}

func (f *findings) note(code Code, path, en, ru string, detail ...any) {
	f.say(Note, code, path, en, ru, detail...)
}

func (f *findings) say(s Severity, code Code, path, en, ru string, detail ...any) {
	if len(detail) > 0 {
		en, ru = fmt.Sprintf(en, detail...), fmt.Sprintf(ru, detail...)
	}
	f.add(Finding{s, code, path, en, ru})
}

// take takes over what bagit found.
func (f *findings) take(r *bagit.Report) {
	for _, b := range r.Findings {
		s := Error
		if b.Severity == bagit.Warning {
			s = Note
		}
		f.add(Finding{s, Code(b.Code), b.Path, b.Detail, inRussian(b)})
	}
	f.dropped += r.Dropped
	f.failed = f.failed || !r.Valid()
}

// sorted has errors before notes, each by path.
func (f *findings) sorted() []Finding {
	slices.SortStableFunc(f.list, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Code, b.Code), cmp.Compare(a.EN, b.EN))
	})
	return f.list
}
