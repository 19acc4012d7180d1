package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/call"
	"fonoteka/internal/catalogstats"
	"fonoteka/internal/run"
	"fonoteka/internal/settings"
	"fonoteka/internal/state"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/catalogue"
	"fonoteka/internal/words"
)

func progressCommand() *cli.Command {
	return &cli.Command{
		Name:  "progress",
		Usage: "how much is archived, how much is left, and how long it will take",
		Description: `With --watch a line every few seconds, until nothing waits for its first try.
DONE IN is reckoned from the last minute.`,
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "watch", Usage: "go on until nothing waits for its first try"},
			&cli.DurationFlag{Name: "every", Value: 5 * time.Second, Usage: "with --watch: a line every `TIME`"},
			jsonFlag(),
		}, settings.DataFlags()...),
		Action: func(c *cli.Context) error {
			cfg, err := load(c, settings.ForStores)
			if err != nil {
				return err
			}
			watch := c.Bool("watch")
			if watch && !running(cfg) {
				watch = false // a watcher would keep serve from starting
				fmt.Fprintln(c.App.ErrWriter, "fonoteka serve is not running on this installation: nothing moves, so this is all")
			}
			return withWarehouse(c, func(db *warehouse.DB) error {
				if watch {
					return watchProgress(c.Context, db, c.App.Writer, max(c.Duration("every"), time.Second), c.Bool("json"))
				}
				now := time.Now()
				s, err := catalogue.New(db).Standing(c.Context, now)
				if err != nil {
					return err
				}
				p := reckon(s, float64(s.ArchivedLately)/60)
				if c.Bool("json") {
					return lines(c.App.Writer, []progress{p})
				}
				return p.print(c.App.Writer, s, now)
			})
		},
	}
}

// running tells whether another process serves. With a ClickHouse server of
// one's own that may be on another machine, and watching hinders nobody.
func running(cfg *settings.Config) bool {
	if cfg.ClickHouseURL != "" {
		return true
	}
	_, err := state.ReadRuntime(cfg.Data)
	return err == nil
}

// progress is what people and programs are told.
type progress struct {
	At         *string  `json:"at"`
	Archived   uint64   `json:"archived"`
	Bytes      uint64   `json:"archived_bytes"`
	Untried    uint64   `json:"untried"`     // waits for its first try
	Again      uint64   `json:"again"`       // was tried, and will be again
	Lost       uint64   `json:"lost"`        // given up
	PerSecond  float64  `json:"per_second"`  // archived
	SecondsETA *float64 `json:"eta_seconds"` // until all were tried once; null: not known
	FirstEnds  *string  `json:"first_link_ends"`
	nextExpiry time.Time
}

func reckon(s catalogstats.Counts, rate float64) progress {
	p := progress{
		At: isoTime(s.At), Archived: s.States[call.Archived], Bytes: s.ArchivedBytes, Untried: s.Untried, Again: s.Waiting() - s.Untried,
		Lost: s.Lost, PerSecond: rate, FirstEnds: isoTime(s.NextExpiry), nextExpiry: s.NextExpiry,
	}
	if eta := 0.0; s.Untried == 0 {
		p.SecondsETA = &eta
	} else if rate > 0 {
		eta = float64(s.Untried) / rate
		p.SecondsETA = &eta
	}
	return p
}

func (p progress) eta() string {
	switch {
	case p.SecondsETA == nil:
		return "not known"
	case *p.SecondsETA == 0:
		return "-"
	}
	d := time.Duration(*p.SecondsETA * float64(time.Second))
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds())+1)
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes())+1)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours())+1)
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24)+1)
}

func (p progress) print(w io.Writer, s catalogstats.Counts, now time.Time) error {
	rows := [][2]string{
		{"archived", words.Grouped(int(p.Archived)) + " (" + fileSize(int64(p.Bytes)) + ")"},
		{"not tried yet", words.Grouped(int(p.Untried))},
		{"to be tried again", words.Grouped(int(p.Again))},
		{"lost", words.Grouped(int(p.Lost))},
		{"archived a second", fmt.Sprintf("%.1f in the last minute", p.PerSecond)},
		{"all tried once in", p.eta()},
		{"first link ends", words.Clock(p.nextExpiry)},
	}
	if !s.OldestDue.IsZero() && now.Sub(s.OldestDue) > patience {
		wait := words.Count(int(now.Sub(s.OldestDue).Minutes()), "minute")
		if s.ArchivedLately == 0 {
			wait += ", and nothing was archived in the last one: is fonoteka serve running?"
		}
		rows = append(rows, [2]string{"longest wait", wait})
	}
	for _, r := range rows {
		if _, err := fmt.Fprintf(w, "%-18s %s\n", r[0], r[1]); err != nil {
			return err
		}
	}
	return nil
}

// watchProgress writes a line at each interval. The rate is that of the last
// minute, or of the time it has watched where that is less.
func watchProgress(ctx context.Context, db *warehouse.DB, w io.Writer, every time.Duration, asJSON bool) error {
	const layout = "%-8s  %11s  %11s  %11s  %7s  %8s  %9s  %s\n"
	var seen []catalogstats.Counts
	for {
		s, err := catalogue.New(db).Standing(ctx, time.Now())
		if err != nil {
			return err
		}
		if len(seen) == 0 && !asJSON {
			fmt.Fprintf(w, layout, "UTC", "ARCHIVED", "NOT TRIED", "TRIED AGAIN", "LOST", "A SECOND", "DONE IN", "FIRST LINK ENDS")
		}
		seen = append(seen, s)
		for len(seen) > 2 && s.At.Sub(seen[1].At) >= time.Minute {
			seen = seen[1:]
		}
		rate := 0.0 // not known yet
		if since := s.At.Sub(seen[0].At).Seconds(); since > 0 {
			rate = float64(s.States[call.Archived]-min(seen[0].States[call.Archived], s.States[call.Archived])) / since
		}
		p := reckon(s, rate)
		if asJSON {
			if err := lines(w, []progress{p}); err != nil {
				return err
			}
		} else {
			speed := "-"
			if len(seen) > 1 {
				speed = fmt.Sprintf("%.1f", rate)
			}
			fmt.Fprintf(w, layout, s.At.UTC().Format(time.TimeOnly), words.Grouped(int(p.Archived)), words.Grouped(int(p.Untried)), words.Grouped(int(p.Again)),
				words.Grouped(int(p.Lost)), speed, p.eta(), words.Clock(p.nextExpiry))
		}
		if p.Untried == 0 {
			return nil
		}
		run.Sleep(ctx, every)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}
