package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/audit"
	"fonoteka/internal/call"
)

// noteGiven keeps in the audit that somebody is given calls, numbers or a recording, before
// they are: what cannot be noted is not given out.
func noteGiven(c *cli.Context, action, target, detail string) error {
	cfg, err := loadConfig(c, forStores)
	if err != nil {
		return err
	}
	trail, err := cfg.openAudit(nil, nil)
	if err != nil {
		return err
	}
	e := audit.Entry{Actor: actor(c), Action: action, Integration: c.String("integration"), Target: target, Outcome: audit.Done, Detail: detail}
	if err := trail.Log(c.Context, e); err != nil {
		return fmt.Errorf("nothing is shown, since it could not be noted: %w", err)
	}
	return nil
}

// digitsOf says of a number what the audit may hold: what kind it is and its length.
// A SIP id names a workplace of the company.
func digitsOf(n call.Number) string {
	switch {
	case n.Hidden():
		return "hidden number"
	case call.IsSIPID(n.Digits):
		return n.Digits
	}
	return fmt.Sprintf("number of %d digits", len(n.Digits))
}

// chosenBy says which flags narrow a list. Their values may be words or numbers of
// people, so they are left out.
func chosenBy(c *cli.Context) string {
	var names []string
	for _, name := range c.LocalFlagNames() {
		if slices.Contains([]string{"from", "to", "at", "number", "outcome", "direction", "state", "fault", "days"}, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	return "by " + strings.Join(slices.Compact(names), ", ")
}

// refusals keeps in the audit that passwords were refused: the first at once, those
// within refusalSpan after it together, so that guessing fills no disk.
type refusals struct {
	trail *audit.Trail
	log   *slog.Logger

	mu    sync.Mutex
	noted time.Time
	since int // refused after noted
}

const refusalSpan = time.Minute

// refused is told of each; what was typed is not, as it may be somebody's password.
func (r *refusals) refused(ctx context.Context, action string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.since++
	if time.Since(r.noted) < refusalSpan {
		return
	}
	e := audit.Entry{Actor: "unknown", Action: action, Outcome: audit.Refused, Detail: "a wrong password"}
	if r.since > 1 {
		e.Detail = fmt.Sprintf("%d wrong passwords since the entry before", r.since)
	}
	if err := r.trail.Log(context.WithoutCancel(ctx), e); err != nil {
		r.log.WarnContext(ctx, "a refused password could not be noted in the audit", "err", err)
		return
	}
	r.noted, r.since = time.Now(), 0
}
