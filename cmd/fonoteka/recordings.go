package main

import (
	"slices"

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
				Description: `Times are shown by the clock of the recording's integration, with its distance from
UTC; --from and --to take them as they are shown, too. WHY says why a recording is
not there, or what is wrong with it.

  fonoteka recordings list --call 12297829382473034410
  fonoteka recordings list --state archived --employee ivanova --longer 10m
  fonoteka recordings list --from 24h --json`,
				Flags: slices.Concat([]cli.Flag{
					&cli.StringFlag{Name: "call", Usage: "only of the call with this `ID`: call_id, or the operator's own call id"},
					&cli.StringFlag{Name: "state", Usage: "announced, retrying, missing, refused, expired, quarantined, archived or erased"},
					&cli.StringFlag{Name: "fault", Usage: "archived, and known to be `FAULT` in the store: altered, absent, unreadable, or any of them"},
					&cli.BoolFlag{Name: "short", Usage: "archived, and playing for less than the talk took"},
					&cli.StringFlag{Name: "from", Usage: "announced at or after `TIME`, UTC: 2026-03-02, 2026-03-02T10:00:00 or 24h (ago)"},
					&cli.StringFlag{Name: "to", Usage: "announced before `TIME`"},
					&cli.StringFlag{Name: "integration", Usage: "only this integration, by its `NAME`"},
				}, choiceFlags("that play"), []cli.Flag{limitFlag("recordings"), settings.AreaCodeFlag(), jsonFlag()}, settings.DataFlags()),
				Action: listRecordings,
			},
			{
				Name:      "get",
				Usage:     "write an archived recording to a file, or what lies in quarantine of it, and check its digest",
				ArgsUsage: "ID   (of a recording; or of a call, ours or the operator's: all its recordings)",
				Description: `A recording that is asked for by its own id is written to ID.mp3; those of a call to
files named after the local time at which it began, its direction and its id.

Exit status: 3 what is stored is not what was archived; 4 there is no such recording,
or it is not archived; 6 only damaged audio is kept of one, in quarantine, or one of
the call's is not there.

  fonoteka recordings get 12297829382473034410 -o /tmp/for-the-lawyer/
  fonoteka recordings get 0123456789abcdef0123456789abcdef -o - | ffplay -`,
				Flags: append([]cli.Flag{
					&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`FILE` to write, or the folder for it; - is standard output"},
				}, settings.DataFlags()...),
				Action: getRecording,
			},
			importCommand(), progressCommand(), retryCommand(), atRiskCommand(), rebuildCommand(), orphansCommand(),
		},
	}
}
