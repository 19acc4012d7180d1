package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/audit"
	"fonoteka/internal/blob"
	"fonoteka/internal/mtt"
	"fonoteka/internal/warehouse"
)

// anchors is the bucket as the audit uses it.
type anchors struct {
	bucket *blob.Bucket
	ready  func() error // why it cannot be used yet
}

func (a anchors) PutAnchor(ctx context.Context, key string, body []byte) error {
	if err := a.ready(); err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	return a.bucket.Put(ctx, key, bytes.NewReader(body), blob.Put{Size: int64(len(body)), SHA256: hex.EncodeToString(sum[:]), ContentType: "application/json"})
}

func (a anchors) Anchor(ctx context.Context, key string) ([]byte, error) {
	if err := a.ready(); err != nil {
		return nil, err
	}
	r, _, err := a.bucket.Get(ctx, key)
	if errors.Is(err, blob.ErrNotFound) {
		return nil, audit.ErrNoAnchor
	}
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, 1<<16))
}

func (a anchors) AnchorKeys(ctx context.Context, prefix string) (keys []string, err error) {
	err = a.bucket.List(ctx, prefix, func(o blob.Object) bool {
		keys = append(keys, o.Key)
		return true
	})
	return keys, err
}

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
					&cli.IntFlag{Name: "limit", Value: 50, Usage: "at most `N` entries"},
					jsonFlag(),
				}, dataFlags()...),
				Action: listAudit,
			},
			{
				Name:  "verify",
				Usage: "recompute the chains, and compare file, table and anchors",
				Description: `Each entry holds the hash of the one before it. The entries are in DIR/audit, and
in the table audit; once a day the newest hash goes into the bucket. What was
altered, taken out or put in is named. Exit status 1: something was found.

With Object Lock (--retention-mode) nobody can replace an anchor. What was
rewritten everywhere before its day was anchored cannot be found.`,
				Flags:  append([]cli.Flag{jsonFlag()}, dataFlags()...),
				Action: verifyAudit,
			},
		},
	}
}

// withAudit gives a command the audit with what it shows in; the table has all
// that is in the file.
func withAudit(c *cli.Context, use func(*audit.Trail, *stores) error) error {
	cfg, err := loadConfig(c, forStores)
	if err != nil {
		return err
	}
	trail, err := cfg.openAudit(nil, nil)
	if err != nil {
		return err
	}
	return withStores(c, func(st *stores) error {
		if err := shipNow(c.Context, trail, st.warehouse); err != nil {
			return err
		}
		return use(trail, st)
	})
}

// shipNow brings what was logged just now to the table; where serve runs, it
// does the same within seconds, and both may.
func shipNow(ctx context.Context, trail *audit.Trail, db *warehouse.DB) error {
	s, err := trail.NewShipper(audit.ShipperOptions{Table: db})
	if err != nil {
		return err
	}
	return s.Ship(ctx)
}

func listAudit(c *cli.Context) error {
	f := warehouse.AuditFilter{Actor: c.String("actor"), Action: c.String("action"), Limit: c.Int("limit")}
	var err error
	if f.From, err = parseTime("from", c.String("from"), time.Now()); err != nil {
		return err
	}
	if f.To, err = parseTime("to", c.String("to"), time.Now()); err != nil {
		return err
	}
	return withAudit(c, func(_ *audit.Trail, st *stores) error {
		rows, err := st.warehouse.ListAudit(c.Context, f)
		if err != nil {
			return err
		}
		if c.Bool("json") {
			return lines(c.App.Writer, rows)
		}
		if len(rows) == 0 {
			_, err := fmt.Fprintln(c.App.Writer, "no entries")
			return err
		}
		var cells [][]string
		for _, r := range rows {
			cells = append(cells, []string{clock(r.At), r.Actor, r.Action, orDash(r.Integration), orDash(r.Target), string(r.Outcome), orDash(r.Detail)})
		}
		return table(c.App.Writer, []string{"TIME (UTC)", "WHO", "ACTION", "INTEGRATION", "ON", "OUTCOME", "DETAIL"}, cells)
	})
}

func verifyAudit(c *cli.Context) error {
	return withAudit(c, func(trail *audit.Trail, st *stores) error {
		r, err := trail.Verify(c.Context, st.warehouse, anchors{st.blob, func() error { return nil }})
		if err != nil {
			return err
		}
		if c.Bool("json") {
			err = lines(c.App.Writer, r.Chains)
		} else {
			sayVerified(c.App.Writer, r)
		}
		if err == nil && !r.Whole() {
			err = exitStatus(1)
		}
		return err
	})
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
		fmt.Fprintln(w, ", "+anchored(ch)+".")
		if len(ch.Problems) == 0 {
			fmt.Fprintln(w, "  whole: nothing was altered, taken out or put in")
		}
		for _, p := range ch.Problems {
			fmt.Fprintln(w, "  ! "+p)
		}
	}
}

func anchored(ch audit.Chain) string {
	switch {
	case ch.Anchors == 1:
		return "1 anchor that agrees"
	case ch.Anchors > 0:
		return grouped(ch.Anchors) + " anchors that agree"
	case len(ch.Problems) > 0:
		return "no anchor that agrees"
	}
	return "no anchor in the bucket (the first is made when the day is over)"
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
