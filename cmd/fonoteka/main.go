// Command fonoteka archives the calls and call recordings of an MTT Business
// telephone system: it receives the operator's notifications, keeps every one
// of them, derives CDRs in ClickHouse and stores the recordings in S3.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	_ "time/tzdata" // zones on machines that have none

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"fonoteka/internal/embedded"
	"fonoteka/internal/exitcode"
	"fonoteka/internal/mtt"
	"fonoteka/internal/printable"
)

func main() {
	embedded.Main() // does not return in the child process that is the embedded engine
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(execute(ctx, os.Args, os.Stdout, os.Stderr))
}

// execute is main with everything it touches given to it.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	app := &cli.App{
		Name:                 "fonoteka",
		Usage:                "call recording archiver and CDR warehouse for MTT Business",
		Version:              version,
		EnableBashCompletion: true,
		Writer:               &printable.Writer{To: stdout},
		ErrWriter:            &printable.Writer{To: stderr},
		Before:               keepToOurselves,
		Action:               noSuchCommand,
		OnUsageError:         wrongUsage,
		ExitErrHandler:       func(*cli.Context, error) {},
		Description: `The operator announces each call and each recording once, by webhook, and
deletes a recording after 90 days. fonoteka serve catches every notification,
makes CDRs of them in ClickHouse, and fetches every recording into S3.

A flag shows in the list of processes: what is secret, such as a URL with a
password or the redirect URI, belongs in the variable or in the file of --config.

To begin:  fonoteka serve --data ./data   (see: fonoteka serve --help)

Every command ends with one of these statuses:

` + exitcode.Table() + `
What commands print with --json is described in deploy/json.md.`,
		Commands: []*cli.Command{
			serveCommand(), migrateCommand(), sqlCommand(), calendarCommand(), callsCommand(), callCommand(), parkingCommand(), directoryCommand(), auditCommand(), custodyCommand(), keysCommand(), exportCommand(), verifyCommand(), recordingsCommand(), scrubCommand(), replayCommand(), spoolCommand(), rebuildCallsCommand(), doctorCommand(), authCommand(), configCommand(), engineCommand(), versionCommand(),
		},
	}
	prepare(app.Commands)
	err := app.RunContext(ctx, flagsFirst(app.Commands, args))
	if err == nil || exitcode.Said(err) {
		return int(statusOf(err))
	}
	// Who stops a command knows it, but not what the operator did meanwhile.
	if !errors.Is(err, context.Canceled) || errors.Is(err, mtt.ErrOutcomeUnknown) {
		// Only the first line begins at the margin: no text within an error passes for one of ours.
		fmt.Fprintln(app.ErrWriter, "fonoteka:", strings.ReplaceAll(err.Error(), "\n", "\n  "))
	}
	return int(statusOf(err))
}

// keepToOurselves lets nobody else read what is made: it holds phone numbers,
// talks or secrets. That is the data folder, with the spool and the stores in
// it, whose processes inherit this, and the files that commands write; not the
// engine's library, which is everybody's.
func keepToOurselves(c *cli.Context) error {
	if c.Args().First() != "engine" {
		unix.Umask(0o077)
	}
	return nil
}
