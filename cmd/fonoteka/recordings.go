package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	sound "fonoteka/internal/audio"
	"fonoteka/internal/blob"
	"fonoteka/internal/call"
	"fonoteka/internal/warehouse"
)

func recordingsCommand() *cli.Command {
	return &cli.Command{
		Name:  "recordings",
		Usage: "list recordings and why any is not there, or fetch one",
		Subcommands: []*cli.Command{
			{
				Name:  "list",
				Usage: "the newest announcement first",
				Flags: append([]cli.Flag{
					&cli.StringFlag{Name: "state", Usage: "announced, retrying, missing, refused, expired, quarantined, archived or erased"},
					&cli.StringFlag{Name: "fault", Usage: "archived, and known to be `FAULT` in the store: altered, absent, unreadable, or any of them"},
					&cli.BoolFlag{Name: "short", Usage: "archived, and playing for less than the talk took"},
					&cli.StringFlag{Name: "from", Usage: "announced at or after `TIME`, UTC: 2026-03-02, 2026-03-02T10:00:00 or 24h (ago)"},
					&cli.StringFlag{Name: "to", Usage: "announced before `TIME`"},
					&cli.StringFlag{Name: "integration", Usage: "only this integration, by its `NAME`"},
					limitFlag("recordings"),
					jsonFlag(),
				}, dataFlags()...),
				Action: listRecordings,
			},
			{
				Name:      "get",
				Usage:     "write an archived recording to a file, or what lies in quarantine of it, and check its digest",
				ArgsUsage: "ID",
				Flags: append([]cli.Flag{
					&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`FILE` to write; - is standard output; default: ID and what the format is, such as ID.mp3"},
				}, dataFlags()...),
				Action: getRecording,
			},
			importCommand(), progressCommand(), retryCommand(), atRiskCommand(), rebuildCommand(), orphansCommand(),
		},
	}
}

func listRecordings(c *cli.Context) error {
	now := time.Now()
	f := warehouse.RecordingFilter{Integration: c.String("integration"), State: call.RecordingState(c.String("state")), Fault: call.FaultKind(c.String("fault")), Short: c.Bool("short")}
	err := errors.Join(oneOf("fault", f.Fault, warehouse.AnyFault, call.Altered, call.Absent, call.Unreadable), oneOf("state", f.State, call.Announced, call.Retrying, call.Missing, call.Refused, call.Expired, call.Quarantined, call.Archived, call.Erased))
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
		return listing[warehouse.RecordingRow]{
			page: func(ctx context.Context, limit int, after *warehouse.RecordingRow) ([]warehouse.RecordingRow, error) {
				f := f
				f.Limit, f.After = limit, after
				return db.ListRecordings(ctx, f)
			},
			count:  func(ctx context.Context) (uint64, error) { return db.CountRecordings(ctx, f) },
			json:   func(r warehouse.RecordingRow) any { return toRecordingJSON(r.RecordingStatus, r.CallKnown) },
			none:   "no recordings",
			header: []string{"ANNOUNCED (UTC)", "STATE", "LENGTH", "SIZE", "NEXT TRY", "LEFT", "RECORDING ID", "WHY"},
			cells: func(r warehouse.RecordingRow) []string {
				return []string{
					clock(r.AnnouncedAt), string(r.State), span(r.Duration, r.Duration > 0), fileSize(r.Size),
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
		return count(int(d.Hours()/24), "day")
	}
	return "past due"
}

func story(r warehouse.RecordingRow) string {
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

func getRecording(c *cli.Context) error {
	if c.NArg() != 1 {
		return errors.New("recordings get: give one recording id")
	}
	id := c.Args().First()
	return withStores(c, func(st *stores) error {
		rows, err := st.warehouse.ListRecordings(c.Context, warehouse.RecordingFilter{ID: id, Limit: 10})
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return errors.New("there is no such recording")
		}
		r := rows[0]
		kept := r.State == call.Quarantined && r.KeptAttempt > 0
		if r.State != call.Archived && !kept {
			return fmt.Errorf("the recording is not archived: %s (%s)", r.State, story(r))
		}
		if r.Fault.Part == call.RecordingPart && r.Fault.Kind != "" {
			return fmt.Errorf("the recording is not given out: %s", r.Reason())
		}
		out := c.String("output")
		if out == "" {
			out = id + sound.Format(r.Format).Ext()
		}
		if out == "-" && terminal(c.App.Writer) {
			return errors.New("recordings get: -o - writes audio, and the output is a terminal: name a file, or send it to a program")
		}
		if err := noteGiven(c, "recording.get", r.ID, ""); err != nil {
			return err
		}
		err = st.write(c, r.RecordingStatus, out)
		if kept {
			return sayQuarantined(c.App.ErrWriter, r, out, err)
		}
		if err != nil {
			return errors.Join(err, st.noteAltered(c.Context, r.RecordingStatus, err))
		}
		if out == "-" {
			return nil
		}
		fmt.Fprintf(c.App.ErrWriter, "wrote %s: %s, %s, sha256 %s as archived\n", out, fileSize(r.Size), span(r.Duration, true), r.SHA256)
		return nil
	})
}

// sayQuarantined warns of what was written: it is what came, and not a recording that
// is known to be whole.
func sayQuarantined(w io.Writer, r warehouse.RecordingRow, name string, err error) error {
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "warning: this is no archived recording but what came and lies in quarantine: %s\n", r.Reason())
	if name != "-" {
		fmt.Fprintf(w, "wrote %s: %s, sha256 %s as it came\n", name, fileSize(r.Size), r.SHA256)
	}
	return nil
}

// write writes a stored recording to a file; - is the output.
func (st *stores) write(c *cli.Context, r call.RecordingStatus, name string) error {
	stored, _, err := st.blob.GetRange(c.Context, r.Key, 0, -1) // by range, as the client's own check of a whole object fails with an error of no kind
	if err != nil {
		return err
	}
	defer stored.Close()
	body := blob.Verified(stored, r.Size, r.SHA256)
	if name == "-" {
		return copyWhole(raw(c.App.Writer), body)
	}
	return save(name, body)
}

// noteAltered has the catalogue know of what was met.
func (st *stores) noteAltered(ctx context.Context, r call.RecordingStatus, met error) error {
	if !errors.Is(met, blob.ErrAltered) && !errors.Is(met, blob.ErrNotFound) {
		return nil
	}
	checker, err := st.checker(0, 1)
	if err != nil {
		return err
	}
	_, err = checker.CheckAll(ctx, []call.RecordingStatus{r})
	return err
}

// save leaves a file only if it holds the whole of body.
func save(name string, body io.Reader) error {
	tmp, err := os.CreateTemp(filepath.Dir(name), ".fonoteka-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	err = copyWhole(tmp, body)
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return os.Rename(tmp.Name(), name)
}

func copyWhole(w io.Writer, body io.Reader) error {
	if _, err := io.Copy(w, body); err != nil {
		return fmt.Errorf("read the stored recording: %w", err)
	}
	return nil
}
