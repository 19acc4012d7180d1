package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/audit"
	"fonoteka/internal/installation"
	"fonoteka/internal/settings"
)

func authLogout(c *cli.Context) error {
	return withAccess(c, func(cfg *settings.Config, a *installation.Access) error {
		i, err := single(cfg, c)
		if err != nil {
			return err
		}
		err = audited(c, cfg, audit.Entry{Action: "auth.logout", Integration: i.Name}, func() (string, error) {
			return "", a.Keepers[i.Name].Forget(c.Context)
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(c.App.Writer, "Integration %s is logged out here. The operator's own tokens live on for up to 3 days.\n", i.Name)
		return nil
	})
}
