package main

import (
	"github.com/urfave/cli/v2"

	"fonoteka/internal/daemon"
	"fonoteka/internal/settings"
)

func serveCommand() *cli.Command {
	return &cli.Command{
		Name:  "serve",
		Usage: "receive notifications, write CDRs, archive recordings, until stopped",
		Description: `Notifications are answered 200 when they are on disk. Everything behind that may
be down for days: nothing is lost. Without URLs of stores of your own it runs
ClickHouse, S3 and Redis itself, under --data, on the loopback interface.

The public listener (--listen) is what the operator's redirect URI leads to: by
default through a proxy on this machine that does TLS, else through one that is
named (--trusted-proxies), or by itself, with a certificate (--tls-cert, --acme).
The private one has /metrics, /healthz (are notifications taken?) and /readyz
(does everything work?).

With --retention-mode and --retention each recording is locked in the store from
the moment it is stored. With governance, who has a special right in the store
can delete it before the date. With compliance nobody can: not the store's
administrator, not Fonoteka, whatever is configured later. The disk stays full
for as long, and a request to erase a person's data has to wait. Try the store
first (fonoteka doctor s3), with a short span.

A flag shows in the list of processes: what is secret, such as a URL with a
password or the redirect URI, belongs in the variable or in the file of --config.`,
		Flags: settings.ServeFlags(),
		Action: func(c *cli.Context) error {
			cfg, err := load(c, settings.ForServe)
			if err != nil {
				return err
			}
			return daemon.Run(c.Context, cfg, settings.NewLogger(cfg, c.App.ErrWriter))
		},
	}
}
