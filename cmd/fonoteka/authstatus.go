package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/token"
)

// authStatus tells how the integrations stand, in words or in JSON.
func authStatus(c *cli.Context) error {
	needed := false
	err := withAccess(c, func(cfg *config, a *access) error {
		var all []statusRow
		for _, i := range cfg.chosen(c) {
			s := a.keepers[i.name].Status()
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
	switch {
	case err != nil:
		fmt.Fprintln(c.App.ErrWriter, "fonoteka:", err)
		return exitStatus(2)
	case needed:
		return exitStatus(1)
	}
	return nil
}

type statusRow struct {
	token.Status
	LoginNeeded bool `json:"login_needed"`
}

func tellStatus(w io.Writer, s token.Status) {
	fmt.Fprintf(w, "%s: %s\n", s.Integration, stateText[s.State])
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
	row("logged in", "%s UTC", clock(s.LoggedInAt))
	row("access token", "%s", ends(s.AccessEnds.Sub(s.At)))
	row("refresh token", "%s", ends(s.RefreshEnds.Sub(s.At)))
	if !s.FailingSince.IsZero() {
		row("not renewed", "for %s: %s", roughly(s.At.Sub(s.FailingSince)), s.Failure)
	}
	if left := s.NextRefresh.Sub(s.At); !s.NextRefresh.IsZero() && left > 0 {
		row("next refresh", "in %s, while serve runs", roughly(left))
	} else if !s.NextRefresh.IsZero() {
		row("next refresh", "is due: serve does it at once")
	}
}

var stateText = map[token.State]string{
	token.NoCredentials: "no credentials – recordings that want no login are archived; for anything more: fonoteka auth login",
	token.NoLogin:       "a login is needed – nobody has logged in with this client yet: fonoteka auth login",
	token.Fine:          "logged in",
	token.Failing:       "logged in, but the tokens are not renewed as they should be",
	token.Refused:       "a login is needed – the operator refuses to renew the tokens: fonoteka auth login",
	token.Ended:         "a login is needed – the refresh token has ended: fonoteka auth login",
	token.Unreadable:    "a login is needed, or the right key – what is kept cannot be read",
}

func ends(left time.Duration) string {
	if left <= 0 {
		return "ended " + roughly(-left) + " ago"
	}
	return "ends in " + roughly(left)
}

// roughly is a span of time in its two largest units.
func roughly(d time.Duration) string {
	d = d.Round(time.Second)
	var parts []string
	for _, u := range []struct {
		name string
		is   time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"min", time.Minute}, {"s", time.Second}} {
		if n := d / u.is; n > 0 || len(parts) > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, u.name))
			d -= n * u.is
		}
		if len(parts) == 2 {
			break
		}
	}
	if len(parts) == 0 {
		return "0 s"
	}
	return strings.Join(parts, " ")
}
