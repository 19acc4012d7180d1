package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/audit"
	"fonoteka/internal/settings"
	"fonoteka/internal/sign"
	"fonoteka/internal/state"
	"fonoteka/internal/words"
)

func keysCommand() *cli.Command {
	return &cli.Command{
		Name:  "keys",
		Usage: "the key that signs packages: make it, show its public half, replace it",
		Description: `Packages are signed with Ed25519 in the form of minisign. The private key lies
sealed in DIR/secrets, as tokens do (fonoteka auth --help), and is never shown.

Give the public key, or its fingerprint, to whoever will check packages, by another
way than the packages: in a contract, on paper, by telephone. What comes with a
package proves nothing of where it comes from.`,
		Subcommands: []*cli.Command{keysCreateCommand(), keysShowCommand(), keysRotateCommand()},
	}
}

func keysFlags(more ...cli.Flag) []cli.Flag {
	return append(append(more, jsonFlag(), settings.KeyFlag()), settings.DataFlags()...)
}

// withKeys gives a command the ring of an installation, which may run or not.
func withKeys(c *cli.Context, use func(*settings.Config, sign.Ring) error) error {
	cfg, err := load(c, settings.ForStores)
	if err != nil {
		return err
	}
	if _, err := state.Read(cfg.Data); err != nil {
		return fmt.Errorf("%w (--data); start fonoteka serve on it first", err)
	}
	vault, err := state.OpenVault(cfg.Data, cfg.Key)
	if err != nil {
		return err
	}
	return use(cfg, sign.Ring{Store: vault})
}

// changeKeys does something to the ring that the audit tells of: the new key's fingerprint.
func changeKeys(c *cli.Context, action string, change func(sign.Ring) (sign.Bundle, error)) error {
	return withKeys(c, func(cfg *settings.Config, ring sign.Ring) error {
		var b sign.Bundle
		err := audited(c, cfg, audit.Entry{Action: action}, func() (target string, err error) {
			if b, err = change(ring); err != nil {
				return "", err
			}
			return b.Key.Fingerprint(), nil
		})
		if err != nil {
			return err
		}
		return sayKey(c, ring, b)
	})
}

type keyJSON struct {
	KeyID       string  `json:"key_id"`
	Fingerprint string  `json:"fingerprint"`
	CreatedAt   *string `json:"created_at"`
	Public      string  `json:"public_key"`
	Rotations   int     `json:"rotations"` // that led to it
}

// sayKey shows the public half.
func sayKey(c *cli.Context, ring sign.Ring, b sign.Bundle) error {
	created, err := ring.Created()
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return lines(c.App.Writer, []keyJSON{{b.Key.ID(), b.Key.Fingerprint(), isoTime(created), b.Key.Line(), len(b.Rotations)}})
	}
	w := c.App.Writer
	fmt.Fprintf(w, "Public key   %s\nFingerprint  %s\nKey id       %s\nMade         %s UTC\n", b.Key.Line(), b.Key.Fingerprint(), b.Key.ID(), words.Clock(created))
	if n := len(b.Rotations); n > 0 {
		fmt.Fprintf(w, "It follows, in %s, from the key with the fingerprint %s.\n", words.Count(n, "step"), b.Rotations[n-1].Old.Fingerprint())
	}
	return nil
}

// printKeys writes what a package has as keys.pub.
func printKeys(w io.Writer, b sign.Bundle) error {
	_, err := io.WriteString(w, b.Text())
	return err
}
