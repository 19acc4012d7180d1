package main

import (
	"github.com/urfave/cli/v2"

	"fonoteka/internal/settings"
)

func parkingCommand() *cli.Command {
	return &cli.Command{
		Name:  "parking",
		Usage: "external numbers whose calls are held for call transfer",
		Description: `An incoming call to a parked number is held for 5 seconds, waiting for call
transfer; then the cabinet's own routing goes on.`,
		Subcommands: []*cli.Command{
			{
				Name: "set", Usage: "park external numbers", ArgsUsage: "NUMBER …",
				Description: `Numbers in any spelling, and only those that the operator lists as yours, where its
list is known (fonoteka directory list).

  fonoteka parking set "+7 (495) 000-00-01" 84950000002`,
				Flags: controlFlags(), Action: func(c *cli.Context) error { return park(c, true) },
			},
			{
				Name: "clear", Usage: "end the parking of external numbers", ArgsUsage: "NUMBER …",
				Description: `Numbers as for parking set. Calls to them follow the cabinet's own routing again.`,
				Flags:       controlFlags(), Action: func(c *cli.Context) error { return park(c, false) },
			},
			{
				Name:  "show",
				Usage: "what this installation last set: the operator cannot be asked",
				Flags: append([]cli.Flag{
					&cli.StringFlag{Name: "integration", Usage: "only this integration, by its `NAME`"},
					jsonFlag(),
				}, settings.DataFlags()...),
				Action: showParking,
			},
		},
	}
}
