package call

import "time"

// Recording is an announced recording.
type Recording struct {
	Integration    string    `json:"integration"`
	ID             string    `json:"recording_id"` // RecordingID
	URL            string    `json:"url"`
	GroupID        uint64    `json:"call_id,string"`   // Record.GroupID of its call; jobs and sidecars call it call_id
	PlatformCallID string    `json:"platform_call_id"` // base id
	PlatformID     string    `json:"platform_leg_id"`  // the leg's Call-ID as it came
	AccountID      string    `json:"account_id"`
	AnnouncedAt    time.Time `json:"announced_at"` // earliest receive time, UTC
	ExpiresAt      time.Time `json:"expires_at"`   // estimate: min(announced, date in the link's path) + the link's life
}

// grace is how long tries go on after the estimated expiry, which is only
// an estimate.
const grace = 14 * 24 * time.Hour

// End is from when on the server's own "no such file" counts: two weeks after the
// estimated expiry – or after the announcement, for a link that was announced
// when it had already run out. It is zero where neither is known.
func End(announced, expires time.Time) time.Time {
	last := expires
	if announced.After(last) {
		last = announced
	}
	if last.IsZero() {
		return time.Time{}
	}
	return last.Add(grace)
}

// RecordingState is where a recording stands. Its rank decides which of two
// rows about one recording holds, so that a late announcement, or a second
// worker's 404, never overwrites "archived".
type RecordingState string

const (
	Announced   RecordingState = "announced"   // not tried yet
	Retrying    RecordingState = "retrying"    // tried, and will be again
	Missing     RecordingState = "missing"     // the server says it is not there (yet)
	Refused     RecordingState = "refused"     // our own policy forbids the fetch: tried again when the configuration allows it
	Expired     RecordingState = "expired"     // given up: the server's own 404 or 410, twice, after the expiry
	Quarantined RecordingState = "quarantined" // damaged audio is kept; tried again, or given up likewise
	Archived    RecordingState = "archived"    // object and sidecar are durable
	Erased      RecordingState = "erased"
)

// Rank orders states; an unknown one has rank 0, as has Announced.
func (s RecordingState) Rank() uint8 {
	switch s {
	case Retrying, Missing, Refused:
		return 1
	case Expired:
		return 2
	case Quarantined:
		return 3
	case Archived:
		return 4
	case Erased:
		return 5
	}
	return 0
}

// RecordingStatus is a row of the catalogue of recordings. What there is to explain
// about it stands in fields of its own, each of which is stored: Reason and Code
// are written from them. schema/README.md says where a rebuilt catalogue has each
// from.
type RecordingStatus struct {
	Recording
	State         RecordingState
	Attempt       int       // tries made so far
	NextAttemptAt time.Time // zero: none is planned. Of what is archived: it is short, and is fetched again
	SHA256        string    // lower-case hex of the stored bytes
	Size          int64     // bytes
	Duration      time.Duration
	Bucket        string
	Key           string
	Format        string // of the object under Key: mp3, wav, ogg …, its extension; "": there is none, or an older row's mp3
	ArchivedAt    time.Time

	// Of what is not archived.
	Failure     Failure   // what the last try met; zero: none was made, or it is not known
	DeniedAt    time.Time // the server said after End that there is no such file; it is asked once more a day later
	GivenUpAt   time.Time // it said so again; zero after any try since but of what is Expired
	KeptAttempt int       // the try that brought the damaged audio under Key; 0: none is kept

	// Of what is archived.
	Unmeasured     bool          // the server did not say how long the file is
	Proxied        bool          // a proxy says (203) that it has changed the file
	TextBefore     int64         // bytes of text, such as a server's warning, before the audio
	MismatchedTalk time.Duration // its call's talk as known then, where the recording plays for longer; 0: it does not
	CopyOf         string        // the recording of the same call, announced before, whose link has the same path and brought the same file; "": none
	Conflicts      int           // different files that are kept beside this one
	// Of what is short: NextAttemptAt is when it is fetched again.
	ShortTalk        time.Duration // the talk of its leg, by the CDR, of which it plays too little (IsShort); 0: it does not
	ShortSince       time.Time     // when that was found first
	ShortConfirmedAt time.Time     // when the operator's server gave the same file again, Apart or more after it had given it first

	Fault  Fault  // what the last check found wrong; zero: nothing
	Lock   Lock   // that the store was told to keep it by as it was put; zero: none, or it is not known
	Former Former // the object that was named before, where this one is a copy of it; zero: this is the first
	Note   string // words of a sidecar of form 1, for people alone
}

// Failure is what a try to fetch a recording met. Besides Code each field is zero
// where it does not apply.
type Failure struct {
	Code        Code   `json:"code"`
	Host        string `json:"host,omitempty"`         // of the server; no personal data, at most 255 bytes
	HTTPStatus  int    `json:"http_status,omitempty"`  // of its answer
	GotBytes    int64  `json:"got_bytes,omitempty"`    // that came
	WantBytes   int64  `json:"want_bytes,omitempty"`   // that were announced; with CodeTooLarge our limit
	OwnFailures int    `json:"own_failures,omitempty"` // with CodeOwnFailure: how often
	Format      string `json:"format,omitempty"`       // of damaged audio: what it is by its beginning, as RecordingStatus.Format
}

// FaultKind is what is wrong with an archived recording.
type FaultKind string

// The kinds of faults.
const (
	Altered    FaultKind = "altered"    // it is another
	Absent     FaultKind = "absent"     // it is not there
	Unreadable FaultKind = "unreadable" // the store answers, but does not give it back
)

// Part of an archived recording.
type Part string

// The parts.
const (
	RecordingPart Part = "recording" // the audio
	SidecarPart   Part = "sidecar"   // the document beside it
	BesidePart    Part = "beside"    // another file of the recording, kept beside it
)

// Fault is what a check found wrong with an archived recording.
type Fault struct {
	Kind     FaultKind // "": nothing
	Part     Part
	At       time.Time // of the check that found it first
	LastGood time.Time // zero: not known
	SHA256   string    // of the recording as it was found; "": it could not be read
	Size     int64     // bytes, likewise
}

// Lock is Object Lock's: until when a store refuses to delete an object.
type Lock struct {
	Mode  string    `json:"mode"`  // COMPLIANCE or GOVERNANCE, as in S3; "": none
	Until time.Time `json:"until"` // UTC, whole seconds
}

// Former is the object that a row named before a copy took its place.
type Former struct {
	Key   string
	Fault FaultKind // that it was found with
	At    time.Time // when
}

// Lost reports whether the recording was given up. A next attempt, where there
// is one, is somebody's wish.
func (s RecordingStatus) Lost() bool {
	return s.State == Expired || s.State == Quarantined && s.NextAttemptAt.IsZero()
}

// AskAgainAt is when the server, which has denied the file after its time, is asked
// once more: a day later, to the minute. It is zero where it has not denied it, or
// has done so twice.
func (s RecordingStatus) AskAgainAt() time.Time {
	if s.DeniedAt.IsZero() || !s.GivenUpAt.IsZero() {
		return time.Time{}
	}
	return s.DeniedAt.Add(24 * time.Hour).Truncate(time.Minute)
}

// Version orders the rows of one recording: rank, then attempt, then the
// earlier announcement, so that of several equal ones the first receive time
// stays. It is good for announcements from 2000 to 2034 in tenths of a second
// and beyond that still in rank and attempt.
func (s RecordingStatus) Version() uint64 {
	const span = 1<<36 - 1
	since := s.AnnouncedAt.Sub(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).Milliseconds() / 100
	since = min(max(since, 0), span)
	attempt := uint64(min(max(s.Attempt, 0), 1<<20-1))
	return uint64(s.State.Rank())<<56 | attempt<<36 | uint64(span-since)
}

// Custody is one step in a recording's chain of custody; such rows are only
// ever added.
type Custody struct {
	Integration string
	RecordingID string
	Step        string // announced, fetched, stored, sidecar, archived, refused, failed, …
	At          time.Time
	SHA256      string
	Attempt     int
	Detail      string // for people; no personal data
}
