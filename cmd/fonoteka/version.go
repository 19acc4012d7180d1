package main

import (
	"fmt"
	"runtime"

	"github.com/urfave/cli/v2"
)

// version is set by the build.
var version = "development"

// jsonVersion is the version of what commands print with --json: deploy/json.md. A field
// or a command may be added to a version; a field that goes, or means something else,
// makes a new one.
const jsonVersion = 1

type versionJSON struct {
	Version  string `json:"version"`
	JSON     int    `json:"json"` // version of what commands print with --json
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func versionCommand() *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "the version of this program, and of the JSON that its commands print",
		Flags: []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error {
			v := versionJSON{Version: version, JSON: jsonVersion, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
			if c.Bool("json") {
				return lines(c.App.Writer, []versionJSON{v})
			}
			_, err := fmt.Fprintf(c.App.Writer, "fonoteka %s (JSON of commands: version %d; %s, %s)\n", v.Version, v.JSON, v.Go, v.Platform)
			return err
		},
	}
}
