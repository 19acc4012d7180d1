package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/control"
	"fonoteka/internal/printable"
)

func transferCall(c *cli.Context) error {
	if c.NArg() != 2 {
		return usage("call transfer: give a leg and a target")
	}
	return withControl(c, func(ctl *control.Control) error {
		to, err := ctl.Number(c.Args().Get(1))
		if err != nil {
			return fmt.Errorf("call transfer: %w", err)
		}
		leg, err := ctl.Leg(c.Context, c.Args().First())
		if err != nil {
			return fmt.Errorf("call transfer: %w", err)
		}
		if err := ctl.Transfer(c.Context, leg, to); err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.App.Writer, "leg %s is led on\n", printable.Quote(leg.CallID))
		return err
	})
}
