package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/call"
	"fonoteka/internal/control"
	"fonoteka/internal/printable"
)

func makeCall(c *cli.Context) error {
	if c.NArg() != 1 {
		return usage("call make: give one number")
	}
	if c.String("from") == "" {
		return usage("call make: give the workplace that rings first (--from), by its SIP id")
	}
	return withControl(c, func(ctl *control.Control) error {
		number, err := ctl.Number(c.Args().First())
		if err != nil {
			return usage("call make: %w", err)
		}
		from := call.ParseNumber(c.String("from"), "").Digits
		if from == "" {
			return usage("call make: --from is no SIP id")
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
