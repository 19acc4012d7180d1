package main

import (
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/sign"
)

func keysCreateCommand() *cli.Command {
	return &cli.Command{
		Name:  "create",
		Usage: "make the key that signs packages, once",
		Flags: keysFlags(asFlag()),
		Action: func(c *cli.Context) error {
			return changeKeys(c, "keys.create", func(r sign.Ring) (sign.Bundle, error) { return r.Create(c.Context, time.Now()) })
		},
	}
}
