// Command mttsim plays the operator: it posts the notifications of simulated
// calls to a Redirect URI, serves the recordings they announce, and ends with a
// ledger of what a correct archive holds, in JSON on standard output. Progress
// goes to standard error.
//
// The simulation is package sim; the flags are read with urfave/cli, as in the
// product's own program.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := app().RunContext(ctx, os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "mttsim:", err)
		stop()
		os.Exit(1)
	}
}

func app() *cli.App {
	return &cli.App{
		Name:  "mttsim",
		Usage: "plays the operator of a hosted PBX: calls, notifications, recordings",
		UsageText: "mttsim --redirect-uri URL [--calls N] [--rate R] [--seed S] [--faults LIST]\n" +
			"mttsim --redirect-uri URL --demo",
		Description: "Posts the notifications of simulated calls to URL/events and serves their recordings as\n" +
			"mp3 until each was fetched, then prints a ledger: what a correct archive holds, as JSON.\n" +
			"A signal (SIGTERM, SIGINT) ends it early; the ledger then covers what was posted.\n\n" +
			"The same seed and flags give the same calls, ids, numbers and recordings. Their times are\n" +
			"those of the run unless --start is given: for two runs against one archive, use two seeds,\n" +
			"or the same --start for the very same notifications.\n\n" +
			"The address of --listen also has the operator's OAuth (/oauth/authorize with a login page,\n" +
			"/oauth/token) and all methods of its API; --calls 0 --serve is these alone. What the people\n" +
			"of the simulation do is ordered there too, in JSON:\n\n" +
			"   POST /sim/call       {\"from\":NUMBER,\"to\":NUMBER,\"route\":[WORKPLACE,…]}: somebody calls\n" +
			"   POST /sim/manner     {\"pick_up\":\"3s\",\"answer\":\"6s\",\"talk\":\"20s\",\"record\":\"3s\"}, \"-1s\" is never\n" +
			"   POST /sim/directory  {\"rename\":{WORKPLACE:NAME},\"add_workplaces\":[NAME],\"remove_workplaces\":[…],\n" +
			"                        \"move_terminals\":{TERMINAL:WORKPLACE},\"add_numbers\":[…],\"remove_numbers\":[…]}\n" +
			"   POST /sim/clock      {\"advance\":\"26h\"}: tokens grow older; GET tells the time\n" +
			"   POST /sim/revoke     {\"all\":true}: tokens die, without all the access tokens only\n" +
			"   POST /sim/trouble    {\"path\":\"/makeCall\",\"kind\":\"status|success0|garbage|cut|slow\",\"status\":503,\n" +
			"                        \"delay\":\"5s\",\"times\":1,\"takes_effect\":true}; DELETE ends all trouble\n" +
			"   GET  /sim/requests   what OAuth and the API were asked, ?path=/makeCall; DELETE forgets it\n" +
			"   POST /sim/probe      the operator's check of the listener; GET /sim/parking, GET /sim/ledger",
		HideHelpCommand: true,
		Commands:        []*cli.Command{seedCommand()},
		Flags:           flags(),
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return fmt.Errorf("unexpected argument %q: everything is said by flags", c.Args().First())
			}
			conf, err := readConfig(c)
			if err != nil {
				return err
			}
			return run(c.Context, conf, c.App.Writer, c.App.ErrWriter)
		},
	}
}
