package main

import (
	"fmt"
	"os"
	"os/user"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/audit"
	"fonoteka/internal/control"
	"fonoteka/internal/installation"
	"fonoteka/internal/printable"
	"fonoteka/internal/settings"
)

// noteGiven keeps in the audit that somebody is given calls, numbers or a recording, before
// they are: what cannot be noted is not given out.
func noteGiven(c *cli.Context, action, target, detail string) error {
	cfg, err := load(c, settings.ForStores)
	if err != nil {
		return err
	}
	trail, err := installation.OpenAudit(cfg, nil, nil)
	if err != nil {
		return err
	}
	e := audit.Entry{Actor: actor(c), Action: action, Integration: c.String("integration"), Target: target, Outcome: audit.Done, Detail: detail}
	if err := trail.Log(c.Context, e); err != nil {
		return fmt.Errorf("nothing is shown, since it could not be noted: %w", err)
	}
	return nil
}

// chosenBy says which flags narrow a list. Their values may be words or numbers of
// people, so they are left out.
func chosenBy(c *cli.Context) string {
	var names []string
	for _, name := range c.LocalFlagNames() {
		if slices.Contains([]string{"from", "to", "at", "number", "outcome", "direction", "state", "fault", "days", "call", "employee", "department", "longer", "shorter", "recorded"}, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	return "by " + strings.Join(slices.Compact(names), ", ")
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
func audited(c *cli.Context, cfg *settings.Config, e audit.Entry, do func() (target string, err error)) error {
	trail, err := trailOf(c, cfg)
	if err != nil {
		return err
	}
	e.Actor = actor(c)
	return trail.Do(c.Context, e, control.Outcome, do)
}

// trailOf is the audit for who acts, by a name that can be noted.
func trailOf(c *cli.Context, cfg *settings.Config) (*audit.Trail, error) {
	if err := printable.Check(c.String("as")); err != nil {
		return nil, fmt.Errorf("--as: %w", err)
	}
	return installation.OpenAudit(cfg, nil, nil)
}
