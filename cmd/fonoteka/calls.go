package main

import (
	"github.com/urfave/cli/v2"

	"fonoteka/internal/settings"
)

func callsCommand() *cli.Command {
	return &cli.Command{
		Name:  "calls",
		Usage: "list calls, or show one with its legs and recordings",
		Subcommands: []*cli.Command{
			{
				Name:  "list",
				Usage: "the newest calls first",
				Flags: append([]cli.Flag{
					&cli.StringFlag{Name: "from", Usage: "calls that began at or after `TIME`, UTC: 2026-03-02, 2026-03-02T10:00:00 or 24h (ago)"},
					&cli.StringFlag{Name: "to", Usage: "calls that began before `TIME`"},
					&cli.StringFlag{Name: "number", Usage: "with this client or external `NUMBER`, in any spelling"},
					&cli.StringFlag{Name: "outcome", Usage: "`OUTCOME`: answered, missed, abandoned, no_answer or unknown"},
					&cli.StringFlag{Name: "direction", Usage: "`DIRECTION`: incoming, outgoing, internal or unknown"},
					&cli.StringFlag{Name: "integration", Usage: "only this integration, by its `NAME`"},
					limitFlag("calls"),
					settings.AreaCodeFlag(),
					jsonFlag(),
				}, settings.DataFlags()...),
				Action: listCalls,
			},
			{
				Name:      "show",
				Usage:     "one call, whole",
				ArgsUsage: "ID   (call_id, or the operator's own call id)",
				Flags:     append([]cli.Flag{jsonFlag()}, settings.DataFlags()...),
				Action:    showCall,
			},
		},
	}
}
