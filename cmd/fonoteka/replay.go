package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/admin"
	"fonoteka/internal/daemon"
	"fonoteka/internal/doctor"
	"fonoteka/internal/exitcode"
	"fonoteka/internal/settings"
	"fonoteka/internal/spool"
	"fonoteka/internal/state"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/words"
)

func replayCommand() *cli.Command {
	return &cli.Command{
		Name:  "replay",
		Usage: "put notifications through again: those that were rejected, or all since a time",
		Description: `Without --from: every row of the table rejected is decoded again; what can be
read now becomes an event. With --from: everything the spool still holds (7
days) that was received since then is relayed to the warehouse and the queue
again. With --from-spool: everything that can be read in another folder with a
spool, a damaged one or a copy from a backup; nothing in it is changed. Nothing
is ever doubled by it.

Exit status: 6 some are still rejected, or cannot be read in the other spool.`,
		Flags: append(append([]cli.Flag{
			&cli.StringFlag{Name: "from", Usage: "received at or after `TIME`, UTC: 2026-03-02, 2026-03-02T10:00:00 or 24h (ago)"},
			&cli.StringFlag{Name: "from-spool", Usage: "`FOLDER` with another spool; with --from only what was received since then"},
		}, settings.IntegrationFlags()...), settings.DataFlags()...),
		Action: func(c *cli.Context) error {
			from, err := parseTime("from", c.String("from"), time.Now())
			switch {
			case err != nil:
				return err
			case c.String("from-spool") != "":
				return replayFolder(c, c.String("from-spool"), from)
			case from.IsZero():
				return replayRejected(c)
			}
			return replaySpool(c, from)
		},
	}
}

// replayRejected asks the running process, which knows how its integrations are
// read; without one it is done here.
func replayRejected(c *cli.Context) error {
	cfg, err := load(c, settings.ForReplay)
	if err != nil {
		return err
	}
	taken, still := 0, 0
	say := func(t, s int) {
		taken, still = t, s
		fmt.Fprintf(c.App.ErrWriter, "%d taken, %d still rejected\n", t, s)
	}
	run, err := state.ReadRuntime(cfg.Data)
	switch {
	case errors.Is(err, state.ErrNotRunning):
		err = withWarehouse(c, func(db *warehouse.DB) error { return daemon.ReplayRejectedAlone(c.Context, cfg, db, say) })
	case err == nil:
		err = admin.Ask(c.Context, cfg.Data, run, "/admin/replay", nil, func(r admin.Replayed) error {
			if r.Error != "" {
				return errors.New(r.Error)
			}
			say(r.Taken, r.Still)
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	if taken+still == 0 {
		fmt.Fprintln(c.App.Writer, "nothing is rejected")
	}
	if still > 0 {
		return exitcode.Incomplete
	}
	return nil
}

// replaySpool asks the running process; the spool is open in one process only.
// Without one, the cursors are moved here, and the next serve relays.
func replaySpool(c *cli.Context, from time.Time) error {
	cfg, err := load(c, settings.ForStores)
	if err != nil {
		return err
	}
	say := func(r admin.Rewound) error {
		n := 0
		if r.Last >= r.First {
			n = int(r.Last - r.First + 1)
		}
		_, err := fmt.Fprintf(c.App.Writer, "cursor %s: %s to be relayed again\n", r.Cursor, words.Count(n, "notification"))
		return err
	}
	run, err := state.ReadRuntime(cfg.Data)
	switch {
	case errors.Is(err, state.ErrNotRunning):
		err = daemon.RewindAlone(c.Context, cfg, from, say)
	case err == nil:
		err = admin.Ask(c.Context, cfg.Data, run, "/admin/replay", url.Values{"from": {from.Format(time.RFC3339Nano)}}, say)
	}
	if errors.Is(err, spool.ErrDamagedStore) {
		return fmt.Errorf("replay: start serve, which puts it aside and relays what can be read: %w", err)
	}
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	return hintAtDamaged(c.App.ErrWriter, cfg, from)
}

// hintAtDamaged names damaged spools that hold notifications of that time: they
// are not relayed again by this.
func hintAtDamaged(w io.Writer, cfg *settings.Config, from time.Time) error {
	reports, err := doctor.DamageReports(cfg)
	for _, r := range reports {
		if r.Found != nil && !r.Found.Newest.Before(from) {
			fmt.Fprintf(w, "%s holds notifications of that time, too: fonoteka replay --from-spool %s --from %s\n",
				r.Folder, filepath.Join(cfg.Data, r.Folder), from.Format("2006-01-02T15:04:05"))
		}
	}
	return err
}
