package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/call"
	"fonoteka/internal/exitcode"
	"fonoteka/internal/fixity"
	"fonoteka/internal/installation"
	"fonoteka/internal/settings"
	"fonoteka/internal/words"
)

func scrubCommand() *cli.Command {
	return &cli.Command{
		Name:  "scrub",
		Usage: "read stored recordings again and compare them with what was archived",
		Description: `Each recording's bytes and its sidecar (the document beside it) are read from the
store; size and sha256 must be those of the catalogue. Every check is noted in
the chain of custody. What is altered, absent or cannot be read is printed here,
shown by fonoteka recordings list, and makes the exit status 3. Nothing is
overwritten or deleted; what has lost its lock in the store is locked anew. fonoteka
serve does the same in the background (--scrub-days), fetches what is damaged again
while its link lives, and keeps the copy beside.`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "sample", Usage: "only a random `SHARE` of them: 1%"},
			&cli.StringFlag{Name: "since", Usage: "only those archived at or after `TIME`, UTC: 2026-03-02, 2026-03-02T10:00:00 or 24h (ago)"},
			&cli.StringFlag{Name: "rate", Value: "0", Usage: "read at most `RATE`: 50MB/s; 0: no limit"},
			&cli.IntFlag{Name: "parallel", Value: 4, Usage: "read `N` recordings at once"},
			jsonFlag(),
		}, settings.DataFlags()...),
		Action: scrub,
	}
}

func parseShare(s string) (float64, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseFloat(strings.TrimSuffix(s, "%"), 64)
	if strings.HasSuffix(s, "%") {
		n /= 100
	}
	if err != nil || n <= 0 || n > 1 {
		return 0, usage("--sample: %q is not a share such as 1%%", s)
	}
	return n, nil
}

func scrub(c *cli.Context) error {
	now := time.Now()
	q := fixity.Query{Seed: uint64(now.UnixNano())}
	var err error
	if q.Share, err = parseShare(c.String("sample")); err != nil {
		return err
	}
	if q.Since, err = parseTime("since", c.String("since"), now); err != nil {
		return err
	}
	rate, err := settings.ParseByteRate(c.String("rate"))
	if err != nil {
		return usage("--rate: %w", err)
	}
	if n := c.Int("parallel"); n < 1 || n > 256 {
		return usage("--parallel: %d is not a number from 1 to 256", n)
	}
	return withChecker(c, rate, c.Int("parallel"), func(check *fixity.Checker) error {
		shown := progressLine{w: c.App.ErrWriter}
		report, err := check.Scrub(c.Context, q,
			func(f fixity.Finding) {
				shown.clear()
				sayFinding(c, f)
			},
			func(r fixity.Report) { shown.say(scrubProgress(r, time.Now())) })
		shown.clear()
		if err != nil {
			return err
		}
		return sayReport(c, report, time.Since(now))
	})
}

// withChecker gives a checker on the stores of an installation.
func withChecker(c *cli.Context, rate int64, parallel int, use func(*fixity.Checker) error) error {
	return withStores(c, func(st *installation.Stores) error {
		check, err := st.Checker(rate, parallel)
		if err != nil {
			return err
		}
		return use(check)
	})
}

func scrubProgress(r fixity.Report, now time.Time) string {
	s := fmt.Sprintf("%d of %s, %s read", r.Checked, words.Count(int(r.Total), "recording"), fileSize(int64(r.Bytes)))
	if r.Wrong > 0 {
		s += fmt.Sprintf(", %d wrong", r.Wrong)
	}
	if left, ok := r.Left(now); ok {
		s += ", about " + span(left, true) + " left"
	}
	return s
}

// findingJSON is one recording that is not as it was archived.
type findingJSON struct {
	Integration    string  `json:"integration"`
	RecordingID    string  `json:"recording_id"`
	Result         string  `json:"result"`
	Part           string  `json:"part"`
	Key            string  `json:"key"`
	ExpectedSHA256 string  `json:"expected_sha256"`
	ExpectedSize   int64   `json:"expected_size"`
	FoundSHA256    string  `json:"found_sha256"`
	FoundSize      int64   `json:"found_size"`
	LastGood       *string `json:"last_good"`
	CheckedAt      *string `json:"checked_at"`
	Reason         string  `json:"reason"`
}

func sayFinding(c *cli.Context, f fixity.Finding) {
	if c.Bool("json") {
		_ = lines(c.App.Writer, []findingJSON{{
			Integration: f.Row.Integration, RecordingID: f.Row.ID, Result: string(f.Result), Part: string(f.Part), Key: f.Row.Key,
			ExpectedSHA256: f.Row.SHA256, ExpectedSize: f.Row.Size, FoundSHA256: f.SHA256, FoundSize: f.Size,
			LastGood: isoTime(f.LastGood), CheckedAt: isoTime(f.At), Reason: f.Sentence(),
		}})
		return
	}
	w := c.App.Writer
	fmt.Fprintf(w, "recording %s: %s (%s)\n  key       %s\n  expected  %s\n", f.Row.ID, f.Result, f.Part, f.Row.Key, bytesAndDigest(f.Row))
	found := f.Row
	found.SHA256, found.Size = f.SHA256, f.Size
	switch {
	case f.Part == call.SidecarPart:
		fmt.Fprintf(w, "  found     the recording as expected; its sidecar: %s\n", orDash(f.Detail))
	case f.Part == call.BesidePart:
		fmt.Fprintf(w, "  found     the recording as expected; of the files beside it: %s\n", orDash(f.Detail))
	case f.Result == fixity.Altered:
		fmt.Fprintf(w, "  found     %s\n", bytesAndDigest(found))
	default:
		fmt.Fprintf(w, "  found     nothing\n")
	}
	fmt.Fprintf(w, "  last good %s\n", words.Clock(f.LastGood))
}

func bytesAndDigest(s call.RecordingStatus) string {
	return fmt.Sprintf("%d bytes, sha256 %s", s.Size, s.SHA256)
}

// scrubbedJSON is the last line, after the findings.
type scrubbedJSON struct {
	Checked      uint64 `json:"checked"` // recordings
	Bytes        uint64 `json:"bytes"`
	Altered      uint64 `json:"altered"`
	Absent       uint64 `json:"absent"`
	Unreadable   uint64 `json:"unreadable"`
	Unlocked     uint64 `json:"unlocked"`      // that had lost the lock that they were stored with
	LeftUnlocked uint64 `json:"left_unlocked"` // of those, that could not be locked anew
	TookMS       int64  `json:"took_ms"`
}

func sayReport(c *cli.Context, r fixity.Report, took time.Duration) error {
	if c.Bool("json") {
		err := lines(c.App.Writer, []scrubbedJSON{{r.Checked, r.Bytes, r.Altered, r.Absent, r.Unreadable, r.Unlocked, r.LeftUnlocked, took.Milliseconds()}})
		if err != nil {
			return err
		}
	} else {
		fmt.Fprintf(c.App.Writer, "%s read again, %s in %s: %d altered, %d absent, %d unreadable\n",
			words.Count(int(r.Checked), "recording"), fileSize(int64(r.Bytes)), span(took, true), r.Altered, r.Absent, r.Unreadable)
		if r.Unlocked > 0 {
			fmt.Fprintf(c.App.Writer, "%d of them had lost the lock that they were stored with; %d are locked anew\n", r.Unlocked, r.Unlocked-r.LeftUnlocked)
		}
	}
	switch {
	case r.Wrong > 0:
		return exitcode.Errorf(exitcode.Found, "%s not as archived", words.RecordingsAre(int(r.Wrong)))
	case r.LeftUnlocked > 0:
		return exitcode.Errorf(exitcode.Found, "%s not locked as archived, and the store does not lock them anew", words.RecordingsAre(int(r.LeftUnlocked)))
	}
	return nil
}
