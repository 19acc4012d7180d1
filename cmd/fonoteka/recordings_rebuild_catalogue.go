package main

import (
	"context"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/announce"
	"fonoteka/internal/exitcode"
	"fonoteka/internal/fixity"
	"fonoteka/internal/installation"
	"fonoteka/internal/printable"
	"fonoteka/internal/settings"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/calls"
	"fonoteka/internal/warehouse/catalogue"
	"fonoteka/internal/words"
)

func rebuildCommand() *cli.Command {
	return &cli.Command{
		Name:  "rebuild-catalogue",
		Usage: "make the rows of recordings again, from the object store and the notifications",
		Description: `For a catalogue that was lost, its tables included, or is older than the store.
Every recording in the bucket whose row is missing gets it from the sidecar beside
it: all that was known when it was archived. What came damaged and is in quarantine
is tried again. Rows that say archived or erased stay as they
are, so that it may be stopped and run again.

What was announced and is not in the bucket has its row in recordings_open. Where
that table is lost as well, it is announced again from the notifications, as if it
had not been tried yet; links that came by fonoteka recordings import and were not
archived must be imported again.

Exit status: 3 some recordings are not what their sidecar says; 6 some have no usable
sidecar, or an announcement that cannot be read.`,
		Flags: append(append([]cli.Flag{
			&cli.BoolFlag{Name: "dry-run", Usage: "only say what would be written of what is in the bucket; tables that were dropped are made"},
			&cli.BoolFlag{Name: "verify", Usage: "read every recording and compare its digest with its sidecar"},
			&cli.StringFlag{Name: "rate", Value: "0", Usage: "with --verify: read at most `RATE`: 50MB/s; 0: no limit"},
			&cli.IntFlag{Name: "parallel", Value: 16, Usage: "read `N` sidecars or recordings at once"},
			jsonFlag(),
		}, settings.IntegrationFlags()...), settings.DataFlags()...),
		Action: rebuildCatalogue,
	}
}

func rebuildCatalogue(c *cli.Context) error {
	rate, err := settings.ParseByteRate(c.String("rate"))
	if err != nil {
		return usage("--rate: %w", err)
	}
	if n := c.Int("parallel"); n < 1 || n > 256 {
		return usage("--parallel: %d is not a number from 1 to 256", n)
	}
	cfg, err := load(c, settings.ForReplay)
	if err != nil {
		return err
	}
	o := fixity.RebuildOptions{Verify: c.Bool("verify"), DryRun: c.Bool("dry-run")}
	return withStores(c, func(st *installation.Stores) error {
		if err := makeTables(c.Context, st.Warehouse); err != nil {
			return err
		}
		check, err := st.Checker(rate, c.Int("parallel"))
		if err != nil {
			return err
		}
		shown := progressLine{w: c.App.ErrWriter}
		r, err := check.Rebuild(c.Context, o,
			func(key, why string) {
				shown.clear()
				fmt.Fprintf(c.App.ErrWriter, "no row for %s: %s\n", printable.Quote(key), why)
			},
			func(r fixity.RebuildReport) {
				shown.say(fmt.Sprintf("%s so far, %d rebuilt, %d there already", words.Count(int(r.Listed), "recording"), r.Rebuilt, r.Present))
			})
		again := announce.Again{Catalogue: catalogue.New(st.Warehouse), Notifications: calls.New(st.Warehouse), Decode: cfg.Decode, LinkLife: cfg.LinkLife}
		if err == nil && !o.DryRun { // in a dry run the catalogue does not know what is in the bucket
			err = again.Run(c.Context, func() { shown.say(fmt.Sprintf("%s looked at", words.Count(again.Seen, "announcement"))) })
		}
		shown.clear()
		if err != nil {
			return err
		}
		return sayRebuilt(c, o, r, again)
	})
}

// makeTables makes what was dropped, up to the whole database.
func makeTables(ctx context.Context, db *warehouse.DB) error {
	if err := db.Migrate(ctx, nil); err != nil {
		return err
	}
	if err := catalogue.New(db).MakeCatalogue(ctx); err != nil {
		return err
	}
	return db.Describe(ctx)
}

type rebuiltJSON struct {
	Recordings uint64 `json:"recordings"` // in the bucket
	Present    uint64 `json:"present"`    // that had their row
	Rebuilt    uint64 `json:"rebuilt"`
	Damaged    uint64 `json:"damaged"`  // of those rebuilt, of which only damaged audio is kept
	Faulty     uint64 `json:"faulty"`   // that are not what their sidecar says
	Unusable   uint64 `json:"unusable"` // without a usable sidecar
	Unknown    uint64 `json:"unknown"`  // objects with a name that Fonoteka does not give
	Bytes      uint64 `json:"bytes"`
	Announced  int    `json:"announced"`  // again, from the notifications
	Unreadable int    `json:"unreadable"` // announcements that cannot be read any more
	DryRun     bool   `json:"dry_run"`
	TookMS     int64  `json:"took_ms"`
}

func sayRebuilt(c *cli.Context, o fixity.RebuildOptions, r fixity.RebuildReport, again announce.Again) error {
	if c.Bool("json") {
		err := lines(c.App.Writer, []rebuiltJSON{{
			r.Listed, r.Present, r.Rebuilt, r.Damaged, r.Faulty, r.Unusable, r.Unknown, r.Bytes, again.Added, again.Unread,
			o.DryRun, time.Since(r.Started).Milliseconds(),
		}})
		if err != nil {
			return err
		}
	} else {
		verb := "rebuilt"
		if o.DryRun {
			verb = "to rebuild"
		}
		w := c.App.Writer
		fmt.Fprintf(w, "%s in the bucket: %d %s (%s), %d there already, %d without a usable sidecar\n",
			words.Count(int(r.Listed), "recording"), r.Rebuilt, verb, fileSize(int64(r.Bytes)), r.Present, r.Unusable)
		if r.Damaged > 0 {
			fmt.Fprintf(w, "%d of them %s: only damaged audio of them is kept, in quarantine\n", r.Damaged, verb)
		}
		if again.Added > 0 {
			fmt.Fprintf(w, "%s announced again from the notifications\n", words.Count(again.Added, "recording"))
		}
		if again.Unread > 0 {
			fmt.Fprintf(w, "%s of a recording cannot be read any more\n", words.Count(again.Unread, "announcement"))
		}
	}
	if r.Faulty > 0 {
		return exitcode.Errorf(exitcode.Found, "%s not what the sidecar says; fonoteka recordings list shows the reason", words.RecordingsAre(int(r.Faulty)))
	}
	if r.Unusable > 0 || again.Unread > 0 {
		return exitcode.Incomplete
	}
	return nil
}
