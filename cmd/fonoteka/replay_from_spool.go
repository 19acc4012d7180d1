package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/admin"
	"fonoteka/internal/daemon"
	"fonoteka/internal/exitcode"
	"fonoteka/internal/settings"
	"fonoteka/internal/state"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/words"
)

// replayFolder asks the running process to relay from another folder; without one
// the rows are made here, and what recordings they announce the next serve
// fetches.
func replayFolder(c *cli.Context, dir string, since time.Time) error {
	cfg, err := load(c, settings.ForReplay)
	if err != nil {
		return err
	}
	if dir, err = otherSpool(cfg, dir); err != nil {
		return fmt.Errorf("replay: --from-spool: %w", err)
	}
	var last admin.Resent
	say := func(r admin.Resent) {
		last = r
		fmt.Fprintf(c.App.ErrWriter, "%d of %d relayed\n", r.Sent, r.Readable)
	}
	run, err := state.ReadRuntime(cfg.Data)
	switch {
	case errors.Is(err, state.ErrNotRunning):
		err = withWarehouse(c, func(db *warehouse.DB) error { return daemon.ResendAlone(c.Context, cfg, db, dir, since, say) })
	case err == nil:
		query := url.Values{"spool": {dir}}
		if !since.IsZero() {
			query.Set("from", since.Format(time.RFC3339Nano))
		}
		err = admin.Ask(c.Context, cfg.Data, run, "/admin/replay", query, func(r admin.Resent) error {
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
	fmt.Fprintf(c.App.Writer, "%s relayed again from %s; ", words.Count(int(last.Sent), "notification"), dir)
	if last.Missing == 0 {
		_, err = fmt.Fprintln(c.App.Writer, "all that it is known to have held can be read")
		return err
	}
	_, err = fmt.Fprintf(c.App.Writer, "%d that it is known to have held cannot be read\n", last.Missing)
	return cmp.Or(err, error(exitcode.Incomplete))
}

// otherSpool makes a folder's path absolute and refuses the spool in use, whose
// files come and go.
func otherSpool(cfg *settings.Config, dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(dir)
	if err != nil {
		return "", err
	}
	if own, err := os.Stat(filepath.Join(cfg.Data, "spool")); err == nil && os.SameFile(own, info) {
		return "", fmt.Errorf("%s is the spool in use: give a time by --from instead", dir)
	}
	return dir, nil
}
