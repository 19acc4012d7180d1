package main

import (
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/embedded"
	"fonoteka/internal/fixity"
	"fonoteka/internal/warehouse"
)

func rebuildCommand() *cli.Command {
	return &cli.Command{
		Name:  "rebuild-catalogue",
		Usage: "make the rows of archived recordings again, from the object store alone",
		Description: `For a warehouse that was lost or is older than the store. Every recording in the
bucket whose row is missing gets it from the sidecar beside it: all that was known
when it was archived. Rows that say archived or erased stay as they are, so that
it may be stopped and run again. What was announced and never archived is not in
the bucket: fonoteka replay brings it back from the notifications.`,
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "dry-run", Usage: "only say what would be written"},
			&cli.BoolFlag{Name: "verify", Usage: "read every recording and compare its digest with its sidecar"},
			&cli.StringFlag{Name: "rate", Value: "0", Usage: "with --verify: read at most `RATE`: 50MB/s; 0: no limit"},
			&cli.IntFlag{Name: "parallel", Value: 16, Usage: "read `N` sidecars or recordings at once"},
			jsonFlag(),
		}, dataFlags()...),
		Action: rebuildCatalogue,
	}
}

func rebuildCatalogue(c *cli.Context) error {
	rate, err := parseByteRate(c.String("rate"))
	if err != nil {
		return fmt.Errorf("--rate: %w", err)
	}
	if n := c.Int("parallel"); n < 1 || n > 256 {
		return fmt.Errorf("--parallel: %d is not a number from 1 to 256", n)
	}
	o := fixity.RebuildOptions{Verify: c.Bool("verify"), DryRun: c.Bool("dry-run")}
	err = withInstallation(c, []embedded.Store{embedded.StoreClickHouse}, false, func(st *stores) error {
		return st.warehouse.Migrate(c.Context, func(warehouse.Migration) {}) // the tables themselves may be gone
	})
	if err != nil {
		return err
	}
	return withChecker(c, rate, c.Int("parallel"), func(check *fixity.Checker) error {
		shown := progressLine{w: c.App.ErrWriter}
		r, err := check.Rebuild(c.Context, o,
			func(key, why string) {
				shown.clear()
				fmt.Fprintf(c.App.ErrWriter, "no row for %s: %s\n", key, why)
			},
			func(r fixity.RebuildReport) {
				shown.say(fmt.Sprintf("%s so far, %d rebuilt, %d there already", count(int(r.Listed), "recording"), r.Rebuilt, r.Present))
			})
		shown.clear()
		if err != nil {
			return err
		}
		return sayRebuilt(c, o, r)
	})
}

func sayRebuilt(c *cli.Context, o fixity.RebuildOptions, r fixity.RebuildReport) error {
	if c.Bool("json") {
		err := lines(c.App.Writer, []map[string]any{{
			"recordings": r.Listed, "present": r.Present, "rebuilt": r.Rebuilt, "faulty": r.Faulty, "unusable": r.Unusable, "unknown": r.Unknown,
			"bytes": r.Bytes, "dry_run": o.DryRun, "took_ms": time.Since(r.Started).Milliseconds(),
		}})
		if err != nil {
			return err
		}
	} else {
		verb := "rebuilt"
		if o.DryRun {
			verb = "to rebuild"
		}
		fmt.Fprintf(c.App.Writer, "%s in the bucket: %d %s (%s), %d there already, %d without a usable sidecar\n",
			count(int(r.Listed), "recording"), r.Rebuilt, verb, fileSize(int64(r.Bytes)), r.Present, r.Unusable)
	}
	if r.Faulty > 0 {
		return fmt.Errorf("%s not what the sidecar says; fonoteka recordings list shows the reason", areNot(int(r.Faulty)))
	}
	return nil
}
