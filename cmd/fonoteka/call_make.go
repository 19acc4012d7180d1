package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/call"
	"fonoteka/internal/control"
	"fonoteka/internal/printable"
)

func makeCall(c *cli.Context) error {
	if c.NArg() != 1 {
		return errors.New("call make: give one number")
	}
	return withControl(c, func(ctl *control.Control) error {
		number, err := ctl.Number(c.Args().First())
		if err != nil {
			return fmt.Errorf("call make: %w", err)
		}
		from := call.ParseNumber(c.String("from"), "").Digits
		if from == "" {
			return errors.New("call make: --from is no SIP id")
		}
		fmt.Fprintln(c.App.ErrWriter, "The workplace rings now, for up to a minute …")
		id, err := ctl.Make(c.Context, from, number)
		if id == "" {
			return err
		}
		fmt.Fprintf(c.App.Writer, "%s\n", printable.Quote(id))
		fmt.Fprintf(c.App.ErrWriter, "The operator makes the call. fonoteka calls show %s shows what becomes of it.\n", shellWord(call.BaseID(id)))
		return err
	})
}
