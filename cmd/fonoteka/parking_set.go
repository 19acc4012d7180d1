package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/control"
	"fonoteka/internal/words"
)

func park(c *cli.Context, parked bool) error {
	if c.NArg() == 0 {
		return usage("parking %s: give external numbers", c.Command.Name)
	}
	return withControl(c, func(ctl *control.Control) error {
		n, err := ctl.Park(c.Context, c.Args().Slice(), parked)
		if err != nil {
			return err
		}
		word := map[bool]string{true: "parked", false: "parked no more"}[parked]
		_, err = fmt.Fprintf(c.App.Writer, "%s: %s\n", words.Count(n, "number"), word)
		return err
	})
}
