package main

import (
	"github.com/urfave/cli/v2"

	"fonoteka/internal/settings"
	"fonoteka/internal/sign"
)

func keysShowCommand() *cli.Command {
	return &cli.Command{
		Name:  "show",
		Usage: "the public key and its fingerprint",
		Description: `With --file it is the file keys.pub of a package: what minisign -p takes, and
behind that how the key follows from the ones before it.`,
		Flags: keysFlags(&cli.BoolFlag{Name: "file", Usage: "print the public key as a file"}),
		Action: func(c *cli.Context) error {
			return withKeys(c, func(_ *settings.Config, ring sign.Ring) error {
				_, b, err := ring.Open()
				switch {
				case err != nil:
					return err
				case c.Bool("file"):
					return printKeys(c.App.Writer, b)
				}
				return sayKey(c, ring, b)
			})
		},
	}
}
