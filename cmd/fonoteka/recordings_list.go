package main

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/call"
	"fonoteka/internal/printable"
	"fonoteka/internal/settings"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/calls"
	"fonoteka/internal/warehouse/catalogue"
	"fonoteka/internal/words"
)

func listRecordings(c *cli.Context) error {
	now := time.Now()
	f := catalogue.Filter{
		Integration: c.String("integration"), State: call.RecordingState(c.String("state")), Fault: call.FaultKind(c.String("fault")), Short: c.Bool("short"),
		Employee: c.String("employee"), Department: c.String("department"), LongerThan: c.Duration("longer"), ShorterThan: c.Duration("shorter"),
	}
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
	cfg, err := load(c, settings.ForStores)
	if err != nil {
		return err
	}
	if f.Number, f.PartOf, err = numberChoice(c, cfg.Rules.AreaCode); err != nil {
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
		around, err := readZones(c.Context, db)
		if err != nil {
			return err
		}
		if id := c.String("call"); id != "" {
			var known bool
			if f.Call, known, err = ofCall(c.Context, db, id); err != nil {
				return err
			}
			if n, err := catalogue.New(db).CountRecordings(c.Context, f); err != nil || n == 0 && !known {
				return cmp.Or(err, notFound("there is no call %s, and no recording waits for it", printable.Quote(id)))
			}
		}
		return listing[catalogue.Row]{
			page: func(ctx context.Context, limit int, after *catalogue.Row) ([]catalogue.Row, error) {
				f := f
				f.Limit, f.After = limit, after
				page, err := catalogue.New(db).ListRecordings(ctx, f)
				if err != nil {
					return nil, err
				}
				return page, around.ofRecordings(ctx, db, page)
			},
			count:  func(ctx context.Context) (uint64, error) { return catalogue.New(db).CountRecordings(ctx, f) },
			json:   func(r catalogue.Row) any { return toRecordingJSON(r, around) },
			none:   "no recordings",
			header: []string{"ANNOUNCED", "EMPLOYEE", "STATE", "LENGTH", "SIZE", "NEXT TRY", "LEFT", "RECORDING ID", "WHY"},
			cells: func(r catalogue.Row) []string {
				return []string{
					around.clock(r.Integration, r.AnnouncedAt), around.who(r.Integration, r.AccountID, r.AnnouncedAt), string(r.State), span(r.Duration, r.Duration > 0), fileSize(r.Size),
					next(r.RecordingStatus, now), left(r.RecordingStatus, now), r.ID, story(r),
				}
			},
		}.show(c, limit)
	})
}

// ofCall chooses the recordings of a call, by our call id or the operator's. One whose
// call is not known yet is found by what its announcement said of the call.
func ofCall(ctx context.Context, db *warehouse.DB, id string) (f *catalogue.CallFilter, known bool, err error) {
	found, err := calls.New(db).ShowCall(ctx, id, catalogue.New(db).OfCall)
	if err != nil {
		return nil, false, err
	}
	f = &catalogue.CallFilter{}
	for _, d := range found {
		f.IDs = append(f.IDs, d.Record.Recordings...)
	}
	if n, err := strconv.ParseUint(id, 10, 64); err != nil {
		f.PlatformCallID = call.BaseID(id)
	} else if len(found) == 0 {
		f.GroupID = n
	}
	return f, len(found) > 0, nil
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
	AccountID      string  `json:"account_id"`
	Employee       string  `json:"employee"` // who had the account at the announcement; empty: not known
	Department     string  `json:"department"`
	URL            string  `json:"url"`
	AnnouncedAt    *string `json:"announced_at"`
	LocalTime      *string `json:"local_time"` // announced_at by the integration's clock
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

func toRecordingJSON(s catalogue.Row, around surroundings) recordingJSON {
	who := around.person(s.Integration, s.AccountID, s.AnnouncedAt)
	return recordingJSON{
		Integration: s.Integration, RecordingID: s.ID, State: string(s.State), Reason: s.Reason(), ReasonCode: string(s.Code()), Fault: string(s.Fault.Kind), CallID: s.GroupID,
		PlatformCallID: s.PlatformCallID, CallKnown: s.CallKnown, AccountID: s.AccountID, Employee: who.Employee, Department: who.Department, LocalTime: around.isoLocal(s.Integration, s.AnnouncedAt), URL: s.URL, AnnouncedAt: isoTime(s.AnnouncedAt), ExpiresAt: isoTime(s.ExpiresAt),
		Attempt: s.Attempt, NextAttemptAt: isoTime(s.NextAttemptAt), SHA256: s.SHA256, Size: s.Size, DurationMS: s.Duration.Milliseconds(), Format: s.Format, CopyOf: s.CopyOf, ShortTalkMS: s.ShortTalk.Milliseconds(),
		Bucket: s.Bucket, Key: s.Key, ArchivedAt: isoTime(s.ArchivedAt),
	}
}
