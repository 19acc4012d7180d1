package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/embedded"
	"fonoteka/internal/settings"
)

func engineCommand() *cli.Command {
	return &cli.Command{
		Name:  "engine",
		Usage: "the embedded ClickHouse",
		Subcommands: []*cli.Command{{
			Name:  "fetch",
			Usage: "fetch its library into the cache, once (178 MB, by npm), and again if it is damaged there",
			Flags: []cli.Flag{settings.Text("engine-cache", settings.DefaultEngineCache(), "`FOLDER` for the library")},
			Action: func(c *cli.Context) error {
				cache := c.String("engine-cache")
				if cache == "" {
					return usage("--engine-cache (FONOTEKA_ENGINE_CACHE): you have no home folder: say where the library goes, for serve too")
				}
				lib, err := embedded.FetchEngine(c.Context, cache, c.App.ErrWriter)
				if err != nil {
					return err
				}
				fmt.Fprintln(c.App.Writer, lib)
				return nil
			},
		}},
	}
}
