package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/relay"
	"fonoteka/internal/spool"
	"fonoteka/internal/state"
	"fonoteka/internal/warehouse"
)

// replayFolder asks the running process to relay from another folder; without one
// the rows are made here, and what recordings they announce the next serve
// fetches.
func replayFolder(c *cli.Context, dir string, since time.Time) error {
	cfg, err := loadConfig(c, forReplay)
	if err != nil {
		return err
	}
	if dir, err = otherSpool(cfg, dir); err != nil {
		return fmt.Errorf("replay: --from-spool: %w", err)
	}
	var last resent
	say := func(r resent) {
		last = r
		fmt.Fprintf(c.App.ErrWriter, "%d of %d relayed\n", r.Sent, r.Readable)
	}
	run, err := state.ReadRuntime(cfg.data)
	switch {
	case errors.Is(err, state.ErrNotRunning):
		err = withWarehouse(c, func(db *warehouse.DB) error { return resendStopped(c.Context, cfg, db, dir, since, say) })
	case err == nil:
		query := url.Values{"spool": {dir}}
		if !since.IsZero() {
			query.Set("from", since.Format(time.RFC3339Nano))
		}
		err = ask(c.Context, cfg, run, "/admin/replay", query, func(r resent) error {
			if r.Error != "" {
				return errors.New(r.Error)
			}
			say(r)
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	fmt.Fprintf(c.App.Writer, "%s relayed again from %s; ", count(int(last.Sent), "notification"), dir)
	if last.Missing == 0 {
		_, err = fmt.Fprintln(c.App.Writer, "all that it is known to have held can be read")
		return err
	}
	_, err = fmt.Fprintf(c.App.Writer, "%d that it is known to have held cannot be read\n", last.Missing)
	return err
}

// otherSpool makes a folder's path absolute and refuses the spool in use, whose
// files come and go.
func otherSpool(cfg *config, dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(dir)
	if err != nil {
		return "", err
	}
	if own, err := os.Stat(filepath.Join(cfg.data, "spool")); err == nil && os.SameFile(own, info) {
		return "", fmt.Errorf("%s is the spool in use: give a time by --from instead", dir)
	}
	return dir, nil
}

// resend gives what can be read in a folder to the targets and tells each of the
// progress, at the beginning and at the end at least.
func resend(ctx context.Context, dir string, since time.Time, to []relay.Target, each func(resent)) error {
	from, err := spool.OpenSalvage(nil, dir)
	if err != nil {
		return err
	}
	survey, err := from.Survey(ctx)
	if err != nil {
		return err
	}
	var progress resent
	progress.Readable = survey.Readable
	if survey.Last >= survey.First {
		progress.Missing = survey.Last - survey.First + 1 - survey.Readable - survey.Erased
	}
	each(progress)
	return relay.Resend(ctx, from, survey, since, to, func(sent uint64) {
		progress.Sent = sent
		each(progress)
	})
}

// noSource is of a relay that is only given records.
type noSource struct{ relay.Source }

func resendStopped(ctx context.Context, cfg *config, db *warehouse.DB, dir string, since time.Time, each func(resent)) error {
	there, err := db.SchemaVersion(ctx)
	if err != nil {
		return err
	}
	if known, err := warehouse.KnownSchema(); err != nil || there != known {
		return errors.Join(err, fmt.Errorf("the tables are at version %d, this program's is %d: run fonoteka migrate, or the program that made them", there, known))
	}
	counter, err := relay.NewNotifications(nil)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	rows := relay.ToWarehouse{Warehouse: db, Decode: cfg.decoder(), LinkLife: cfg.linkLife, Log: log, Counter: counter}
	r, err := relay.New(relay.Options{
		Cursor: warehouseCursor, Source: noSource{}, Sink: rows.Sink, Refused: warehouse.IsRefusal, SetAside: rows.SetAside, Log: log,
	})
	if err != nil {
		return err
	}
	return resend(ctx, dir, since, []relay.Target{{Relay: r}}, each)
}
