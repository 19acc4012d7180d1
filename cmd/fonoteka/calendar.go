package main

import (
	"github.com/urfave/cli/v2"

	"fonoteka/internal/settings"
)

func calendarCommand() *cli.Command {
	return &cli.Command{
		Name:  "calendar",
		Usage: "holidays and moved days of work, which the reports go by",
		Subcommands: []*cli.Command{
			{
				Name:      "import",
				Usage:     "take the production calendar of one year or several",
				ArgsUsage: "FILE",
				Description: `FILE is the calendar as CSV of the open data portal (data.gov.ru), or as JSON or
XML of xmlcalendar.ru. What it says of a year takes the place of what was there.
Reports show it within a minute or so.

Every line that cannot be read is named with what is wrong, and nothing is changed
then, unless --skip-bad takes the other years: exit status 6.`,
				Flags: append([]cli.Flag{
					&cli.BoolFlag{Name: "skip-bad", Usage: "take the good years of a file that has bad ones"},
				}, settings.DataFlags()...),
				Action: importCalendar,
			},
			{
				Name:   "show",
				Usage:  "list the days that differ from their weekdays",
				Flags:  append([]cli.Flag{&cli.IntFlag{Name: "year", Usage: "only this `YEAR`; default: this year and later"}, jsonFlag()}, settings.DataFlags()...),
				Action: showCalendar,
			},
		},
	}
}
