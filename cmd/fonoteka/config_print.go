package main

import (
	"github.com/urfave/cli/v2"

	"fonoteka/internal/settings"
)

func configCommand() *cli.Command {
	return &cli.Command{
		Name:  "config",
		Usage: "the configuration of this installation",
		Subcommands: []*cli.Command{{
			Name:  "print",
			Usage: "every setting that serve would have, and what says so",
			Description: `Reads the configuration as serve does, reports every mistake, and prints what
holds: each setting, its value, and whether a flag, a variable, the file of
--config or the default says so. Secrets are not shown, only that there are some.`,
			Flags: append([]cli.Flag{jsonFlag()}, settings.ServeFlags()...),
			Action: func(c *cli.Context) error {
				cfg, err := load(c, settings.ForServe)
				if err != nil {
					return err
				}
				all := cfg.Settings(c)
				if c.Bool("json") {
					return lines(c.App.Writer, all)
				}
				var rows [][]string
				for _, s := range all {
					rows = append(rows, []string{s.Name, orDash(s.Value), s.From})
				}
				return table(c.App.Writer, []string{"SETTING", "VALUE", "FROM"}, rows)
			},
		}},
	}
}
