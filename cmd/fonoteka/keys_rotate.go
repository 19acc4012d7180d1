package main

import (
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/sign"
)

func keysRotateCommand() *cli.Command {
	return &cli.Command{
		Name:  "rotate",
		Usage: "replace the key by a new one, which the old one signs",
		Description: `Whoever has the old key or its fingerprint goes on checking with it: each later
package shows that the new key follows from it. The old private key is gone.

That does not help where the old key may have been stolen: then its thief can name
a successor as well. Give the new fingerprint to everybody anew, and tell them that
the old one is no good any more.`,
		Flags: keysFlags(asFlag()),
		Action: func(c *cli.Context) error {
			return changeKeys(c, "keys.rotate", func(r sign.Ring) (sign.Bundle, error) { return r.Rotate(c.Context, time.Now()) })
		},
	}
}
