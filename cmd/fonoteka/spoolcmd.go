package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/audit"
	"fonoteka/internal/spool"
)

func spoolCommand() *cli.Command {
	return &cli.Command{
		Name:  "spool",
		Usage: "damaged spools: what was in them, what is missing",
		Description: `Notifications are kept in the spool (DIR/spool) until all is done with them. When
serve finds it damaged, it renames it to DIR/spool.damaged-TIME, begins a new one
and relays from the old one by itself what can be read. What cannot be read is
counted, and an alert lasts until a person has acknowledged it.`,
		Subcommands: []*cli.Command{{
			Name:  "list",
			Usage: "damaged spools, what could be read of them and what is missing",
			Flags: append([]cli.Flag{jsonFlag()}, dataFlags()...),
			Action: func(c *cli.Context) error {
				cfg, err := loadConfig(c, forStores)
				if err != nil {
					return err
				}
				reports, err := damageReports(cfg)
				if err != nil {
					return err
				}
				if c.Bool("json") {
					return lines(c.App.Writer, reports)
				}
				return printDamage(c.App.Writer, reports)
			},
		}, {
			Name:      "acknowledge",
			Usage:     "say that you know of a damaged spool: its alert ends",
			ArgsUsage: "FOLDER…",
			Description: `FOLDER is a name that "fonoteka spool list" shows. It is possible once all that
can be read was relayed, and it is noted in the audit. The folder stays: it holds
phone numbers and is of use only to somebody who repairs disks; remove it when it
is not needed any more.`,
			Flags: append([]cli.Flag{
				&cli.BoolFlag{Name: "all", Usage: "all of them"}, asFlag(),
			}, dataFlags()...),
			Action: acknowledgeDamage,
		}},
	}
}

// damageReports are what is known of each damaged folder.
func damageReports(cfg *config) ([]spool.Report, error) {
	folders, err := spool.DamagedFolders(nil, filepath.Join(cfg.data, "spool"))
	if err != nil {
		return nil, err
	}
	reports := make([]spool.Report, len(folders))
	for i, d := range folders {
		reports[i] = d.Report()
	}
	return reports, nil
}

func printDamage(w io.Writer, reports []spool.Report) error {
	if len(reports) == 0 {
		_, err := fmt.Fprintln(w, "No spool of this installation was found damaged.")
		return err
	}
	for i, r := range reports {
		if i > 0 {
			fmt.Fprintln(w)
		}
		what := "put aside"
		if r.InUse {
			what = "in use; damage was first met"
		}
		fmt.Fprintf(w, "%s  %s %s\n", r.Folder, what, clock(r.Since))
		rows := [][]string{{"  why", orDash(r.Why)}}
		for _, line := range damageFacts(r) {
			rows = append(rows, []string{"  " + line[0], line[1]})
		}
		for _, row := range rows {
			for n, line := range wrapText(row[1]) {
				if n > 0 {
					row[0] = ""
				}
				fmt.Fprintf(w, "%-14s%s\n", row[0], line)
			}
		}
	}
	return nil
}

// damageFacts are what is known of a damaged spool, each with its title.
func damageFacts(r spool.Report) (facts [][2]string) {
	if f := r.Found; f != nil {
		facts = append(facts, [2]string{"held", held(f)})
		for _, name := range slices.Sorted(maps.Keys(f.Readers)) {
			facts = append(facts, [2]string{name, reading(f.Readers[name])})
		}
		for i, fault := range f.Faults {
			if i == 3 {
				facts = append(facts, [2]string{"unreadable", fmt.Sprintf("and %d more places", f.FaultCount-i)})
				break
			}
			facts = append(facts, [2]string{"unreadable", fmt.Sprintf("%s: %s (%s bytes)", fault.File, fault.Why, grouped(int(fault.Bytes)))})
		}
	}
	return append(facts, [2]string{"state", damageState(r)})
}

// held says which notifications a folder held and how sure that is.
func held(f *spool.Found) string {
	if f.Last < f.First {
		return "nothing that is known of"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "notifications %d to %d, the last received %s; %s can be read", f.First, f.Last, clock(f.Newest), grouped(int(f.Readable)))
	if !f.LastKnown {
		fmt.Fprintf(&b, "; whether there were others after %d is not known", f.Last)
	}
	return b.String()
}

// reading says how far a reader is.
func reading(r spool.Reader) string {
	if r.Owed+r.Missing == 0 {
		return "all had been relayed before"
	}
	s := fmt.Sprintf("%s from number %d on were still to be relayed", grouped(int(r.Owed+r.Missing)), r.From)
	switch {
	case r.Done != nil:
		s += fmt.Sprintf("; %s were, until %s", grouped(int(r.Relayed)), clock(*r.Done))
	default:
		s += fmt.Sprintf("; %s of them are being relayed", grouped(int(r.Owed)))
	}
	if r.Missing > 0 {
		s += fmt.Sprintf("; %s cannot be read: at most as many are lost", grouped(int(r.Missing)))
	}
	return s
}

func damageState(r spool.Report) string {
	switch {
	case r.Acknowledged != nil:
		return fmt.Sprintf("acknowledged by %s, %s", r.Acknowledged.By, clock(r.Acknowledged.At))
	case r.InUse:
		return "each notification that cannot be read is in the table rejected, with the reason damaged; not acknowledged"
	case r.Found == nil:
		return "not looked through yet; serve does that by itself"
	case !r.Done():
		return "being relayed; serve does that by itself"
	}
	return "all that can be read is relayed; not acknowledged"
}

func acknowledgeDamage(c *cli.Context) error {
	cfg, err := loadConfig(c, forStores)
	if err != nil {
		return err
	}
	folders, err := spool.DamagedFolders(nil, filepath.Join(cfg.data, "spool"))
	if err != nil {
		return err
	}
	names := c.Args().Slice()
	if c.Bool("all") == (len(names) > 0) {
		return errors.New(`spool acknowledge: give the names that "fonoteka spool list" shows, or --all`)
	}
	for _, name := range names {
		if !slices.ContainsFunc(folders, func(d *spool.Damaged) bool { return d.Name() == name }) {
			return fmt.Errorf("spool acknowledge: there is no damaged spool %q in %s", name, cfg.data)
		}
	}
	for _, d := range folders {
		if len(names) > 0 && !slices.Contains(names, d.Name()) {
			continue
		}
		if err := acknowledgeOne(c, cfg, d); err != nil {
			return fmt.Errorf("spool acknowledge: %w", err)
		}
	}
	return nil
}

func acknowledgeOne(c *cli.Context, cfg *config, d *spool.Damaged) error {
	r := d.Report()
	switch {
	case r.Acknowledged != nil:
		_, err := fmt.Fprintf(c.App.Writer, "%s was %s\n", d.Name(), damageState(r))
		return err
	case !r.Done():
		return fmt.Errorf("%s: %s; it can be acknowledged when that is done", d.Name(), damageState(r))
	}
	entry := audit.Entry{Action: "spool.acknowledge", Target: d.Name(), Detail: missingInWords(r)}
	err := audited(c, cfg, entry, func() (string, error) { return d.Name(), d.Acknowledge(actor(c), time.Now()) })
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.App.Writer, "%s is acknowledged (%s)\n", d.Name(), missingInWords(r))
	return err
}

// missingInWords is how many notifications may be lost, as far as is known.
func missingInWords(r spool.Report) string {
	if r.Found == nil {
		return "what could not be read is in the table rejected"
	}
	s := fmt.Sprintf("%s missing", grouped(int(r.Found.Readers[warehouseCursor].Missing)))
	if !r.Found.LastKnown {
		s += ", and perhaps others that nothing is known of"
	}
	return s
}
