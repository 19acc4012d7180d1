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

// RecordingStatus is a row of the catalogue of recordings.
type RecordingStatus struct {
	Recording
	State         RecordingState
	Attempt       int       // tries made so far
	Reason        string    // a sentence a user understands; empty where there is nothing to explain
	NextAttemptAt time.Time // zero: none is planned
	SHA256        string    // lower-case hex of the stored bytes
	Size          int64     // bytes
	Duration      time.Duration
	Bucket        string
	Key           string
	ArchivedAt    time.Time
}

// Lost reports whether the recording was given up. A next attempt, where there
// is one, is somebody's wish.
func (s RecordingStatus) Lost() bool {
	return s.State == Expired || s.State == Quarantined && s.NextAttemptAt.IsZero()
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
	Detail      string // no personal data
}
