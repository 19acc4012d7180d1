package bagit

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
)

// Code says what kind of thing was found. Codes are stable: programs may branch on them.
type Code string

// What makes a bag incomplete, invalid or unsafe. Some of these are warnings where a
// version of the format allowed them.
const (
	DeclarationMissing Code = "declaration-missing" // there is no bagit.txt
	DeclarationForm    Code = "declaration-form"    // bagit.txt is not two lines of version and encoding
	VersionUnknown     Code = "version-unknown"     // a version other than 0.93 to 1.0
	EncodingUnknown    Code = "encoding-unknown"    // tag files in an encoding that cannot be read here
	EncodingWrong      Code = "encoding-wrong"      // a tag file is not in the declared encoding
	ByteOrderMark      Code = "byte-order-mark"     // a tag file of UTF-8 begins with one

	PayloadFolderMissing Code = "payload-folder-missing"
	ManifestMissing      Code = "manifest-missing"      // no payload manifest
	AlgorithmUnknown     Code = "algorithm-unknown"     // a manifest that cannot be checked
	ManifestForm         Code = "manifest-form"         // a line that is no digest and path
	ListedTwice          Code = "listed-twice"          // with the same digest
	ListedDiffering      Code = "listed-differing"      // twice, with different digests
	NotInEveryManifest   Code = "not-in-every-manifest" // 1.0: each payload file is in each payload manifest
	OutsidePayload       Code = "outside-payload"       // a payload manifest lists something outside data/
	PayloadInTagManifest Code = "payload-in-tag-manifest"
	TagManifestListed    Code = "tag-manifest-listed"    // 1.0: a tag manifest lists no tag manifest
	ManifestUnlisted     Code = "manifest-unlisted"      // 1.0: a tag manifest lists each payload manifest
	TagManifestsDisagree Code = "tag-manifests-disagree" // they list different files
	TagManifestMissing   Code = "tag-manifest-missing"   // nothing protects the tag files; Closed: one of the two is not there

	FileMissing    Code = "file-missing"     // listed, but not there
	FileNotFetched Code = "file-not-fetched" // likewise, and fetch.txt says where it may be had
	FileUnlisted   Code = "file-unlisted"    // a payload file that no manifest lists
	TagUnlisted    Code = "tag-file-unlisted"
	DigestMismatch Code = "digest-mismatch" // the content is not what was listed
	Unreadable     Code = "unreadable"      // the content could not be read; nothing is known about it
	Unchecked      Code = "unchecked"       // listed by manifests of unknown algorithms only

	InfoForm     Code = "bag-info-form"
	OxumForm     Code = "payload-oxum-form"
	OxumMismatch Code = "payload-oxum-mismatch"
	OxumRepeated Code = "payload-oxum-repeated"
	FetchForm    Code = "fetch-form"
	FetchTagFile Code = "fetch-outside-payload" // fetch.txt names something outside data/
	FetchUnknown Code = "fetch-unlisted"        // fetch.txt names a file that a payload manifest does not list

	PathTraversal Code = "path-traversal" // ".." among the parts of a path
	PathAbsolute  Code = "path-absolute"
	PathHome      Code = "path-home"  // begins with "~"
	PathDrive     Code = "path-drive" // begins with the letter of a drive
	PathUNC       Code = "path-unc"   // names a server
	PathBackslash Code = "path-backslash"
	PathNUL       Code = "path-nul"
	PathForm      Code = "path-form" // empty, an empty part, ".", or not UTF-8
	SymbolicLink  Code = "symbolic-link"
	NotRegular    Code = "not-regular"  // a device, a socket, a pipe
	EntryTwice    Code = "entry-twice"  // two entries of one name in an archive
	ArchiveForm   Code = "archive-form" // a zip or tar that is cut off, ambiguous, or has more in it than the bag
	ArchiveBomb   Code = "archive-bomb" // a member inflates beyond the limit; it is not read
	LimitExceeded Code = "limit"
)

// What is doubtful: warnings, and errors with Options.Closed.
const (
	CaseClash         Code = "case-clash"   // names that differ in case only
	NormalForm        Code = "normal-form"  // names that differ in their Unicode normal form only
	Asterisk          Code = "asterisk"     // a manifest made by md5sum -b or its like
	DotSlash          Code = "dot-slash"    // "./" before a path
	PercentForm       Code = "percent-form" // 1.0: a percent sign that is not written as %25
	BlankLine         Code = "blank-line"
	SystemFile        Code = "system-file"         // of an operating system, made by accident
	SystemFileMissing Code = "system-file-missing" // such a file, empty by its digest, is not there
	TagFolder         Code = "tag-folder"          // before 0.97: a folder other than data/
	NotCanonical      Code = "not-canonical"       // Closed only: a manifest that the Writer does not write like this
)

// Severity tells whether a finding speaks against the bag.
type Severity string

// A bag with an Error is not valid; Warnings leave it valid.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Finding is one thing that was found.
type Finding struct {
	Severity Severity
	Code     Code
	Path     string // in the bag, as listed or stored: it may hold anything. Empty: the bag as a whole
	Detail   string // a sentence for people, in English
}

func (f Finding) String() string {
	if f.Path == "" {
		return fmt.Sprintf("%s %s: %s", f.Severity, f.Code, f.Detail)
	}
	return fmt.Sprintf("%s %s %q: %s", f.Severity, f.Code, f.Path, f.Detail)
}

// findings collects, up to a limit, from several goroutines.
type findings struct {
	closed bool // warnings are errors
	limit  int

	mu      sync.Mutex
	list    []Finding
	dropped int  // beyond the limit
	failed  bool // an error was among all of them
}

func (f *findings) add(s Severity, c Code, path, detail string, args ...any) {
	if f.closed {
		s = Error
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed = f.failed || s == Error
	if len(f.list) >= f.limit {
		f.dropped++
		return
	}
	if len(args) > 0 {
		detail = fmt.Sprintf(detail, args...)
	}
	f.list = append(f.list, Finding{Severity: s, Code: c, Path: path, Detail: detail})
}

func (f *findings) fail(c Code, path, detail string, args ...any) {
	f.add(Error, c, path, detail, args...)
}

func (f *findings) warn(c Code, path, detail string, args ...any) {
	f.add(Warning, c, path, detail, args...)
}

// take adds what another one has collected.
func (f *findings) take(other *findings) {
	for _, o := range other.list {
		f.add(o.Severity, o.Code, o.Path, "%s", o.Detail)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dropped += other.dropped
	f.failed = f.failed || other.failed
}

// sorted by path, then code: the order in which files were read does not show.
func (f *findings) sorted() []Finding {
	slices.SortStableFunc(f.list, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Detail, b.Detail))
	})
	return f.list
}
