package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/call"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/catalogue"
	"fonoteka/internal/words"
)

func listRecordings(c *cli.Context) error {
	now := time.Now()
	f := catalogue.Filter{Integration: c.String("integration"), State: call.RecordingState(c.String("state")), Fault: call.FaultKind(c.String("fault")), Short: c.Bool("short")}
	err := errors.Join(oneOf("fault", f.Fault, catalogue.AnyFault, call.Altered, call.Absent, call.Unreadable), oneOf("state", f.State, call.Announced, call.Retrying, call.Missing, call.Refused, call.Expired, call.Quarantined, call.Archived, call.Erased))
	if err != nil {
		return err
	}
	if f.From, err = parseTime("from", c.String("from"), now); err != nil {
		return err
	}
	if f.To, err = parseTime("to", c.String("to"), now); err != nil {
		return err
	}
	limit, err := listLimit(c)
	if err != nil {
		return err
	}
	if err := noteGiven(c, "recordings.list", "", chosenBy(c)); err != nil {
		return err
	}
	return withWarehouse(c, func(db *warehouse.DB) error {
		return listing[catalogue.Row]{
			page: func(ctx context.Context, limit int, after *catalogue.Row) ([]catalogue.Row, error) {
				f := f
				f.Limit, f.After = limit, after
				return catalogue.New(db).ListRecordings(ctx, f)
			},
			count:  func(ctx context.Context) (uint64, error) { return catalogue.New(db).CountRecordings(ctx, f) },
			json:   func(r catalogue.Row) any { return toRecordingJSON(r.RecordingStatus, r.CallKnown) },
			none:   "no recordings",
			header: []string{"ANNOUNCED (UTC)", "STATE", "LENGTH", "SIZE", "NEXT TRY", "LEFT", "RECORDING ID", "WHY"},
			cells: func(r catalogue.Row) []string {
				return []string{
					words.Clock(r.AnnouncedAt), string(r.State), span(r.Duration, r.Duration > 0), fileSize(r.Size),
					next(r.RecordingStatus, now), left(r.RecordingStatus, now), r.ID, story(r),
				}
			},
		}.show(c, limit)
	})
}

func next(s call.RecordingStatus, now time.Time) string {
	switch {
	case s.NextAttemptAt.IsZero() && (s.State == call.Archived || s.State == call.Erased || s.Lost()):
		return "-"
	case s.NextAttemptAt.IsZero():
		return "now"
	}
	return until(s.NextAttemptAt, now)
}

// left is how long the operator keeps the link, where that matters still.
func left(s call.RecordingStatus, now time.Time) string {
	if s.State == call.Archived && s.NextAttemptAt.IsZero() || s.State == call.Erased || s.Lost() || s.ExpiresAt.IsZero() {
		return "-"
	}
	if d := s.ExpiresAt.Sub(now); d > 0 {
		return words.Count(int(d.Hours()/24), "day")
	}
	return "past due"
}

func story(r catalogue.Row) string {
	var parts []string
	if why := r.Reason(); why != "" {
		parts = append(parts, why)
	}
	if !r.CallKnown {
		parts = append(parts, "waits for its call")
	}
	return orDash(strings.Join(parts, "; "))
}

type recordingJSON struct {
	Integration    string  `json:"integration"`
	RecordingID    string  `json:"recording_id"`
	State          string  `json:"state"`
	Reason         string  `json:"reason"`
	ReasonCode     string  `json:"reason_code"`
	Fault          string  `json:"fault"` // altered, absent or unreadable; empty: none is known
	CallID         uint64  `json:"call_id,string"`
	PlatformCallID string  `json:"platform_call_id"`
	CallKnown      bool    `json:"call_known"`
	URL            string  `json:"url"`
	AnnouncedAt    *string `json:"announced_at"`
	ExpiresAt      *string `json:"expires_at"`
	Attempt        int     `json:"attempt"`
	NextAttemptAt  *string `json:"next_attempt_at"`
	SHA256         string  `json:"sha256"`
	Size           int64   `json:"size"`
	DurationMS     int64   `json:"duration_ms"`
	Format         string  `json:"format"` // mp3, wav, ogg …; empty: nothing is stored
	CopyOf         string  `json:"copy_of,omitempty"`
	ShortTalkMS    int64   `json:"short_talk_ms,omitempty"` // talk of which it plays too little; absent: it is not short
	Bucket         string  `json:"bucket"`
	Key            string  `json:"key"`
	ArchivedAt     *string `json:"archived_at"`
}

func toRecordingJSON(s call.RecordingStatus, callKnown bool) recordingJSON {
	return recordingJSON{
		Integration: s.Integration, RecordingID: s.ID, State: string(s.State), Reason: s.Reason(), ReasonCode: string(s.Code()), Fault: string(s.Fault.Kind), CallID: s.GroupID,
		PlatformCallID: s.PlatformCallID, CallKnown: callKnown, URL: s.URL, AnnouncedAt: isoTime(s.AnnouncedAt), ExpiresAt: isoTime(s.ExpiresAt),
		Attempt: s.Attempt, NextAttemptAt: isoTime(s.NextAttemptAt), SHA256: s.SHA256, Size: s.Size, DurationMS: s.Duration.Milliseconds(), Format: s.Format, CopyOf: s.CopyOf, ShortTalkMS: s.ShortTalk.Milliseconds(),
		Bucket: s.Bucket, Key: s.Key, ArchivedAt: isoTime(s.ArchivedAt),
	}
}
