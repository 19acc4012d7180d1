package main

import (
	"fmt"
	"runtime"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/bagit"
	"fonoteka/internal/bounded"
	"fonoteka/internal/exitcode"
	"fonoteka/internal/sign"
	"fonoteka/internal/verify"
)

// maxKeyFile is far above what a file of keys or of roots has, bytes.
const maxKeyFile = 1 << 20

func verifyCommand() *cli.Command {
	return &cli.Command{
		Name:      "verify",
		Usage:     "check a package: that nothing in it was altered, added or removed, and who signed it",
		ArgsUsage: "PACKAGE",
		Description: `PACKAGE is a folder, a zip or a tar: a package of Fonoteka's, or any other bag of
BagIt 0.93 to 1.0. Nothing but the package is needed: no network, no installation.

Who made it is proven by --key or --fingerprint alone, which the sender has given
by another way. The key that comes with a package is shown and not trusted.

Exit status: 0 whole and signed by the given key (another program's bag: whole);
7 whole, but where it comes from is not proven; 3 something was found; 1 it could
not be checked; 2 the command line is wrong.

  fonoteka verify case-17.zip --fingerprint 1f3c-…`,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "key", Usage: "public `KEY` of the sender, or a file with it; may be repeated"},
			&cli.StringSliceFlag{Name: "fingerprint", Usage: "`FINGERPRINT` of the sender's key, 32 hex digits; may be repeated"},
			&cli.StringFlag{Name: "tsa-ca", Usage: "`FILE` with the certificates, in PEM, of time-stamping authorities that are trusted; a time stamp is demanded then"},
			&cli.BoolFlag{Name: "ours", Usage: "demand a package of Fonoteka's: another bag is a finding"},
			&cli.StringFlag{Name: "lang", Usage: "`LANGUAGE` of the answer: ru or en; empty: both"},
			&cli.IntFlag{Name: "parallel", Value: max(2, runtime.NumCPU()), DefaultText: "as many as there are processors", Usage: "`N` files are read at once"},
			&cli.BoolFlag{Name: "json", Usage: "one JSON object, for programs"},
		},
		Action: verifyPackage,
	}
}

func verifyPackage(c *cli.Context) error {
	if c.NArg() != 1 {
		return usage("verify: name one package: a folder, a zip or a tar")
	}
	opts, err := verifyOptions(c)
	if err != nil {
		return err
	}
	languages := []verify.Language{verify.Russian, verify.English}
	if l := verify.Language(c.String("lang")); l != "" {
		if err := oneOf("lang", l, languages...); err != nil {
			return err
		}
		languages = []verify.Language{l}
	}
	src, err := verify.Open(c.Args().First(), bagit.Limits{})
	if err != nil {
		return err
	}
	defer src.Close()
	r, err := verify.Check(c.Context, src, opts)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		err = lines(c.App.Writer, []*verify.Result{r})
	}
	for i, l := range languages {
		if c.Bool("json") || err != nil {
			break
		}
		if i > 0 {
			fmt.Fprintln(c.App.Writer)
		}
		err = r.Say(c.App.Writer, l)
	}
	if err != nil {
		return err
	}
	switch r.Verdict {
	case verify.Found:
		return exitcode.Found
	case verify.Unproven:
		return exitcode.Unproven
	}
	return nil
}

func verifyOptions(c *cli.Context) (o verify.Options, err error) {
	o.Ours, o.Parallel = c.Bool("ours"), c.Int("parallel")
	for _, said := range c.StringSlice("key") {
		key, err := sign.ParsePublic(said)
		if err != nil { // no key itself, so that it must name a file
			raw, err := bounded.ReadFile(said, maxKeyFile)
			if err != nil {
				return o, usage("--key: it is no public key, and no file: %w", err)
			}
			if key, err = sign.ParsePublic(string(raw)); err != nil {
				return o, usage("--key %s: %w", said, err)
			}
		}
		o.Trust.Keys = append(o.Trust.Keys, key)
	}
	for _, said := range c.StringSlice("fingerprint") {
		f, err := sign.ParseFingerprint(said)
		if err != nil {
			return o, usage("--fingerprint %q: %w", said, err)
		}
		o.Trust.Fingerprints = append(o.Trust.Fingerprints, f)
	}
	if name := c.String("tsa-ca"); name != "" {
		pem, err := bounded.ReadFile(name, maxKeyFile)
		if err != nil {
			return o, usage("--tsa-ca: %w", err)
		}
		if o.Roots, err = verify.Roots(pem); err != nil {
			return o, usage("--tsa-ca %s: %w", name, err)
		}
	}
	return o, nil
}
