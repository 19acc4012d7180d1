package main

import (
	"strings"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/control"
	"fonoteka/internal/installation"
	"fonoteka/internal/printable"
	"fonoteka/internal/settings"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/calls"
	"fonoteka/internal/warehouse/directories"
)

func callCommand() *cli.Command {
	return &cli.Command{
		Name:  "call",
		Usage: "place a call, transfer one, drop a leg",
		Subcommands: []*cli.Command{
			{
				Name:      "make",
				Usage:     "ring a workplace, and once it is picked up call a number",
				ArgsUsage: "NUMBER",
				Description: `The workplace rings first, for up to a minute; the command waits as long for the
operator's answer. The call is marked as our own (own_calls), since its first
"connected" may be the employee who picks up.`,
				Flags:  controlFlags(&cli.StringFlag{Name: "from", Usage: "SIP `ID` of the workplace that rings first (not of a terminal)"}),
				Action: makeCall,
			},
			{
				Name:      "transfer",
				Usage:     "lead a call to a number or a workplace",
				ArgsUsage: "LEG TARGET",
				Description: `LEG is a leg's Call-ID as fonoteka calls show prints it (PLATFORM ID), or a call's
id where one leg only goes on. TARGET is a number or a SIP id. An answered call
hears music until the target answers, one that rings goes on ringing.`,
				Flags:  controlFlags(),
				Action: transferCall,
			},
			{
				Name:      "drop-leg",
				Usage:     "end one leg of a call; this is not a hang-up",
				ArgsUsage: "LEG",
				Description: `The operator ends this leg, and the call goes on by its standard routing: it may
ring somewhere else. It serves to end the five seconds of a parked number early.
What it does to a leg that talks is not documented. LEG is as for transfer.`,
				Flags:  controlFlags(&cli.BoolFlag{Name: "yes", Usage: "do not ask"}),
				Action: dropLeg,
			},
		},
	}
}

// controlFlags are those of a command that asks the operator to do something.
func controlFlags(more ...cli.Flag) []cli.Flag {
	flags := append(more, &cli.StringFlag{Name: "integration", Usage: "`NAME` of the integration; needed where there are several"}, asFlag(), settings.AreaCodeFlag())
	return append(append(append(flags, settings.IntegrationFlags()...), settings.OperatorFlags()...), settings.DataFlags()...)
}

// withControl gives a command what asks the operator. The warehouse is there before
// the operator is asked.
func withControl(c *cli.Context, use func(*control.Control) error) error {
	return withAccess(c, func(cfg *settings.Config, a *installation.Access) error {
		i, err := single(cfg, c)
		if err != nil {
			return err
		}
		client, err := a.Client(i.Name)
		if err != nil {
			return err
		}
		trail, err := trailOf(c, cfg)
		if err != nil {
			return err
		}
		return withWarehouse(c, func(db *warehouse.DB) error {
			ctl, err := control.New(control.Options{
				Integration: i.Name, Operator: client, Store: calls.New(db), Numbers: directories.New(db), Trail: trail, Actor: actor(c), Decode: cfg.Decode, AreaCode: cfg.Rules.AreaCode,
			})
			if err != nil {
				return err
			}
			return use(ctl)
		})
	})
}

// shellWord is a value that came from outside as one word of a POSIX shell.
func shellWord(s string) string {
	return "'" + strings.ReplaceAll(printable.Quote(s), "'", `'\''`) + "'"
}
