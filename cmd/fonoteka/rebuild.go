package main

import (
	"context"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/call"
	"fonoteka/internal/fixity"
	"fonoteka/internal/printable"
	"fonoteka/internal/relay"
	"fonoteka/internal/warehouse"
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
archived must be imported again.`,
		Flags: append(append([]cli.Flag{
			&cli.BoolFlag{Name: "dry-run", Usage: "only say what would be written of what is in the bucket; tables that were dropped are made"},
			&cli.BoolFlag{Name: "verify", Usage: "read every recording and compare its digest with its sidecar"},
			&cli.StringFlag{Name: "rate", Value: "0", Usage: "with --verify: read at most `RATE`: 50MB/s; 0: no limit"},
			&cli.IntFlag{Name: "parallel", Value: 16, Usage: "read `N` sidecars or recordings at once"},
			jsonFlag(),
		}, integrationFlags()...), dataFlags()...),
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
	cfg, err := loadConfig(c, forReplay)
	if err != nil {
		return err
	}
	o := fixity.RebuildOptions{Verify: c.Bool("verify"), DryRun: c.Bool("dry-run")}
	return withStores(c, func(st *stores) error {
		if err := makeTables(c.Context, st.warehouse); err != nil {
			return err
		}
		check, err := st.checker(rate, c.Int("parallel"))
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
				shown.say(fmt.Sprintf("%s so far, %d rebuilt, %d there already", count(int(r.Listed), "recording"), r.Rebuilt, r.Present))
			})
		again := announcedAgain{db: st.warehouse, cfg: cfg}
		if err == nil && !o.DryRun { // in a dry run the catalogue does not know what is in the bucket
			err = again.run(c.Context, func() { shown.say(fmt.Sprintf("%s looked at", count(again.seen, "announcement"))) })
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
	if err := db.MakeCatalogue(ctx); err != nil {
		return err
	}
	return db.Describe(ctx)
}

// announcedAgain puts back what the notifications announced and the catalogue
// does not know: there is nothing of it in the bucket.
type announcedAgain struct {
	db   *warehouse.DB
	cfg  *config
	only func(call.Event) bool // nil: all

	seen   int // announcements
	added  int // recordings
	unread int // announcements that cannot be read any more
}

func (a *announcedAgain) run(ctx context.Context, progress func()) error {
	var batch []call.Recording
	err := a.db.EachAnnouncement(ctx, func(row warehouse.EventRow) error {
		a.seen++
		e, err := a.cfg.decode(row.Integration, row.Body, row.ReceivedAt)
		if err != nil {
			a.unread++
			return nil
		}
		more := relay.Announcements(e, a.cfg.linkLife)
		if len(more) == 0 || a.only != nil && !a.only(e) {
			return nil
		}
		if len(batch) >= importBatch && batch[len(batch)-1].GroupID != more[0].GroupID { // several announce one recording
			if err := a.take(ctx, batch); err != nil {
				return err
			}
			batch = batch[:0]
			progress()
		}
		batch = append(batch, more...)
		return nil
	})
	if err != nil {
		return err
	}
	return a.take(ctx, batch)
}

func (a *announcedAgain) take(ctx context.Context, batch []call.Recording) error {
	known, err := a.db.KnownRecordings(ctx, batch)
	if err != nil {
		return err
	}
	var fresh []call.Recording
	ids := map[string]bool{}
	for i, r := range batch {
		if !known[i] {
			fresh = append(fresh, r)
			ids[r.ID] = true
		}
	}
	a.added += len(ids)
	return a.db.AnnounceRecordings(ctx, fresh)
}

func sayRebuilt(c *cli.Context, o fixity.RebuildOptions, r fixity.RebuildReport, again announcedAgain) error {
	if c.Bool("json") {
		err := lines(c.App.Writer, []map[string]any{{
			"recordings": r.Listed, "present": r.Present, "rebuilt": r.Rebuilt, "damaged": r.Damaged, "faulty": r.Faulty, "unusable": r.Unusable,
			"unknown": r.Unknown, "bytes": r.Bytes, "announced": again.added, "unreadable": again.unread,
			"dry_run": o.DryRun, "took_ms": time.Since(r.Started).Milliseconds(),
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
			count(int(r.Listed), "recording"), r.Rebuilt, verb, fileSize(int64(r.Bytes)), r.Present, r.Unusable)
		if r.Damaged > 0 {
			fmt.Fprintf(w, "%d of them %s: only damaged audio of them is kept, in quarantine\n", r.Damaged, verb)
		}
		if again.added > 0 {
			fmt.Fprintf(w, "%s announced again from the notifications\n", count(again.added, "recording"))
		}
		if again.unread > 0 {
			fmt.Fprintf(w, "%s of a recording cannot be read any more\n", count(again.unread, "announcement"))
		}
	}
	if r.Faulty > 0 {
		return fmt.Errorf("%s not what the sidecar says; fonoteka recordings list shows the reason", areNot(int(r.Faulty)))
	}
	return nil
}
