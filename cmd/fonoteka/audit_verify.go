package main

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/audit"
	"fonoteka/internal/exitcode"
	"fonoteka/internal/installation"
	"fonoteka/internal/settings"
	"fonoteka/internal/warehouse/trails"
	"fonoteka/internal/words"
)

func verifyAudit(c *cli.Context) error {
	if _, err := load(c, settings.ForStores); err != nil {
		return err
	}
	return orUnasked(c, withAudit(c, func(trail *audit.Trail, st *installation.Stores, _ error) error {
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
func verifiedAudit(ctx context.Context, trail *audit.Trail, st *installation.Stores) (audit.Report, error) {
	return trail.Verify(ctx, trails.New(st.Warehouse), installation.NewAnchors(st.Blob, func() error { return nil }))
}

// exitOf is the exit status that says a verdict.
func exitOf(v audit.Verdict) error {
	switch v {
	case audit.Found:
		return exitcode.Found
	case audit.Unasked:
		return exitcode.Unasked
	case audit.Unanchored:
		return exitcode.Unproven
	}
	return nil
}

// orUnasked ends a command that verifies: what kept it from that was a store,
// unless it has said what it found, or the data folder is not there or cannot be
// read.
func orUnasked(c *cli.Context, err error) error {
	if notHere(err) || c.Context.Err() != nil {
		return err
	}
	return exitcode.With(exitcode.Unasked, err)
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
			fmt.Fprintf(w, ", %s to %s UTC", words.Clock(ch.First), words.Clock(ch.Last))
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
	return words.Grouped(anchors) + " anchors that agree"
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
	return words.Grouped(int(n)) + " entries"
}
