package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/installation"
	"fonoteka/internal/settings"
	"fonoteka/internal/state"
)

func authCommand() *cli.Command {
	flags := func(more ...cli.Flag) []cli.Flag {
		return append(append(append(more, settings.IntegrationFlags()...), settings.OperatorFlags()...), settings.DataFlags()...)
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
				Description: `Exit status, for cron: 0 all is well or nobody asked for a login, 3 a login is
needed, 1 it could not be looked up.`,
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
func withAccess(c *cli.Context, use func(*settings.Config, *installation.Access) error) error {
	cfg, err := load(c, settings.ForReplay)
	if err != nil {
		return err
	}
	if _, err := state.Read(cfg.Data); err != nil {
		return fmt.Errorf("%w (--data); start fonoteka serve on it first", err)
	}
	if name := c.String("integration"); name != "" && len(chosen(cfg, c)) == 0 {
		return usage("--integration: there is no integration %q; there are: %s", name, integrations(cfg))
	}
	a, err := installation.NewAccess(cfg, nil, nil)
	if err != nil {
		return err
	}
	return use(cfg, a)
}

// chosen are the integrations that --integration names; all without it.
func chosen(cfg *settings.Config, c *cli.Context) []settings.Integration {
	name := c.String("integration")
	if name == "" {
		return cfg.Integrations
	}
	for _, i := range cfg.Integrations {
		if i.Name == name {
			return []settings.Integration{i}
		}
	}
	return nil
}

// integrations are the names of all integrations, for people.
func integrations(cfg *settings.Config) string {
	names := make([]string, len(cfg.Integrations))
	for i, one := range cfg.Integrations {
		names[i] = one.Name
	}
	return strings.Join(names, ", ")
}

// single is the one integration that is meant.
func single(cfg *settings.Config, c *cli.Context) (settings.Integration, error) {
	all := chosen(cfg, c)
	if len(all) != 1 {
		return settings.Integration{}, usage("there are several integrations: name one of them (--integration): %s", integrations(cfg))
	}
	return all[0], nil
}
