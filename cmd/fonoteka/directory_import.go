package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/audit"
	"fonoteka/internal/directory"
	"fonoteka/internal/exitcode"
	"fonoteka/internal/settings"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/directories"
	"fonoteka/internal/words"
)

func importDirectory(c *cli.Context) error {
	cfg, err := load(c, settings.ForReplay)
	if err != nil {
		return err
	}
	zone, err := time.LoadLocation(c.String("zone"))
	o := directory.ImportOptions{Integration: c.String("integration"), Zone: zone, AreaCode: cfg.Rules.AreaCode}
	switch {
	case err != nil:
		return usage("--zone: %q is not a zone such as Europe/Moscow", c.String("zone"))
	case c.NArg() != 1:
		return usage("directory import: give one file")
	case o.Integration != "" && len(chosen(cfg, c)) == 0:
		return usage("--integration: there is no integration %q; there are: %s", o.Integration, integrations(cfg))
	}
	for _, i := range cfg.Integrations {
		o.Integrations = append(o.Integrations, i.Name)
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
	said, err := directory.ParseImport(in, o)
	mistakes, bad := errors.AsType[directory.Mistakes](err)
	switch {
	case bad && c.Bool("skip-bad") && len(said) > 0:
		fmt.Fprintln(c.App.ErrWriter, mistakes)
	case bad && len(said) > 0:
		return fmt.Errorf("directory import: nothing was changed; --skip-bad takes the other %s:\n%w", words.Count(len(said), "line"), err)
	case err != nil:
		return fmt.Errorf("directory import: nothing was changed:\n%w", err)
	}
	if err := withWarehouse(c, func(db *warehouse.DB) error { return changeDirectory(c, cfg, db, said) }); err != nil {
		return err
	}
	if bad {
		fmt.Fprintf(c.App.ErrWriter, "%s not taken: named above, with what is wrong\n", words.Count(len(mistakes), "line"))
		return exitcode.Incomplete
	}
	return nil
}

// changeDirectory writes what the lines of a file change, or says what they would.
func changeDirectory(c *cli.Context, cfg *settings.Config, db *warehouse.DB, said []directory.Line) error {
	now := time.Now()
	stored, err := directories.New(db).Directory(c.Context, "", now)
	if err != nil {
		return err
	}
	rows, unknown := directory.Changes(said, stored, now)
	if len(unknown) > 0 {
		fmt.Fprintf(c.App.ErrWriter, "%s of the file is in no list of the operator's: is it the SIP id of a workplace, or one of your numbers? (%s)\n",
			words.Count(len(unknown), "line"), lineNumbers(unknown))
	}
	if c.Bool("dry-run") {
		_, err := fmt.Fprintf(c.App.Writer, "%s of %d would change\n", words.Count(len(rows), "line"), len(said))
		return err
	}
	err = audited(c, cfg, audit.Entry{Action: "directory.import", Integration: c.String("integration"), Detail: fmt.Sprintf("%d of %d lines change something", len(rows), len(said))}, func() (string, error) {
		return "", directories.New(db).InsertDirectory(c.Context, rows)
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.App.Writer, "%s of %d changed\n", words.Count(len(rows), "line"), len(said))
	return err
}

// lineNumbers tells where lines are, up to twenty of them.
func lineNumbers(lines []directory.Line) string {
	const shown = 20
	var numbers []string
	for _, l := range lines[:min(len(lines), shown)] {
		numbers = append(numbers, strconv.Itoa(l.Number))
	}
	said := "line " + strings.Join(numbers, ", ")
	if more := len(lines) - shown; more > 0 {
		said += fmt.Sprintf(" and %d more", more)
	}
	return said
}
