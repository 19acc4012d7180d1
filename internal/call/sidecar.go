package call

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"
)

// SidecarSchema is the version of Sidecar's form. A reader of one version
// understands all lower ones. Form 1 had a sentence alone where form 2 has codes and
// what belongs to them; it is read into Note.
const SidecarSchema = 2

// Sidecar is the JSON document beside every object. It says what was known when
// the recording was archived – not what its call may become later – and is
// enough to rebuild the row.
type Sidecar struct {
	Schema     int       `json:"schema"`
	Recording  Recording `json:"recording"`
	Key        string    `json:"key"`    // of its object
	Format     string    `json:"format"` // what its object is: the extension of Key; mp3 where form 1 and an early form 2 say nothing
	SHA256     string    `json:"sha256"` // lower-case hex of the object
	Size       int64     `json:"size"`   // bytes
	DurationMS int64     `json:"duration_ms"`
	Attempt    int       `json:"attempt"` // tries made, this one included
	FetchedAt  time.Time `json:"fetched_at"`
	StoredAt   time.Time `json:"stored_at"`

	// As in RecordingStatus.
	Failure          Failure `json:"failure,omitzero"` // of damaged audio: what is wrong with it
	Unmeasured       bool    `json:"unmeasured,omitempty"`
	Proxied          bool    `json:"proxied,omitempty"`
	TextBefore       int64   `json:"text_before,omitempty"`
	MismatchedTalkMS int64   `json:"mismatched_talk_ms,omitempty"`
	Note             string  `json:"note,omitempty"`
	Lock             Lock    `json:"lock,omitzero"` // of the object and of this document
}

// mp3 is the format of what was stored before formats were told apart.
const mp3 = "mp3"

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
	s.Format = cmp.Or(s.Format, mp3)
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
	s.Format = cmp.Or(s.Format, mp3)
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

// QuarantinePrefix begins the keys of damaged audio.
const QuarantinePrefix = "quarantine/"

// Row is the row of the catalogue that a sidecar stands for: archived, or, for
// damaged audio, quarantined; when that is tried again, no sidecar knows.
func (s Sidecar) Row(bucket string) RecordingStatus {
	row := RecordingStatus{
		Recording: s.Recording, State: Archived, Attempt: s.Attempt, SHA256: s.SHA256, Size: s.Size, Bucket: bucket, Key: s.Key, Format: cmp.Or(s.Format, mp3), Note: s.Note,
	}
	row.Lock = s.Lock
	if strings.HasPrefix(s.Key, QuarantinePrefix) {
		row.State, row.Failure, row.KeptAttempt = Quarantined, s.Failure, s.Attempt
		return row
	}
	row.Duration, row.ArchivedAt = time.Duration(s.DurationMS)*time.Millisecond, s.StoredAt
	row.Unmeasured, row.Proxied, row.TextBefore = s.Unmeasured, s.Proxied, s.TextBefore
	row.MismatchedTalk = time.Duration(s.MismatchedTalkMS) * time.Millisecond
	return row
}

// The keys of one recording begin with one stem and a dot. stem.FORMAT is its first
// file and stem.json the sidecar that names that one. A file that is not the first has
// sixteen digits of its digest behind the stem: stem.DIGEST.FORMAT and stem.DIGEST.json.
//
// Of two workers whose files differ in format, each may find stem.FORMAT free. Then
// stem.json tells who was first, and the other's file has its sidecar in the place of
// one beside it: the sidecar's Key names its object, whatever the sidecar's own key is.

// SidecarKey is the place of an object's sidecar, unless a first file of another format
// has its own there: then it is BesideSidecarKey.
func SidecarKey(key string) string { return withoutExt(key) + ".json" }

// BesideKey is the place of another file than the one under key, in key's format.
func BesideKey(key, sha256 string) string {
	return withoutExt(key) + "." + sha256[:16] + path.Ext(key)
}

// BesideSidecarKey is the place of the sidecar of a file that is not the first, of
// whatever key.
func BesideSidecarKey(key, sha256 string) string { return SidecarKey(BesideKey(key, sha256)) }

func withoutExt(key string) string { return strings.TrimSuffix(key, path.Ext(key)) }
