package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/audit"
	"fonoteka/internal/mtt"
	"fonoteka/internal/printable"
	"fonoteka/internal/state"
	"fonoteka/internal/warehouse"
)

func auditCommand() *cli.Command {
	return &cli.Command{
		Name:  "audit",
		Usage: "who did what: list it, or verify that nothing was altered",
		Subcommands: []*cli.Command{
			{
				Name:  "list",
				Usage: "the newest entries first",
				Flags: append([]cli.Flag{
					&cli.StringFlag{Name: "from", Usage: "entries at or after `TIME`, UTC: 2026-03-02, 2026-03-02T10:00:00 or 24h (ago)"},
					&cli.StringFlag{Name: "to", Usage: "entries before `TIME`"},
					&cli.StringFlag{Name: "actor", Usage: "what `WHO` did"},
					&cli.StringFlag{Name: "action", Usage: "`ACTION`: call.make, or call for all that begin so"},
					limitFlag("entries"),
					jsonFlag(), keyFlag(),
				}, dataFlags()...),
				Action: listAudit,
			},
			{
				Name:  "verify",
				Usage: "recompute the chains, and compare file, table and anchors",
				Description: `Each entry holds the hash of the one before it. The entries are in DIR/audit, and
in the table audit; when a day is over, its newest hash goes into the bucket as
the day's anchor. The vault (DIR/secrets) remembers which chain is this
installation's, and how far it came. What was altered, taken out, put in or is
gone is named.

Exit status: 0 whole; 3 something was found; 5 a store could not be asked, and
nothing was found elsewhere; 7 nothing was found, but there is no bucket, or no
anchor, that would prove it. A day has until two days after its end for its anchor.

With Object Lock (--retention-mode) nobody can replace an anchor. What was
rewritten everywhere before its day was anchored cannot be found.`,
				Flags:  append([]cli.Flag{jsonFlag(), keyFlag()}, dataFlags()...),
				Action: verifyAudit,
			},
		},
	}
}

// withAudit gives a command the audit with what it shows in; the table has all
// that is in the file, unless unshipped says why not.
func withAudit(c *cli.Context, use func(trail *audit.Trail, st *stores, unshipped error) error) error {
	cfg, err := loadConfig(c, forStores)
	if err != nil {
		return err
	}
	trail, err := cfg.openAudit(nil, nil)
	if err != nil {
		return err
	}
	return withStores(c, func(st *stores) error {
		return use(trail, st, cfg.shipNow(c.Context, st.warehouse))
	})
}

// shipNow brings what was logged just now to the table; where serve runs, it
// does the same within seconds, and both may. Nothing is remembered here: that is
// what an audit is compared with next.
func (cfg *config) shipNow(ctx context.Context, db *warehouse.DB) error {
	trail, err := audit.Open(audit.Options{Dir: cfg.auditDir()})
	if err != nil {
		return err
	}
	s, err := trail.NewShipper(audit.ShipperOptions{Table: db})
	if err != nil {
		return err
	}
	return s.Ship(ctx)
}

func listAudit(c *cli.Context) error {
	f := warehouse.AuditFilter{Actor: c.String("actor"), Action: c.String("action")}
	limit, err := listLimit(c)
	if err != nil {
		return err
	}
	if f.From, err = parseTime("from", c.String("from"), time.Now()); err != nil {
		return err
	}
	if f.To, err = parseTime("to", c.String("to"), time.Now()); err != nil {
		return err
	}
	return withAudit(c, func(_ *audit.Trail, st *stores, unshipped error) error {
		if unshipped != nil {
			return unshipped
		}
		return listing[audit.Row]{
			page: func(ctx context.Context, limit int, after *audit.Row) ([]audit.Row, error) {
				f := f
				f.Limit, f.After = limit, after
				return st.warehouse.ListAudit(ctx, f)
			},
			count:  func(ctx context.Context) (uint64, error) { return st.warehouse.CountAudit(ctx, f) },
			json:   func(r audit.Row) any { return r },
			none:   "no entries",
			header: []string{"TIME (UTC)", "WHO", "ACTION", "INTEGRATION", "ON", "OUTCOME", "DETAIL"},
			cells: func(r audit.Row) []string {
				return []string{clock(r.At), r.Actor, r.Action, orDash(r.Integration), orDash(r.Target), string(r.Outcome), orDash(r.Detail)}
			},
		}.show(c, limit)
	})
}

func verifyAudit(c *cli.Context) error {
	if _, err := loadConfig(c, forStores); err != nil {
		return err
	}
	return orUnasked(c, withAudit(c, func(trail *audit.Trail, st *stores, _ error) error {
		r, err := verifiedAudit(c.Context, trail, st)
		if err != nil {
			return err
		}
		if c.Bool("json") {
			err = lines(c.App.Writer, r.Chains)
		} else {
			sayVerified(c.App.Writer, r)
		}
		for _, what := range r.Unasked {
			fmt.Fprintln(c.App.ErrWriter, "fonoteka: could not ask", what)
		}
		return cmp.Or(err, exitOf(r.Verdict()))
	}))
}

// verifiedAudit looks at the audit of an installation. A table that could not be
// brought up to date shows as that.
func verifiedAudit(ctx context.Context, trail *audit.Trail, st *stores) (audit.Report, error) {
	return trail.Verify(ctx, st.warehouse, anchors{st.blob, func() error { return nil }})
}

// exitOf is the exit status that says a verdict.
func exitOf(v audit.Verdict) error {
	switch v {
	case audit.Found:
		return exitFound
	case audit.Unasked:
		return exitUnasked
	case audit.Unanchored:
		return exitUnproven
	}
	return nil
}

// orUnasked ends a command that verifies: what kept it from that was a store,
// unless it has said what it found, or the data folder is not there or cannot be
// read.
func orUnasked(c *cli.Context, err error) error {
	_, said := errors.AsType[exitStatus](err)
	_, here := errors.AsType[*fs.PathError](err)
	if err == nil || said || here || errors.Is(err, state.ErrNone) || c.Context.Err() != nil {
		return err
	}
	fmt.Fprintln(c.App.ErrWriter, "fonoteka:", err)
	return exitUnasked
}

func sayVerified(w io.Writer, r audit.Report) {
	if len(r.Chains) == 0 {
		fmt.Fprintln(w, "Nothing was logged yet.")
	}
	for _, ch := range r.Chains {
		where := "another data folder's"
		if ch.Here {
			where = "this data folder's"
		}
		fmt.Fprintf(w, "Chain %s (%s): %s", ch.Writer, where, entries(ch.Entries))
		if ch.Entries > 0 {
			fmt.Fprintf(w, ", %s to %s UTC", clock(ch.First), clock(ch.Last))
		}
		fmt.Fprintln(w, ", "+agreeing(ch.Anchors)+".")
		switch {
		case len(ch.Problems) > 0:
		case ch.Unproven != "":
			fmt.Fprintf(w, "  not anchored: %s\n", ch.Unproven)
		default:
			fmt.Fprintln(w, "  whole: nothing was altered, taken out or put in"+waiting(ch))
		}
		for _, p := range ch.Problems {
			fmt.Fprintln(w, "  ! "+p)
		}
	}
}

func agreeing(anchors int) string {
	if anchors == 1 {
		return "1 anchor that agrees"
	}
	return grouped(anchors) + " anchors that agree"
}

// waiting says since when entries have no anchor yet.
func waiting(ch audit.Chain) string {
	if len(ch.Days) == 0 {
		return ""
	}
	return fmt.Sprintf("; the entries since %s are not anchored yet, which is done when their day is over", ch.Days[0])
}

func entries(n uint64) string {
	if n == 1 {
		return "1 entry"
	}
	return grouped(int(n)) + " entries"
}

// asFlag names who acts, where the system's user does not say it.
func asFlag() cli.Flag {
	return &cli.StringFlag{Name: "as", Usage: "`WHO` acts, for the audit; default: the system's user"}
}

// actor is who uses a command, for the audit.
func actor(c *cli.Context) string {
	name := fmt.Sprintf("uid %d", os.Getuid())
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if as := c.String("as"); as != "" {
		return as + " (" + name + ")" // said, not proven
	}
	return name
}

// audited logs that something begins, does it, and logs what came of it; what
// cannot be logged is not begun. do may say what it was done to.
func audited(c *cli.Context, cfg *config, e audit.Entry, do func() (target string, err error)) error {
	if err := printable.Check(c.String("as")); err != nil {
		return fmt.Errorf("--as: %w", err)
	}
	trail, err := cfg.openAudit(nil, nil)
	if err != nil {
		return err
	}
	e.Actor, e.Outcome = actor(c), audit.Begun
	if err := trail.Log(c.Context, e); err != nil {
		return fmt.Errorf("nothing was done: %w", err)
	}
	target, failed := do()
	e.Target, e.Outcome = cmp.Or(target, e.Target), outcomeOf(failed)
	if err := trail.Log(context.WithoutCancel(c.Context), e); err != nil {
		return errors.Join(failed, fmt.Errorf("what came of it (%s) could not be logged: %w", e.Outcome, err))
	}
	return failed
}

// outcomeOf says what an error means for what was to be done.
func outcomeOf(err error) audit.Outcome {
	answer, answered := errors.AsType[*mtt.Error](err)
	switch {
	case err == nil:
		return audit.Done
	case errors.Is(err, mtt.ErrOutcomeUnknown):
		return audit.Unknown
	case answered && answer.Status < 500:
		return audit.Refused
	}
	return audit.Failed
}
