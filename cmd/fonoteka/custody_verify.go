package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/audit"
	"fonoteka/internal/custody"
	"fonoteka/internal/exitcode"
	"fonoteka/internal/installation"
	"fonoteka/internal/settings"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/catalogue"
	"fonoteka/internal/warehouse/trails"
	"fonoteka/internal/words"
)

func custodyCommand() *cli.Command {
	return &cli.Command{
		Name:  "custody",
		Usage: "the chain of custody: verify that no step was altered, added or taken out",
		Subcommands: []*cli.Command{{
			Name:  "verify",
			Usage: "recompute each day's steps, and compare them with the day's seal",
			Description: `When a day is over, the number and the digest of the steps that were written on it
into the table custody become an entry of the audit. This computes them again,
names the days that differ, and looks at the audit itself, without which seals
prove nothing (fonoteka audit verify tells more of that).

Exit status: 0 all as it was sealed; 3 something was found; 5 a store could not be
asked, and nothing was found elsewhere; 7 nothing was found, but no day is sealed
yet, or the audit is not anchored. A day has until two days after its end for its seal.

A seal shows that nothing was changed since: not that the steps of a day were true
before it was sealed.`,
			Flags: append([]cli.Flag{
				&cli.StringFlag{Name: "from", Usage: "days from `DAY` on, UTC: 2026-03-02"},
				&cli.StringFlag{Name: "to", Usage: "days until `DAY`, with it"},
				jsonFlag(), settings.KeyFlag(),
			}, settings.DataFlags()...),
			Action: verifyCustody,
		}},
	}
}

func verifyCustody(c *cli.Context) error {
	from, to, err := days(c)
	if err != nil {
		return err
	}
	if _, err := load(c, settings.ForStores); err != nil {
		return err
	}
	return orUnasked(c, withAudit(c, func(trail *audit.Trail, st *installation.Stores, _ error) error {
		report, err := verifiedAudit(c.Context, trail, st)
		if err != nil {
			return err
		}
		seals, err := seals(c.Context, trail, st.Warehouse)
		if err != nil {
			return err
		}
		checked, err := custody.Verify(c.Context, catalogue.New(st.Warehouse), seals, from, to, time.Now())
		if err != nil {
			return err
		}
		if c.Bool("json") {
			err = lines(c.App.Writer, checked)
		} else {
			sayCustody(c.App.Writer, checked, len(seals) > 0)
		}
		if v := report.Verdict(); v != audit.Whole {
			fmt.Fprintf(c.App.ErrWriter, "fonoteka: the audit, which holds the seals: %s (fonoteka audit verify tells more)\n", v)
		}
		return cmp.Or(err, custodyExit(checked, len(seals) > 0, report.Verdict()))
	}))
}

// days are those of --from and --to; all, where they are not given.
func days(c *cli.Context) (from, to time.Time, err error) {
	from = time.Unix(0, 0).UTC()
	to = time.Date(2149, 6, 6, 0, 0, 0, 0, time.UTC) // the last that the table can hold
	for flag, into := range map[string]*time.Time{"from": &from, "to": &to} {
		said := c.String(flag)
		if said == "" {
			continue
		}
		day, err := time.Parse(time.DateOnly, said)
		if err != nil {
			return from, to, usage("--%s: %q is not a day such as 2026-03-02", flag, said)
		}
		*into = day
	}
	return from, to, nil
}

// seals are all that this data folder's audit and the table have; one that both
// have comes twice.
func seals(ctx context.Context, trail *audit.Trail, db *warehouse.DB) (all []custody.Seal, err error) {
	add := func(r audit.Row) error {
		if s, ok := custody.SealOf(r); ok {
			all = append(all, s)
		}
		return nil
	}
	if err := trail.Each(add); err != nil {
		return nil, err
	}
	return all, trails.New(db).EachAudit(ctx, add)
}

// custodyExit is the exit status of what was found.
func custodyExit(checked []custody.Checked, sealed bool, v audit.Verdict) error {
	for _, d := range checked {
		if d.Result.Found() {
			return exitcode.Found
		}
	}
	if !sealed && v == audit.Whole && len(checked) > 0 {
		return exitcode.Unproven
	}
	return exitOf(v)
}

func sayCustody(w io.Writer, checked []custody.Checked, sealed bool) {
	var same, found, waiting int
	var rows uint64
	for _, d := range checked {
		switch {
		case d.Result.Found():
			found++
			fmt.Fprintf(w, "%s  ! %s\n", d.Day, differing(d))
		case d.Result == custody.Waiting:
			waiting++
		default:
			same, rows = same+1, rows+d.Rows
		}
	}
	if len(checked) == 0 {
		fmt.Fprintln(w, "No step was written in these days.")
		return
	}
	said := []string{fmt.Sprintf("%s as sealed, with %s", words.Count(same, "day"), words.Count(int(rows), "step"))}
	if found > 0 {
		said = append(said, fmt.Sprintf("%s not", words.Count(found, "day")))
	}
	if waiting > 0 && sealed {
		said = append(said, fmt.Sprintf("%s waiting for a seal, which comes when the day is over", words.Count(waiting, "day")))
	} else if waiting > 0 {
		said = append(said, "no day is sealed yet")
	}
	fmt.Fprintln(w, strings.Join(said, "; ")+".")
}

// differing says what is wrong with a day.
func differing(d custody.Checked) string {
	switch d.Result {
	case custody.Added:
		return fmt.Sprintf("%s added: the day had no seal when later days were sealed", words.Count(int(d.Rows), "step"))
	case custody.Unsealed:
		return fmt.Sprintf("%s not sealed, more than two days after the day's end (serve does it)", words.Count(int(d.Rows), "step"))
	}
	if d.Rows == d.Sealed.Rows {
		return fmt.Sprintf("altered: %s, and another digest than when it was sealed (%s)", words.Count(int(d.Rows), "step"), d.At)
	}
	return fmt.Sprintf("%s, sealed with %d (%s)", words.Count(int(d.Rows), "step"), d.Sealed.Rows, d.At)
}
