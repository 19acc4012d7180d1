package main

import (
	"github.com/urfave/cli/v2"

	"fonoteka/internal/settings"
)

func directoryCommand() *cli.Command {
	return &cli.Command{
		Name:  "directory",
		Usage: "workplaces, employees, departments, numbers, and how they were",
		Subcommands: []*cli.Command{
			{
				Name:  "list",
				Usage: "who sat where, today or on a day",
				Description: `Workplaces with their employees and terminals, then external numbers with their
names. SINCE is when that began to hold.

  fonoteka directory list
  fonoteka directory list --at 2026-03-02 --json`,
				Flags: append([]cli.Flag{
					&cli.StringFlag{Name: "at", Usage: "as it was at `TIME`, UTC: 2026-03-02, 2026-03-02T10:00:00 or 24h (ago)"},
					&cli.StringFlag{Name: "integration", Usage: "only this integration, by its `NAME`"},
					jsonFlag(),
				}, settings.DataFlags()...),
				Action: listDirectory,
			},
			{
				Name:      "import",
				Usage:     "departments and employees, or names of numbers, from a table",
				ArgsUsage: "FILE.csv   (- reads standard input)",
				Description: `A header, and fields separated by comma, semicolon or tab, as spreadsheets save
them (UTF-8 or windows-1251):

  workplace,department,employee,from        number,name,from
  883140000000010,Sales,Anna,2026-03-01     84950000001,Advertisement,

workplace is its SIP id. employee may be left out: then it is the workplace's
name in the operator's cabinet. A line holds from its day on (the first moment
of it in --zone). One without a day holds from now on, and for all older calls
where nothing was said before. What the file does not name stays as it is. Calls
bear the words of their own time, and nothing has to be rebuilt.

Lines of several integrations need a column integration; lines that name none are
those of --integration. What a spreadsheet saves as ="0012", and a first line such
as sep=; are understood. Every line that cannot be taken is named with what is
wrong, and nothing is changed then, unless --skip-bad takes the others: exit status 6.

  fonoteka directory import --dry-run staff.csv`,
				Flags: append([]cli.Flag{
					&cli.StringFlag{Name: "zone", Value: "Europe/Moscow", Usage: "time `ZONE` of days in the file"},
					&cli.StringFlag{Name: "integration", Usage: "`NAME` of the integration of lines that name none"},
					&cli.BoolFlag{Name: "skip-bad", Usage: "take the good lines of a file that has bad ones"},
					&cli.BoolFlag{Name: "dry-run", Usage: "say what would change, and change nothing"},
					asFlag(), settings.AreaCodeFlag(),
				}, append(settings.IntegrationFlags(), settings.DataFlags()...)...),
				Action: importDirectory,
			},
			{
				Name:  "fetch",
				Usage: "fetch the operator's lists now",
				Flags: append([]cli.Flag{
					&cli.StringFlag{Name: "integration", Usage: "only this integration, by its `NAME`"},
					settings.AreaCodeFlag(),
				}, append(append(settings.IntegrationFlags(), settings.OperatorFlags()...), settings.DataFlags()...)...),
				Action: fetchDirectory,
			},
		},
	}
}
