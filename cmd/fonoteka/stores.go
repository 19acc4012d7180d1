package main

import (
	"log/slog"
	"os"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/embedded"
	"fonoteka/internal/installation"
	"fonoteka/internal/settings"
	"fonoteka/internal/warehouse"
)

func withWarehouse(c *cli.Context, use func(*warehouse.DB) error) error {
	return withInstallation(c, []embedded.Store{embedded.StoreClickHouse}, false, func(st *installation.Stores) error { return use(st.Warehouse) })
}

// withReader gives the warehouse to who may only read.
func withReader(c *cli.Context, use func(*warehouse.DB) error) error {
	return withInstallation(c, []embedded.Store{embedded.StoreClickHouse}, true, func(st *installation.Stores) error { return use(st.Warehouse) })
}

func withStores(c *cli.Context, use func(*installation.Stores) error) error {
	return withInstallation(c, []embedded.Store{embedded.StoreClickHouse, embedded.StoreS3}, false, use)
}

// withInstallation lets a command use the stores of an installation: of the
// running one beside it, else its own, started for as long as it takes.
func withInstallation(c *cli.Context, wanted []embedded.Store, reader bool, use func(*installation.Stores) error) error {
	cfg, err := settings.Load(c, settings.ForStores)
	if err != nil {
		return err
	}
	return installation.Use(c.Context, cfg, wanted, reader, slog.New(slog.NewTextHandler(os.Stderr, nil)), use)
}
