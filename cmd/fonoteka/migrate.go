package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/settings"
	"fonoteka/internal/state"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/words"
)

func migrateCommand() *cli.Command {
	return &cli.Command{
		Name:  "migrate",
		Usage: "bring the warehouse's tables up to this program's version (serve does it too)",
		Description: `For who wants to see it happen before serve is started, or has the tables made under
another user of ClickHouse. It may run any number of times, and changes nothing in a
database that a newer version of Fonoteka has made.

  fonoteka migrate --data ./data`,
		Flags: settings.DataFlags(),
		Action: func(c *cli.Context) error {
			if err := firstStart(c); err != nil {
				return err
			}
			return withWarehouse(c, func(db *warehouse.DB) error {
				n := 0
				err := db.Migrate(c.Context, func(m warehouse.Migration) {
					n++
					fmt.Fprintf(c.App.Writer, "applied %s\n", m.Name)
				})
				if err != nil {
					return err
				}
				if err := db.Describe(c.Context); err != nil {
					return err
				}
				v, err := db.SchemaVersion(c.Context)
				if err != nil {
					return err
				}
				fmt.Fprintf(c.App.Writer, "the schema is at version %d; %s applied now\n", v, words.Count(n, "migration"))
				return nil
			})
		},
	}
}

// firstStart makes the installation if there is none: migrate may come before
// the first serve.
func firstStart(c *cli.Context) error {
	cfg, err := load(c, settings.ForStores)
	if err != nil || cfg.ClickHouseURL != "" {
		return err
	}
	if _, err = state.Read(cfg.Data); !errors.Is(err, state.ErrNone) && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	st, err := state.Open(cfg.Data)
	if err != nil {
		return err
	}
	return st.Close()
}
