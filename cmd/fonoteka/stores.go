package main

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/embedded"
	"fonoteka/internal/exitcode"
	"fonoteka/internal/installation"
	"fonoteka/internal/settings"
	"fonoteka/internal/state"
	"fonoteka/internal/warehouse"
)

// load reads the settings that a command needs. Mistakes in them are mistakes in how it
// was called.
func load(c *cli.Context, need settings.Need) (*settings.Config, error) {
	cfg, err := settings.Load(c, need)
	return cfg, exitcode.With(exitcode.Usage, err)
}

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
	cfg, err := load(c, settings.ForStores)
	if err != nil {
		return err
	}
	reached := false
	err = installation.Use(c.Context, cfg, wanted, reader, slog.New(slog.NewTextHandler(os.Stderr, nil)), func(st *installation.Stores) error {
		reached = true
		return use(st)
	})
	if reached || notHere(err) || c.Context.Err() != nil {
		return err
	}
	return exitcode.With(exitcode.Unasked, err)
}

// notHere tells whether there is no installation in the data folder, or none that can be
// read.
func notHere(err error) bool {
	_, unreadable := errors.AsType[*fs.PathError](err)
	return unreadable || errors.Is(err, state.ErrNone)
}
