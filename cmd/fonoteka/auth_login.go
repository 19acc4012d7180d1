package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"fonoteka/internal/audit"
	"fonoteka/internal/installation"
	"fonoteka/internal/run"
	"fonoteka/internal/settings"
	"fonoteka/internal/state"
	"fonoteka/internal/token"
)

func authLogin(c *cli.Context) error {
	return withAccess(c, func(cfg *settings.Config, a *installation.Access) error {
		i, err := single(cfg, c)
		if err != nil {
			return err
		}
		if i.RedirectURI == "" {
			return usage("the redirect URI of integration %q is not known here: give what serve was given (FONOTEKA_MTT_REDIRECT_URI or --config)", i.Name)
		}
		if running, err := state.Running(cfg.Data); err == nil && !running {
			return errors.New("start fonoteka serve on this data folder first: it takes what the operator answers")
		}
		k := a.Keepers[i.Name]
		given := i.Credentials
		if c.Bool("ask") || !given.Complete() && k.Status().State == token.NoCredentials {
			if given, err = askCredentials(c.App.Reader, c.App.ErrWriter, i.Credentials.ClientID); err != nil {
				return err
			}
		}
		return audited(c, cfg, audit.Entry{Action: "auth.login", Integration: i.Name}, func() (string, error) {
			return "", loginBy(c, k, given)
		})
	})
}

// loginBy begins a login and waits for it.
func loginBy(c *cli.Context, k *token.Keeper, given token.Credentials) error {
	began := time.Now()
	address, err := k.Begin(c.Context, given)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.App.Writer, "Open this address within 15 minutes, and log in with the account of the operator's cabinet:\n\n%s\n\n", address)
	if !c.Bool("no-open") {
		openBrowser(address)
	}
	if c.Bool("no-wait") {
		return nil
	}
	fmt.Fprintln(c.App.ErrWriter, "Waiting for the login, for 15 minutes at most (Ctrl-C ends the waiting, not the login) …")
	return awaitLogin(c.Context, c.App.Writer, k, began)
}

// awaitLogin says how a login ended that was begun at began.
func awaitLogin(ctx context.Context, w io.Writer, k *token.Keeper, began time.Time) error {
	for time.Since(began) < token.LoginLife {
		if s := k.Status(); s.LastLogin.At.After(began) && s.LastLogin.Outcome != "" {
			if s.LastLogin.Outcome != token.LoginDone {
				return fmt.Errorf("the login failed: %s", s.LastLogin.Describe())
			}
			fmt.Fprintln(w, "Logged in. fonoteka auth status says how long it lasts; serve renews it.")
			return nil
		}
		run.Sleep(ctx, 500*time.Millisecond)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return errors.New("nobody has logged in within 15 minutes")
}

// askCredentials asks a person, without showing the secret, or reads two lines.
func askCredentials(in io.Reader, out io.Writer, id string) (token.Credentials, error) {
	lines := bufio.NewReader(in)
	terminal, isFile := in.(*os.File)
	hidden := isFile && term.IsTerminal(int(terminal.Fd()))
	if hidden {
		fmt.Fprintln(out, "From the operator's cabinet (Открытое API → Мои интеграции):")
	}
	ask := func(what string) (string, error) {
		if hidden {
			fmt.Fprint(out, what+": ")
		}
		line, err := lines.ReadString('\n')
		if line = strings.TrimSpace(line); line == "" {
			const missing = "the %s is missing: give it with FONOTEKA_MTT_CLIENT_ID and FONOTEKA_MTT_CLIENT_SECRET, or a line each on the standard input"
			if err == nil || errors.Is(err, io.EOF) {
				return "", usage(missing, what)
			}
			return "", usage(missing+": %w", what, err)
		}
		return line, nil
	}
	var c token.Credentials
	var err error
	if c.ClientID = id; id == "" {
		if c.ClientID, err = ask("client id"); err != nil {
			return c, err
		}
	}
	if !hidden {
		c.ClientSecret, err = ask("client secret")
		return c, err
	}
	fmt.Fprint(out, "client secret (not shown): ")
	secret, err := term.ReadPassword(int(terminal.Fd()))
	fmt.Fprintln(out)
	if c.ClientSecret = strings.TrimSpace(string(secret)); err == nil && c.ClientSecret == "" {
		err = usage("the client secret is missing")
	}
	return c, err
}

// openBrowser opens an address where there is a desktop; who has none reads it.
func openBrowser(address string) {
	if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		return
	}
	if opener, err := exec.LookPath("xdg-open"); err == nil {
		_ = exec.Command(opener, address).Start()
	}
}
