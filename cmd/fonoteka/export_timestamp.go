package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/export"
	"fonoteka/internal/pack"
)

func exportTimestampCommand() *cli.Command {
	return &cli.Command{
		Name:      "timestamp",
		Usage:     "add a time stamp to a package that has none",
		ArgsUsage: "PACKAGE",
		Description: `PACKAGE is a folder; unpack a zip or a tar first. The authority is told a digest,
nothing else; its answer shows that the package existed before, and is kept in
tagmanifest-sha256.txt.tsr. A package that has one keeps it.`,
		Flags: []cli.Flag{&cli.StringFlag{Name: "tsa", Usage: "`URL` of an authority that stamps the time (RFC 3161)"}},
		Action: func(c *cli.Context) error {
			dir := c.Args().First()
			switch info, err := os.Stat(dir); {
			case c.NArg() != 1 || c.String("tsa") == "":
				return usage("name a package and an authority: fonoteka export timestamp DIR --tsa URL")
			case err != nil:
				return err
			case !info.IsDir():
				return usage("%s is no folder: unpack it, and pack it again with its time stamp", dir)
			}
			if _, err := os.Lstat(filepath.Join(dir, pack.StampFile)); err == nil {
				return usage("%s has a time stamp already", dir)
			}
			if err := export.Timestamp(c.Context, export.Options{Dir: filepath.Clean(dir), TSA: c.String("tsa"), Client: http.DefaultClient}); err != nil {
				return err
			}
			fmt.Fprintf(c.App.Writer, "wrote %s\n", filepath.Join(dir, pack.StampFile))
			return nil
		},
	}
}
