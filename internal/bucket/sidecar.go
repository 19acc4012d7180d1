package bucket

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"fonoteka/internal/audio"
	"fonoteka/internal/call"
)

// SidecarSchema is the version of Sidecar's form. A reader of one version
// understands all lower ones. Form 1 had a sentence alone where form 2 has codes and
// what belongs to them; it is read into Note.
const SidecarSchema = 2

// Sidecar is the JSON document beside every object. It says what was known when
// the recording was archived – not what its call may become later – and is
// enough to rebuild the row.
type Sidecar struct {
	Schema     int            `json:"schema"`
	Recording  call.Recording `json:"recording"`
	Key        string         `json:"key"`    // of its object
	Format     string         `json:"format"` // what its object is: the extension of Key; mp3 where form 1 and an early form 2 say nothing
	SHA256     string         `json:"sha256"` // lower-case hex of the object
	Size       int64          `json:"size"`   // bytes
	DurationMS int64          `json:"duration_ms"`
	Attempt    int            `json:"attempt"` // tries made, this one included
	FetchedAt  time.Time      `json:"fetched_at"`
	StoredAt   time.Time      `json:"stored_at"`

	// As in call.RecordingStatus.
	Failure          call.Failure `json:"failure,omitzero"` // of damaged audio: what is wrong with it
	Unmeasured       bool         `json:"unmeasured,omitempty"`
	Proxied          bool         `json:"proxied,omitempty"`
	TextBefore       int64        `json:"text_before,omitempty"`
	MismatchedTalkMS int64        `json:"mismatched_talk_ms,omitempty"`
	Note             string       `json:"note,omitempty"`
	Lock             call.Lock    `json:"lock,omitzero"` // of the object and of this document
}

// oldFormat is the format of what was stored before formats were told apart.
const oldFormat = string(audio.MP3)

// sidecarDocument is a sidecar as it is stored: the sentence in it is the row's, for
// people.
type sidecarDocument struct {
	Sidecar
	Reason string `json:"reason,omitempty"`
}

// Document is a sidecar as it is stored, in the newest form, and the lower-case hex
// of its sha256.
func (s Sidecar) Document() (doc []byte, sum string, err error) {
	s.Schema = SidecarSchema
	s.Format = cmp.Or(s.Format, oldFormat)
	doc, err = json.MarshalIndent(sidecarDocument{s, s.Row("").Reason()}, "", "  ")
	if err != nil {
		return nil, "", fmt.Errorf("writing sidecar: %w", err)
	}
	doc = append(doc, '\n')
	hash := sha256.Sum256(doc)
	return doc, hex.EncodeToString(hash[:]), nil
}

// maxSidecar is far beyond any sidecar: its link is a notification's at most.
const maxSidecar = 4 << 20

// ReadSidecar reads a sidecar. One of a newer form, and one that names no
// recording or no digest, is an error.
func ReadSidecar(r io.Reader) (Sidecar, error) {
	var doc sidecarDocument
	if err := json.NewDecoder(io.LimitReader(r, maxSidecar)).Decode(&doc); err != nil {
		return Sidecar{}, fmt.Errorf("reading sidecar: %w", err)
	}
	s := doc.Sidecar
	s.Format = cmp.Or(s.Format, oldFormat)
	switch {
	case s.Schema > SidecarSchema:
		return Sidecar{}, fmt.Errorf("reading sidecar: its form %d is newer than this program", s.Schema)
	case s.Recording.ID == "" || len(s.SHA256) != 64 || s.Key == "":
		return Sidecar{}, errors.New("reading sidecar: it names no recording, digest or key")
	case s.Schema < 2:
		s.Note = doc.Reason
	}
	return s, nil
}

// Row is the row of the catalogue that a sidecar stands for: archived, or, for
// damaged audio, quarantined; when that is tried again, no sidecar knows.
func (s Sidecar) Row(bucket string) call.RecordingStatus {
	row := call.RecordingStatus{
		Recording: s.Recording, State: call.Archived, Attempt: s.Attempt, SHA256: s.SHA256, Size: s.Size, Bucket: bucket, Key: s.Key, Format: cmp.Or(s.Format, oldFormat), Note: s.Note,
	}
	row.Lock = s.Lock
	if isQuarantined(s.Key) {
		row.State, row.Failure, row.KeptAttempt = call.Quarantined, s.Failure, s.Attempt
		return row
	}
	row.Duration, row.ArchivedAt = time.Duration(s.DurationMS)*time.Millisecond, s.StoredAt
	row.Unmeasured, row.Proxied, row.TextBefore = s.Unmeasured, s.Proxied, s.TextBefore
	row.MismatchedTalk = time.Duration(s.MismatchedTalkMS) * time.Millisecond
	return row
}
