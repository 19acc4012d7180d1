package main

import (
	"github.com/urfave/cli/v2"

	"fonoteka/internal/settings"
)

func recordingsCommand() *cli.Command {
	return &cli.Command{
		Name:  "recordings",
		Usage: "list recordings and why any is not there, or fetch one",
		Subcommands: []*cli.Command{
			{
				Name:  "list",
				Usage: "the newest announcement first",
				Flags: append([]cli.Flag{
					&cli.StringFlag{Name: "state", Usage: "announced, retrying, missing, refused, expired, quarantined, archived or erased"},
					&cli.StringFlag{Name: "fault", Usage: "archived, and known to be `FAULT` in the store: altered, absent, unreadable, or any of them"},
					&cli.BoolFlag{Name: "short", Usage: "archived, and playing for less than the talk took"},
					&cli.StringFlag{Name: "from", Usage: "announced at or after `TIME`, UTC: 2026-03-02, 2026-03-02T10:00:00 or 24h (ago)"},
					&cli.StringFlag{Name: "to", Usage: "announced before `TIME`"},
					&cli.StringFlag{Name: "integration", Usage: "only this integration, by its `NAME`"},
					limitFlag("recordings"),
					jsonFlag(),
				}, settings.DataFlags()...),
				Action: listRecordings,
			},
			{
				Name:      "get",
				Usage:     "write an archived recording to a file, or what lies in quarantine of it, and check its digest",
				ArgsUsage: "ID",
				Flags: append([]cli.Flag{
					&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`FILE` to write; - is standard output; default: ID and what the format is, such as ID.mp3"},
				}, settings.DataFlags()...),
				Action: getRecording,
			},
			importCommand(), progressCommand(), retryCommand(), atRiskCommand(), rebuildCommand(), orphansCommand(),
		},
	}
}
