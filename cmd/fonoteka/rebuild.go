package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/admin"
	"fonoteka/internal/announce"
	"fonoteka/internal/cdr"
	"fonoteka/internal/daemon"
	"fonoteka/internal/settings"
	"fonoteka/internal/state"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/calls"
	"fonoteka/internal/warehouse/catalogue"
	"fonoteka/internal/words"
)

func rebuildCallsCommand() *cli.Command {
	return &cli.Command{
		Name:  "rebuild",
		Usage: "derive calls again from the notifications, and write those that differ",
		Description: `Beside a running serve, which does it with its own settings, or on a stopped
installation, with those given here. Every call is compared with what its
notifications say; rows that say the same are not written. It may be stopped, or
killed, and goes on from there when it is run again.

Run it after an upgrade that derives calls better, after a change of --abandon-after,
--area-code or a time zone (restart serve with it first), and when rows of calls,
legs or call lists were lost or altered. A row that stands under a higher version
than its notifications can give is counted as kept; --changed-rules writes it too.

Calls whose notifications are gone stay as they are, and so do those of which only
some are left. Links that an older version did not read are announced. Recordings
that are stored have their own: fonoteka recordings rebuild-catalogue.`,
		Flags: append(append(append([]cli.Flag{
			&cli.BoolFlag{Name: "changed-rules", Usage: "write what differs above every row written before, whatever its version (a new epoch)"},
			&cli.BoolFlag{Name: "dry-run", Usage: "only count what differs"},
			&cli.BoolFlag{Name: "restart", Usage: "from the beginning, though an earlier one did not finish"},
			&cli.StringFlag{Name: "call", Usage: "only the call with this `ID`, ours or the operator's"},
			&cli.StringFlag{Name: "from", Usage: "only calls that were notified of at or after `TIME`, UTC: 2026-03-02, 2026-03-02T10:00:00 or 24h (ago)"},
			&cli.StringFlag{Name: "to", Usage: "only calls that were notified of before `TIME`"},
			jsonFlag(),
		}, settings.RuleFlags()...), settings.IntegrationFlags()...), settings.DataFlags()...),
		Action: rebuildCalls,
	}
}

func rebuildCalls(c *cli.Context) error {
	o := cdr.RebuildOptions{ChangedRules: c.Bool("changed-rules"), DryRun: c.Bool("dry-run"), Restart: c.Bool("restart"), Call: c.String("call")}
	now := time.Now()
	var err, err2 error
	o.From, err = parseTime("from", c.String("from"), now)
	o.To, err2 = parseTime("to", c.String("to"), now)
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	if o.Call != "" && !(o.From.IsZero() && o.To.IsZero()) {
		return usage("--call names one call: it goes without --from and --to")
	}
	cfg, err := load(c, settings.ForDeriving)
	if err != nil {
		return err
	}
	began, shown := now, progressLine{w: c.App.ErrWriter}
	var first float64 // share that an earlier one had done
	var last cdr.Rebuilt
	say := func(r cdr.Rebuilt) {
		if last.Share == 0 && r.Resumed {
			first = r.Share
		}
		last = r
		shown.say(rebuildProgress(r, first, time.Since(began)))
	}
	run, err := state.ReadRuntime(cfg.Data)
	switch {
	case errors.Is(err, state.ErrNotRunning):
		err = daemon.RebuildAlone(c.Context, cfg, o, say)
	case err == nil:
		err = admin.Ask(c.Context, cfg.Data, run, "/admin/rebuild", admin.RebuildQuery(o), func(line admin.Rebuilding) error {
			if line.Error != "" {
				return errors.New(line.Error)
			}
			say(line.Rebuilt)
			return nil
		})
	}
	shown.clear()
	if err != nil {
		return fmt.Errorf("%w\n%.1f %% are done; run it again to go on", err, 100*last.Share)
	}
	if last.Share < 1 {
		return fmt.Errorf("it broke off after %.1f %%; run it again to go on", 100*last.Share)
	}
	if o.Call != "" && last.Calls == 0 {
		return notFound("no notification of a call with this id is stored")
	}
	again := announce.Again{Decode: cfg.Decode, LinkLife: cfg.LinkLife, Only: announce.PassedOver}
	if whole := o.Call == "" && o.From.IsZero() && o.To.IsZero(); whole && !o.DryRun {
		err := withWarehouse(c, func(db *warehouse.DB) error {
			again.Catalogue, again.Notifications = catalogue.New(db), calls.New(db)
			return again.Run(c.Context, func() {})
		})
		if err != nil {
			return fmt.Errorf("the calls are derived, but recordings that an older version passed over could not be announced; run it again: %w", err)
		}
	}
	return sayRebuiltCalls(c, o, last, time.Since(began), again.Added)
}

func rebuildProgress(r cdr.Rebuilt, first float64, took time.Duration) string {
	s := fmt.Sprintf("%.1f %%, %s compared, %d differ", 100*r.Share, words.Count(r.Calls, "call"), r.Differ)
	if done := r.Share - first; done > 0.001 && r.Share < 1 {
		left := time.Duration(float64(took) * (1 - r.Share) / done)
		s += fmt.Sprintf(", %s to go", left.Round(time.Second))
	}
	return s
}

type rebuiltCallsJSON struct {
	cdr.Rebuilt
	Announced int   `json:"announced"` // recordings that an older version had passed over
	DryRun    bool  `json:"dry_run"`
	TookMS    int64 `json:"took_ms"`
}

func sayRebuiltCalls(c *cli.Context, o cdr.RebuildOptions, r cdr.Rebuilt, took time.Duration, announced int) error {
	if c.Bool("json") {
		return lines(c.App.Writer, []rebuiltCallsJSON{{r, announced, o.DryRun, took.Milliseconds()}})
	}
	verb := "written"
	if o.DryRun {
		verb = "to be written"
	}
	w := c.App.Writer
	fmt.Fprintf(w, "%s compared with their notifications: %d differed, %s %s\n", words.Count(r.Calls, "call"), r.Differ, words.Count(r.Written, "row"), verb)
	if announced > 0 {
		fmt.Fprintf(w, "%s announced that an older version had passed over: serve fetches them\n", words.Count(announced, "recording"))
	}
	if r.MissingKeys > 0 {
		fmt.Fprintf(w, "%s of rows had been lost\n", words.Count(r.MissingKeys, "key"))
	}
	if r.NotReplaced > 0 {
		fmt.Fprintf(w, "%s kept: made of more notifications than are left, or altered under a higher version (--changed-rules)\n", words.Count(r.NotReplaced, "call"))
	}
	if r.WithoutEvents > 0 {
		fmt.Fprintf(w, "%s without any notification left: kept as it is\n", words.Count(r.WithoutEvents, "call"))
	}
	return nil
}
