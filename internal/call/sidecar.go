package call

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// SidecarSchema is the version of Sidecar's form. A reader of one version
// understands all lower ones.
const SidecarSchema = 1

// Sidecar is the JSON document beside every mp3. It says what was known when
// the recording was archived – not what its call may become later – and is
// enough to rebuild the row.
type Sidecar struct {
	Schema     int       `json:"schema"`
	Recording  Recording `json:"recording"`
	Key        string    `json:"key"`
	SHA256     string    `json:"sha256"` // lower-case hex of the mp3
	Size       int64     `json:"size"`   // bytes
	DurationMS int64     `json:"duration_ms"`
	Attempt    int       `json:"attempt"` // tries made, this one included
	FetchedAt  time.Time `json:"fetched_at"`
	StoredAt   time.Time `json:"stored_at"`
	// Reason is what the row says beside "archived", a doubt about the length for
	// example; "" where there is nothing to say.
	Reason string `json:"reason,omitempty"`
}

// Document is a sidecar as it is stored, and the lower-case hex of its sha256.
func (s Sidecar) Document() (doc []byte, sum string, err error) {
	doc, err = json.MarshalIndent(s, "", "  ")
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
	var s Sidecar
	if err := json.NewDecoder(io.LimitReader(r, maxSidecar)).Decode(&s); err != nil {
		return Sidecar{}, fmt.Errorf("reading sidecar: %w", err)
	}
	switch {
	case s.Schema > SidecarSchema:
		return Sidecar{}, fmt.Errorf("reading sidecar: its form %d is newer than this program", s.Schema)
	case s.Recording.ID == "" || len(s.SHA256) != 64 || s.Key == "":
		return Sidecar{}, errors.New("reading sidecar: it names no recording, digest or key")
	}
	return s, nil
}

// QuarantinePrefix begins the keys of damaged audio.
const QuarantinePrefix = "quarantine/"

// Row is the row of the catalogue that a sidecar stands for: archived, or, for
// damaged audio, quarantined; when that is tried again, no sidecar knows.
func (s Sidecar) Row(bucket string) RecordingStatus {
	if strings.HasPrefix(s.Key, QuarantinePrefix) {
		return RecordingStatus{
			Recording: s.Recording, State: Quarantined, Attempt: s.Attempt, Reason: s.Reason, SHA256: s.SHA256, Size: s.Size,
			Bucket: bucket, Key: s.Key,
		}
	}
	return RecordingStatus{
		Recording: s.Recording, State: Archived, Attempt: s.Attempt, Reason: s.Reason, SHA256: s.SHA256, Size: s.Size,
		Duration: time.Duration(s.DurationMS) * time.Millisecond, Bucket: bucket, Key: s.Key, ArchivedAt: s.StoredAt,
	}
}

// SidecarKey is the place of an object's sidecar.
func SidecarKey(key string) string { return strings.TrimSuffix(key, ".mp3") + ".json" }

// BesideKey is the place of another file under the same key.
func BesideKey(key, sha256 string) string {
	return strings.TrimSuffix(key, ".mp3") + "." + sha256[:16] + ".mp3"
}

// ConflictReason is what a row says whose recording has n more, different files
// beside the first.
func ConflictReason(n int) string {
	return fmt.Sprintf("conflict: the operator's server gave different files for this recording; the first is kept here, %d more beside it", n)
}

// JoinReasons makes one reason of two; either may be empty.
func JoinReasons(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}
