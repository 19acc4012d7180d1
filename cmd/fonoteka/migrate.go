package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/state"
	"fonoteka/internal/warehouse"
)

func migrateCommand() *cli.Command {
	return &cli.Command{
		Name:  "migrate",
		Usage: "bring the warehouse's tables up to this program's version (serve does it too)",
		Flags: dataFlags(),
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
				fmt.Fprintf(c.App.Writer, "the schema is at version %d; %s applied now\n", v, count(n, "migration"))
				return nil
			})
		},
	}
}

// firstStart makes the installation if there is none: migrate may come before
// the first serve.
func firstStart(c *cli.Context) error {
	cfg, err := loadConfig(c, forStores)
	if err != nil || cfg.clickhouseURL != "" {
		return err
	}
	if _, err = state.Read(cfg.data); !errors.Is(err, state.ErrNone) && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	st, err := state.Open(cfg.data)
	if err != nil {
		return err
	}
	return st.Close()
}
