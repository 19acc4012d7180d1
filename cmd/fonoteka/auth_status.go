package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/exitcode"
	"fonoteka/internal/installation"
	"fonoteka/internal/settings"
	"fonoteka/internal/token"
	"fonoteka/internal/words"
)

// authStatus tells how the integrations stand, in words or in JSON.
func authStatus(c *cli.Context) error {
	needed := false
	err := withAccess(c, func(cfg *settings.Config, a *installation.Access) error {
		var all []statusRow
		for _, i := range chosen(cfg, c) {
			s := a.Keepers[i.Name].Status()
			needed = needed || s.LoginNeeded()
			all = append(all, statusRow{s, s.LoginNeeded()})
		}
		if c.Bool("json") {
			return lines(c.App.Writer, all)
		}
		for _, s := range all {
			tellStatus(c.App.Writer, s.Status)
		}
		return nil
	})
	if err == nil && needed {
		return exitcode.Found
	}
	return err
}

type statusRow struct {
	token.Status
	LoginNeeded bool `json:"login_needed"`
}

func tellStatus(w io.Writer, s token.Status) {
	fmt.Fprintf(w, "%s: %s\n", s.Integration, s.State.Tell())
	row := func(name, format string, args ...any) {
		fmt.Fprintf(w, "  %-14s "+format+"\n", append([]any{name}, args...)...)
	}
	if s.ClientID != "" {
		row("client", "%s", s.ClientID)
	}
	if s.State == token.Unreadable {
		row("reason", "%s", s.Failure)
	}
	if s.LoggedInAt.IsZero() {
		return
	}
	row("logged in", "%s UTC", words.Clock(s.LoggedInAt))
	row("access token", "%s", words.Ends(s.AccessEnds.Sub(s.At)))
	row("refresh token", "%s", words.Ends(s.RefreshEnds.Sub(s.At)))
	if !s.FailingSince.IsZero() {
		row("not renewed", "for %s: %s", words.Roughly(s.At.Sub(s.FailingSince)), s.Failure)
	}
	if left := s.NextRefresh.Sub(s.At); !s.NextRefresh.IsZero() && left > 0 {
		row("next refresh", "in %s, while serve runs", words.Roughly(left))
	} else if !s.NextRefresh.IsZero() {
		row("next refresh", "is due: serve does it at once")
	}
}
