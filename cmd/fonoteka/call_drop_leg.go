package main

import (
	"bufio"
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/control"
	"fonoteka/internal/printable"
)

func dropLeg(c *cli.Context) error {
	if c.NArg() != 1 {
		return usage("call drop-leg: give a leg")
	}
	return withControl(c, func(ctl *control.Control) error {
		leg, err := ctl.Leg(c.Context, c.Args().First())
		if err != nil {
			return fmt.Errorf("call drop-leg: %w", err)
		}
		if !c.Bool("yes") {
			fmt.Fprintf(c.App.ErrWriter, "This ends the leg %s, not the call: the operator goes on by its standard\nrouting, and the caller may ring somewhere else. What it does to a leg that talks\nis not documented. End the leg? Type yes: ", printable.Quote(leg.CallID))
			if answer, _ := bufio.NewReader(c.App.Reader).ReadString('\n'); strings.TrimSpace(answer) != "yes" {
				return errors.New("not confirmed: nothing was done (--yes does not ask)")
			}
		}
		if err := ctl.Drop(c.Context, leg); err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.App.Writer, "leg %s was dropped; the call may go on\n", leg.CallID)
		return err
	})
}
