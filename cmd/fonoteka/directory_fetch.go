package main

import (
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/directory"
	"fonoteka/internal/installation"
	"fonoteka/internal/settings"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/directories"
	"fonoteka/internal/words"
)

func fetchDirectory(c *cli.Context) error {
	return withAccess(c, func(cfg *settings.Config, a *installation.Access) error {
		return withWarehouse(c, func(db *warehouse.DB) error {
			for _, i := range chosen(cfg, c) {
				client, err := a.Client(i.Name)
				if err != nil {
					return err
				}
				k, err := directory.New(directory.Options{Integration: i.Name, Source: client, Store: directories.New(db), AreaCode: cfg.Rules.AreaCode})
				if err != nil {
					return err
				}
				changes, err := k.Fetch(c.Context, time.Now())
				if err != nil {
					return fmt.Errorf("directory of integration %s: %w", i.Name, err)
				}
				fmt.Fprintf(c.App.Writer, "integration %s: fetched, %s\n", i.Name, words.Count(changes, "change"))
			}
			return nil
		})
	})
}
