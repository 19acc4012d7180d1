package export

import (
	"context"
	"errors"
	"io"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/pack"
)

// Errors of a Source that are no failures of the export: what they are about is listed.
var (
	// ErrAbsent: the store has no such object.
	ErrAbsent = errors.New("the store has no such object")
	// ErrUnreadable: the store answers, and does not give the object back. Any other error
	// of an object ends the run, which can go on later.
	ErrUnreadable = errors.New("the store does not give the object back")
	// ErrNoParquet: this source writes none, and the package has none.
	ErrNoParquet = errors.New("no parquet")
)

// LineFile is a file of lines that the source writes.
type LineFile string

// The files of lines.
const (
	Calls  LineFile = "calls"  // pack.Call
	Legs   LineFile = "legs"   // pack.Leg, of these calls
	Events LineFile = "events" // pack.Event, of the groups of these calls
)

// Source is a selection of calls, and what belongs to it. Lines, Parquet, Recordings and
// Unmatched are asked for once, one after another, until the selection is fixed; what they
// say must be of one moment. Open and Custody are asked for afterwards, Open by several
// goroutines at once.
type Source interface {
	// Lines writes a file of lines, ordered and unique as pack says. Run reads each line
	// and refuses what pack.EachLine refuses.
	Lines(ctx context.Context, what LineFile, w io.Writer) error
	// Parquet writes the calls once more; ErrNoParquet.
	Parquet(ctx context.Context, w io.Writer) error
	// Recordings gives each recording that a call of the selection names, once, ordered by
	// integration and id, as bytes are. One that no row of the catalogue is about comes
	// with its ids alone.
	Recordings(ctx context.Context, each func(Recording) error) error
	// Unmatched are the ids that were asked for and are nowhere.
	Unmatched(ctx context.Context) ([]string, error)
	// Open reads an object; ErrAbsent, ErrUnreadable, also from its Read.
	Open(ctx context.Context, o Object) (io.ReadCloser, error)
	// Custody is what is known of some recordings, in their order.
	Custody(ctx context.Context, of []Recording) ([]History, error)
}

// History is the chain of a recording and, ordered by writer and number, the lines of the
// audit about it, byte for byte. Neither has to be there.
type History struct {
	Steps   []pack.Step
	Entries [][]byte
}

// Recording is one of the catalogue, as it was when the selection was fixed.
type Recording struct {
	Integration string        `json:"integration"`
	ID          string        `json:"id"`
	CallID      uint64        `json:"call_id,string"` // 0: not known
	AccountID   string        `json:"account_id"`
	State       string        `json:"state"`
	Code        string        `json:"code"`
	Reason      string        `json:"reason"`
	Duration    time.Duration `json:"duration"`
	AnnouncedAt time.Time     `json:"announced_at"`
	ArchivedAt  time.Time     `json:"archived_at"`
	NextTryAt   time.Time     `json:"next_try_at"`
	ExpiresAt   time.Time     `json:"expires_at"`
	Objects     []Object      `json:"objects"`
}

// Object is a file of a recording in the store.
type Object struct {
	Role   pack.Role `json:"role"` // Played, Earlier, Conflicting or Damaged
	Bucket string    `json:"bucket"`
	Key    string    `json:"key"`
	SHA256 string    `json:"sha256"` // lower-case hex, by the catalogue or the sidecar
	Size   int64     `json:"size"`
	Format string    `json:"format"` // as audio.Format
}

// FromCatalogue is the recording that a row of the catalogue is about. beside are its
// other files: what was named before, and what the operator gave for it another time.
func FromCatalogue(row call.RecordingStatus, callID uint64, beside []Object) Recording {
	r := Recording{
		Integration: row.Integration, ID: row.ID, CallID: callID, AccountID: row.AccountID,
		State: string(row.State), Code: string(row.Code()), Reason: row.Reason(), Duration: row.Duration,
		AnnouncedAt: row.AnnouncedAt, ArchivedAt: row.ArchivedAt, NextTryAt: row.NextAttemptAt, ExpiresAt: row.ExpiresAt,
	}
	o := Object{Bucket: row.Bucket, Key: row.Key, SHA256: row.SHA256, Size: row.Size, Format: row.Format}
	if o.Format == "" {
		o.Format = "mp3"
	}
	switch {
	case row.Key == "":
	case row.State == call.Archived:
		o.Role = pack.Played
		r.Objects = append(r.Objects, o)
	case row.State == call.Quarantined:
		o.Role = pack.Damaged
		r.Objects = append(r.Objects, o)
	}
	r.Objects = append(r.Objects, beside...)
	return r
}

// Trail is the audit of the installation.
type Trail interface {
	// Begin logs that an export begins, and returns the line of its entry as it stands in
	// the audit, and the newest anchor as it lies in the bucket; nil: there is none.
	Begin(ctx context.Context, target, detail string) (line, anchor []byte, err error)
	// End logs what came of it.
	End(ctx context.Context, target string, failed error, detail string) error
}
