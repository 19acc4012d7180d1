package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/exitcode"
	"fonoteka/internal/fixity"
	"fonoteka/internal/printable"
	"fonoteka/internal/settings"
	"fonoteka/internal/words"
)

func orphansCommand() *cli.Command {
	return &cli.Command{
		Name:  "orphans",
		Usage: "list what is in the bucket or in the catalogue only",
		Description: `Objects of the last hour are passed over: they may be on their way. What an orphan
means: "object without row": rebuild-catalogue makes the row. "row without
object": the file is gone, scrub says more. "recording without sidecar", "sidecar
without recording": a store that lost a file, or somebody's hand. "unknown
object": a name that Fonoteka does not give. Nothing is deleted.

Exit status: 0 there are none, 3 there are some.`,
		Flags: append([]cli.Flag{jsonFlag()}, settings.DataFlags()...),
		Action: func(c *cli.Context) error {
			return withChecker(c, 0, 1, func(check *fixity.Checker) error { return orphans(c, check) })
		},
	}
}

type orphanJSON struct {
	Kind        string `json:"kind"`
	Key         string `json:"key"`
	Integration string `json:"integration"`
	RecordingID string `json:"recording_id"`
	State       string `json:"state"`
}

func orphans(c *cli.Context, check *fixity.Checker) error {
	shown := progressLine{w: c.App.ErrWriter}
	r, err := check.Orphans(c.Context,
		func(o fixity.Orphan) {
			shown.clear()
			if c.Bool("json") {
				_ = lines(c.App.Writer, []orphanJSON{{string(o.Kind), o.Key, o.Integration, o.RecordingID, string(o.State)}})
				return
			}
			fmt.Fprintf(c.App.Writer, "%s: %s", o.Kind, printable.Quote(o.Key))
			if o.State != "" {
				fmt.Fprintf(c.App.Writer, " (the catalogue says: %s)", o.State)
			}
			fmt.Fprintln(c.App.Writer)
		},
		func(r fixity.OrphanReport) {
			shown.say(fmt.Sprintf("%s looked at", words.Count(int(r.Objects), "object")))
		})
	shown.clear()
	if err != nil {
		return err
	}
	var n uint64
	for _, k := range r.ByKind {
		n += k
	}
	if r.Young > 0 {
		fmt.Fprintf(c.App.ErrWriter, "Not looked at yet: %s of the last hour, which may be on their way. Ask again in an hour.\n", words.Count(int(r.Young), "object"))
	}
	if !c.Bool("json") {
		fmt.Fprintf(c.App.Writer, "%s in the bucket, %s archived: %s\n",
			words.Count(int(r.Objects), "recording"), words.Count(int(r.Recordings), "row"), words.Count(int(n), "orphan"))
	}
	if n > 0 {
		return exitcode.Found
	}
	return nil
}
