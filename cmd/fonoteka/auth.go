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
	"fonoteka/internal/state"
	"fonoteka/internal/token"
)

func authCommand() *cli.Command {
	flags := func(more ...cli.Flag) []cli.Flag {
		return append(append(append(more, integrationFlags()...), operatorFlags()...), dataFlags()...)
	}
	one := &cli.StringFlag{Name: "integration", Usage: "`NAME` of the integration; empty: the only one"}
	return &cli.Command{
		Name:  "auth",
		Usage: "let Fonoteka ask the operator: log in once, see how long it lasts",
		Description: `Notifications need no login. The directory of numbers and workplaces, call
control, and recordings behind a login do.

The operator's tokens live 2 hours and 3 days. A running serve renews them after
an hour. Only when it has been down for 3 days, or the operator has refused,
does a person have to log in again.

Tokens and kept client secrets lie in DIR/secrets, sealed by the key in DIR/key,
or by FONOTEKA_KEY where that is set (the same for serve and all commands). The
file key protects a copy of some files that lacks it; FONOTEKA_KEY also a stolen
disk or backup; nothing protects from who is root on this machine.`,
		Subcommands: []*cli.Command{
			{
				Name:  "login",
				Usage: "begin a login: prints the address at which a person logs in",
				Description: `The client id and secret of the operator's cabinet are taken from
FONOTEKA_MTT_CLIENT_ID and _SECRET, the file of --config, or an earlier login,
else asked for (or read from the standard input, a line each), and kept sealed
in the data folder, so that serve needs no restart. What the configuration of
serve itself says goes before them.

The operator sends the browser back to the redirect URI, where a running serve
takes it. The address is good for 15 minutes and for one login.`,
				Flags: flags(one,
					&cli.BoolFlag{Name: "ask", Usage: "ask for the client id and secret, whatever is kept"},
					&cli.BoolFlag{Name: "no-open", Usage: "do not open a browser"},
					&cli.BoolFlag{Name: "no-wait", Usage: "do not wait until the person has logged in"},
				),
				Action: authLogin,
			},
			{
				Name:  "status",
				Usage: "how long each token lives",
				Description: `Exit status, for cron: 0 all is well or nobody asked for a login, 1 a login is
needed, 2 it could not be looked up.`,
				Flags:  flags(&cli.StringFlag{Name: "integration", Usage: "only `NAME`"}, jsonFlag()),
				Action: authStatus,
			},
			{
				Name:  "logout",
				Usage: "forget the tokens and the kept client secret",
				Description: `The operator is not told, as it offers no way to: its tokens live on for up to
3 days. To end an integration at once, delete it in the operator's cabinet.`,
				Flags:  flags(one),
				Action: authLogout,
			},
		},
	}
}

// withAccess lets a command deal with the operator, beside a running serve or
// without one.
func withAccess(c *cli.Context, use func(*config, *access) error) error {
	cfg, err := loadConfig(c, forReplay)
	if err != nil {
		return err
	}
	if _, err := state.Read(cfg.data); err != nil {
		return fmt.Errorf("%w (--data); start fonoteka serve on it first", err)
	}
	if name := c.String("integration"); name != "" && len(cfg.chosen(c)) == 0 {
		return fmt.Errorf("there is no integration %q", name)
	}
	a, err := cfg.newAccess(nil, nil)
	if err != nil {
		return err
	}
	return use(cfg, a)
}

// chosen are the integrations that --integration names; all without it.
func (cfg *config) chosen(c *cli.Context) []integration {
	name := c.String("integration")
	if name == "" {
		return cfg.integrations
	}
	for _, i := range cfg.integrations {
		if i.name == name {
			return []integration{i}
		}
	}
	return nil
}

// single is the one integration that is meant.
func (cfg *config) single(c *cli.Context) (integration, error) {
	all := cfg.chosen(c)
	if len(all) != 1 {
		return integration{}, errors.New("there are several integrations: name one (--integration)")
	}
	return all[0], nil
}

func authLogin(c *cli.Context) error {
	return withAccess(c, func(cfg *config, a *access) error {
		i, err := cfg.single(c)
		if err != nil {
			return err
		}
		if i.redirect == "" {
			return fmt.Errorf("the redirect URI of integration %q is not known here: give what serve was given (FONOTEKA_MTT_REDIRECT_URI or --config)", i.name)
		}
		if running, err := state.Running(cfg.data); err == nil && !running {
			return errors.New("start fonoteka serve on this data folder first: it takes what the operator answers")
		}
		k := a.keepers[i.name]
		given := i.credentials
		if c.Bool("ask") || !given.Complete() && k.Status().State == token.NoCredentials {
			if given, err = askCredentials(c.App.Reader, c.App.ErrWriter, i.credentials.ClientID); err != nil {
				return err
			}
		}
		return audited(c, cfg, audit.Entry{Action: "auth.login", Integration: i.name}, func() (string, error) {
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
	fmt.Fprintln(c.App.ErrWriter, "Waiting for the login (Ctrl-C ends the waiting, not the login) …")
	return awaitLogin(c.Context, c.App.Writer, k, began)
}

// awaitLogin says how a login ended that was begun at began.
func awaitLogin(ctx context.Context, w io.Writer, k *token.Keeper, began time.Time) error {
	for time.Since(began) < token.LoginLife {
		if s := k.Status(); s.LastLogin.At.After(began) && s.LastLogin.Outcome != "" {
			if s.LastLogin.Outcome != token.LoginDone {
				return fmt.Errorf("the login failed: %s", s.LastLogin.Tell())
			}
			fmt.Fprintln(w, "Logged in. fonoteka auth status says how long it lasts; serve renews it.")
			return nil
		}
		pause(ctx, 500*time.Millisecond)
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
			return "", fmt.Errorf("the %s is missing (FONOTEKA_MTT_CLIENT_ID, FONOTEKA_MTT_CLIENT_SECRET, or a line each on the standard input): %w", what, err)
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
		err = errors.New("the client secret is missing")
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

func authLogout(c *cli.Context) error {
	return withAccess(c, func(cfg *config, a *access) error {
		i, err := cfg.single(c)
		if err != nil {
			return err
		}
		err = audited(c, cfg, audit.Entry{Action: "auth.logout", Integration: i.name}, func() (string, error) {
			return "", a.keepers[i.name].Forget(c.Context)
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(c.App.Writer, "Integration %s is logged out here. The operator's own tokens live on for up to 3 days.\n", i.name)
		return nil
	})
}
