package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/audit"
	"fonoteka/internal/doctor"
	"fonoteka/internal/settings"
	"fonoteka/internal/spool"
)

func acknowledgeDamage(c *cli.Context) error {
	cfg, err := load(c, settings.ForStores)
	if err != nil {
		return err
	}
	folders, err := spool.DamagedFolders(nil, filepath.Join(cfg.Data, "spool"))
	if err != nil {
		return err
	}
	names := c.Args().Slice()
	if c.Bool("all") == (len(names) > 0) {
		return usage(`spool acknowledge: give the names that "fonoteka spool list" shows, or --all`)
	}
	for _, name := range names {
		if !slices.ContainsFunc(folders, func(d *spool.Damaged) bool { return d.Name() == name }) {
			return notFound("spool acknowledge: there is no damaged spool %q in %s", name, cfg.Data)
		}
	}
	for _, d := range folders {
		if len(names) > 0 && !slices.Contains(names, d.Name()) {
			continue
		}
		if err := acknowledgeOne(c, cfg, d); err != nil {
			return fmt.Errorf("spool acknowledge: %w", err)
		}
	}
	return nil
}

func acknowledgeOne(c *cli.Context, cfg *settings.Config, d *spool.Damaged) error {
	r := d.Report()
	switch {
	case r.Acknowledged != nil:
		_, err := fmt.Fprintf(c.App.Writer, "%s was %s\n", d.Name(), doctor.DamageState(r))
		return err
	case !r.Done():
		return fmt.Errorf("%s: %s; it can be acknowledged when that is done", d.Name(), doctor.DamageState(r))
	}
	entry := audit.Entry{Action: "spool.acknowledge", Target: d.Name(), Detail: doctor.MissingInWords(r)}
	err := audited(c, cfg, entry, func() (string, error) { return d.Name(), d.Acknowledge(actor(c), time.Now()) })
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.App.Writer, "%s is acknowledged (%s)\n", d.Name(), doctor.MissingInWords(r))
	return err
}
