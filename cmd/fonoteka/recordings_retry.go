package main

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/call"
	"fonoteka/internal/exitcode"
	"fonoteka/internal/settings"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/catalogue"
	"fonoteka/internal/words"
)

// triedAgain are the states that a wish for another try can change; of what is archived
// only what is short and to be fetched again.
var triedAgain = []call.RecordingState{call.Retrying, call.Missing, call.Refused, call.Quarantined, call.Expired, call.Announced, call.Archived}

func retryCommand() *cli.Command {
	return &cli.Command{
		Name:      "retry",
		Usage:     "try recordings again now that wait for a later try",
		ArgsUsage: "[ID …]",
		Description: `fonoteka serve tries them within some seconds, what expires first first; their
schedule goes on from there. What is given up (expired) is tried again only by
its id or with --state expired: the operator's server itself has said for two
weeks after its term that it is gone. One more such answer ends it again.

  fonoteka recordings retry --state missing`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "state", Usage: "all in `STATE`: retrying, missing, refused, quarantined or expired; announced: though they are due already; archived: those that are short"},
			&cli.StringFlag{Name: "integration", Usage: "only this integration, by its `NAME`"},
			&cli.BoolFlag{Name: "all", Usage: "all that wait"},
		}, settings.DataFlags()...),
		Action: retryRecordings,
	}
}

var recordingID = regexp.MustCompile(`^[0-9a-f]{32}$`)

func retryRecordings(c *cli.Context) error {
	f := catalogue.RetryFilter{Integration: c.String("integration"), State: call.RecordingState(c.String("state")), IDs: c.Args().Slice()}
	switch {
	case c.Bool("all") && (f.State != "" || len(f.IDs) > 0):
		return usage("recordings retry: --all, or a --state, or ids")
	case !c.Bool("all") && f.State == "" && len(f.IDs) == 0:
		return usage("recordings retry: give ids, a --state, or --all")
	case f.State != "" && !slices.Contains(triedAgain, f.State):
		return usage("recordings retry: --state %q is none of retrying, missing, refused, quarantined, expired, announced and archived", f.State)
	}
	for _, id := range f.IDs {
		if !recordingID.MatchString(id) {
			return usage("recordings retry: %q is not a recording id (32 hex digits)", id)
		}
	}
	if err := noteGiven(c, "recordings.retry", strings.Join(f.IDs, ", "), chosenBy(c)); err != nil {
		return err
	}
	return withWarehouse(c, func(db *warehouse.DB) error {
		done, err := catalogue.New(db).RetryRecordings(c.Context, f, time.Now())
		if err != nil {
			return err
		}
		sayRetried(c.App.Writer, done)
		var missing error
		for _, id := range f.IDs {
			if err := saySettled(c, db, id); err != nil {
				if code, _ := exitcode.Of(err); code != exitcode.NotFound {
					return err
				}
				missing = err
			}
		}
		return missing
	})
}

func sayRetried(w io.Writer, done map[call.RecordingState]uint64) {
	total, parts := 0, []string{}
	for _, s := range triedAgain {
		if n := int(done[s]); n > 0 {
			total += n
			parts = append(parts, words.Grouped(n)+" "+string(s))
		}
	}
	if total == 0 {
		fmt.Fprintln(w, "none waits for a later try")
		return
	}
	fmt.Fprintf(w, "%s due now: %s\n", words.Count(total, "recording"), strings.Join(parts, ", "))
	if done[call.Refused] > 0 {
		fmt.Fprintln(w, "What is refused is fetched only if the list of record hosts and the size limit of fonoteka serve allow it now.")
	}
}

// saySettled tells of a recording that was asked for why it is not tried.
func saySettled(c *cli.Context, db *warehouse.DB, id string) error {
	rows, err := catalogue.New(db).ListRecordings(c.Context, catalogue.Filter{ID: id, Integration: c.String("integration")})
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		fmt.Fprintf(c.App.Writer, "%s: there is no such recording\n", id)
		return exitcode.NotFound
	}
	for _, r := range rows {
		switch {
		case slices.Contains(triedAgain, r.State) && (r.State != call.Archived || !r.NextAttemptAt.IsZero()):
		default:
			fmt.Fprintf(c.App.Writer, "%s: is %s\n", id, r.State)
		}
	}
	return nil
}
