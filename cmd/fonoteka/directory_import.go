package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/audit"
	"fonoteka/internal/directory"
	"fonoteka/internal/settings"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/directories"
	"fonoteka/internal/words"
)

func importDirectory(c *cli.Context) error {
	cfg, err := settings.Load(c, settings.ForReplay)
	if err != nil {
		return err
	}
	zone, err := time.LoadLocation(c.String("zone"))
	switch {
	case err != nil:
		return fmt.Errorf("--zone: %q is not a zone such as Europe/Moscow", c.String("zone"))
	case c.NArg() != 1:
		return errors.New("directory import: give one file")
	}
	in := io.Reader(os.Stdin)
	if name := c.Args().First(); name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	o := directory.ImportOptions{Zone: zone, AreaCode: cfg.Rules.AreaCode}
	for _, i := range cfg.Integrations {
		o.Integrations = append(o.Integrations, i.Name)
	}
	said, err := directory.ParseImport(in, o)
	if err != nil {
		return fmt.Errorf("directory import: nothing was changed:\n%w", err)
	}
	return withWarehouse(c, func(db *warehouse.DB) error {
		now := time.Now()
		stored, err := directories.New(db).Directory(c.Context, "", now)
		if err != nil {
			return err
		}
		rows, unknown := directory.Changes(said, stored, now)
		if unknown > 0 {
			fmt.Fprintf(c.App.ErrWriter, "%s of the file is in no list of the operator's: is it the SIP id of a workplace, or one of your numbers?\n", words.Count(unknown, "line"))
		}
		if c.Bool("dry-run") {
			_, err := fmt.Fprintf(c.App.Writer, "%s of %d would change\n", words.Count(len(rows), "line"), len(said))
			return err
		}
		err = audited(c, cfg, audit.Entry{Action: "directory.import", Detail: fmt.Sprintf("%d of %d lines change something", len(rows), len(said))}, func() (string, error) {
			return "", directories.New(db).InsertDirectory(c.Context, rows)
		})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.App.Writer, "%s of %d changed\n", words.Count(len(rows), "line"), len(said))
		return err
	})
}
