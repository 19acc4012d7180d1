package main

import (
	"slices"

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
				Description: `Times are shown by the clock of the call's integration, with its distance from UTC;
--from and --to take them as they are shown, too. EMPLOYEE is who had the account
when the call began, with the department, as the directory has it; else the account.

  fonoteka calls list --from 24h --outcome missed
  fonoteka calls list --number 4567 --longer 5m
  fonoteka calls list --department sales --recorded=false --json`,
				Flags: slices.Concat([]cli.Flag{
					&cli.StringFlag{Name: "from", Usage: "calls that began at or after `TIME`, UTC: 2026-03-02, 2026-03-02T10:00:00 or 24h (ago)"},
					&cli.StringFlag{Name: "to", Usage: "calls that began before `TIME`"},
					&cli.StringFlag{Name: "outcome", Usage: "`OUTCOME`: answered, missed, abandoned, no_answer or unknown"},
					&cli.StringFlag{Name: "direction", Usage: "`DIRECTION`: incoming, outgoing, internal or unknown"},
					&cli.StringFlag{Name: "integration", Usage: "only this integration, by its `NAME`"},
				}, choiceFlags("with a talk of"), []cli.Flag{
					&cli.BoolFlag{Name: "recorded", DefaultText: "both", Usage: "only calls with a recording; --recorded=false: only those without"},
					limitFlag("calls"),
					settings.AreaCodeFlag(),
					jsonFlag(),
				}, settings.DataFlags()),
				Action: listCalls,
			},
			{
				Name:      "show",
				Usage:     "one call, whole",
				ArgsUsage: "ID   (call_id, or the operator's own call id)",
				Description: `The call with its legs, the calls that it belongs together with, and its
recordings. Exit status: 4 if there is no such call.

  fonoteka calls show 12297829382473034410
  fonoteka calls show c166e238a4c211ea9d373863bb43daf8_00015ED635780FC7`,
				Flags:  append([]cli.Flag{jsonFlag()}, settings.DataFlags()...),
				Action: showCall,
			},
		},
	}
}
