package main

import (
	"github.com/urfave/cli/v2"

	"fonoteka/internal/audit"
	"fonoteka/internal/installation"
	"fonoteka/internal/settings"
)

func auditCommand() *cli.Command {
	return &cli.Command{
		Name:  "audit",
		Usage: "who did what: list it, or verify that nothing was altered",
		Subcommands: []*cli.Command{
			{
				Name:  "list",
				Usage: "the newest entries first",
				Flags: append([]cli.Flag{
					&cli.StringFlag{Name: "from", Usage: "entries at or after `TIME`, UTC: 2026-03-02, 2026-03-02T10:00:00 or 24h (ago)"},
					&cli.StringFlag{Name: "to", Usage: "entries before `TIME`"},
					&cli.StringFlag{Name: "actor", Usage: "what `WHO` did"},
					&cli.StringFlag{Name: "action", Usage: "`ACTION`: call.make, or call for all that begin so"},
					limitFlag("entries"),
					jsonFlag(), settings.KeyFlag(),
				}, settings.DataFlags()...),
				Action: listAudit,
			},
			{
				Name:  "verify",
				Usage: "recompute the chains, and compare file, table and anchors",
				Description: `Each entry holds the hash of the one before it. The entries are in DIR/audit, and
in the table audit; when a day is over, its newest hash goes into the bucket as
the day's anchor. The vault (DIR/secrets) remembers which chain is this
installation's, and how far it came. What was altered, taken out, put in or is
gone is named.

Exit status: 0 whole; 3 something was found; 5 a store could not be asked, and
nothing was found elsewhere; 7 nothing was found, but there is no bucket, or no
anchor, that would prove it. A day has until two days after its end for its anchor.

With Object Lock (--retention-mode) nobody can replace an anchor. What was
rewritten everywhere before its day was anchored cannot be found.`,
				Flags:  append([]cli.Flag{jsonFlag(), settings.KeyFlag()}, settings.DataFlags()...),
				Action: verifyAudit,
			},
		},
	}
}

// withAudit gives a command the audit with what it shows in; the table has all
// that is in the file, unless unshipped says why not.
func withAudit(c *cli.Context, use func(trail *audit.Trail, st *installation.Stores, unshipped error) error) error {
	cfg, err := load(c, settings.ForStores)
	if err != nil {
		return err
	}
	trail, err := installation.OpenAudit(cfg, nil, nil)
	if err != nil {
		return err
	}
	return withStores(c, func(st *installation.Stores) error {
		return use(trail, st, installation.ShipNow(c.Context, cfg, st.Warehouse))
	})
}
