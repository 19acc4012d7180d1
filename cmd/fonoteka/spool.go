package main

import (
	"github.com/urfave/cli/v2"

	"fonoteka/internal/doctor"
	"fonoteka/internal/settings"
)

func spoolCommand() *cli.Command {
	return &cli.Command{
		Name:  "spool",
		Usage: "damaged spools: what was in them, what is missing",
		Description: `Notifications are kept in the spool (DIR/spool) until all is done with them. When
serve finds it damaged, it renames it to DIR/spool.damaged-TIME, begins a new one
and relays from the old one by itself what can be read. What cannot be read is
counted, and an alert lasts until a person has acknowledged it.`,
		Subcommands: []*cli.Command{{
			Name:  "list",
			Usage: "damaged spools, what could be read of them and what is missing",
			Flags: append([]cli.Flag{jsonFlag()}, settings.DataFlags()...),
			Action: func(c *cli.Context) error {
				cfg, err := load(c, settings.ForStores)
				if err != nil {
					return err
				}
				reports, err := doctor.DamageReports(cfg)
				if err != nil {
					return err
				}
				if c.Bool("json") {
					return lines(c.App.Writer, reports)
				}
				return printDamage(c.App.Writer, reports)
			},
		}, {
			Name:      "acknowledge",
			Usage:     "say that you know of a damaged spool: its alert ends",
			ArgsUsage: "FOLDER…",
			Description: `FOLDER is a name that "fonoteka spool list" shows. It is possible once all that
can be read was relayed, and it is noted in the audit. The folder stays: it holds
phone numbers and is of use only to somebody who repairs disks; remove it when it
is not needed any more.`,
			Flags: append([]cli.Flag{
				&cli.BoolFlag{Name: "all", Usage: "all of them"}, asFlag(),
			}, settings.DataFlags()...),
			Action: acknowledgeDamage,
		}},
	}
}
