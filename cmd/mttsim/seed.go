package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/seed"
	"fonoteka/internal/sim"
)

func seedCommand() *cli.Command {
	return &cli.Command{
		Name:  "seed",
		Usage: "fill an installation's ClickHouse with years of calls, for measurements at size",
		UsageText: "mttsim seed --data DIR --calls 15000000\n" +
			"mttsim seed --address HOST:PORT --user USER --calls 15000000   (the password in CLICKHOUSE_PASSWORD)",
		Description: "Writes notifications, calls, legs and rows of recordings of a company with 200 workplaces\n" +
			"straight into the tables of a running installation, as it would have written them itself in\n" +
			"those years: some 30,000 calls a second on two idle cores. The recordings are rows only,\n" +
			"without an mp3. Use an installation made for this: nothing takes a seed away again.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "data", Usage: "the installation in `DIR`, which must be running: its state.json names port and password"},
			&cli.StringFlag{Name: "address", Usage: "`HOST:PORT` of ClickHouse's HTTP interface, instead of --data"},
			&cli.StringFlag{Name: "user", Value: "fonoteka", Usage: "`USER` with --address"},
			&cli.StringFlag{Name: "database", Value: "fonoteka", Usage: "`NAME` of the database"},
			&cli.StringFlag{Name: "integration", Value: "main", Usage: "`NAME` of the integration that the calls belong to"},
			&cli.IntFlag{Name: "calls", Value: 1_500_000, Usage: "`N` calls, about six notifications each"},
			&cli.IntFlag{Name: "days", Value: 730, Usage: "over `N` days"},
			&cli.TimestampFlag{Name: "until", Layout: time.RFC3339, Usage: "that end at `TIME`; default: now"},
			&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "`S` drives everything that is random: the same seed and times, the same calls"},
			&cli.IntFlag{Name: "workers", Usage: "fill `N` months at once; default: one for each processor"},
			&cli.Float64Flag{Name: "posted", Usage: "post `PERCENT` of the calls to --redirect-uri instead, so that the installation makes their rows"},
			&cli.StringFlag{Name: "redirect-uri", Usage: "the installation's redirect `URI`, with --posted"},
			&cli.IntFlag{Name: "reversioned", Usage: "write `PERCENT` of the calls once more with a higher version, and keep the engine from merging them; with --calls 0 nothing else"},
		},
		Action: runSeed,
	}
}

func runSeed(c *cli.Context) error {
	o := seed.Options{
		Address: c.String("address"), User: c.String("user"), Password: os.Getenv("CLICKHOUSE_PASSWORD"),
		Database: c.String("database"), Integration: c.String("integration"), Workers: c.Int("workers"),
		Reversioned: float64(c.Int("reversioned")) / 100, Posted: c.Float64("posted") / 100, RedirectURI: c.String("redirect-uri"),
		Log: slog.New(slog.NewTextHandler(c.App.ErrWriter, nil)),
	}
	switch {
	case c.NArg() > 0:
		return fmt.Errorf("seed: unexpected argument %q: everything is said by flags", c.Args().First())
	case (c.String("data") == "") == (o.Address == ""):
		return errors.New("seed: give either --data or --address")
	case o.Address == "":
		if err := readInstallation(c.String("data"), &o); err != nil {
			return err
		}
	}
	until := time.Now()
	if t := c.Timestamp("until"); t != nil {
		until = *t
	}
	o.History = sim.HistoryOptions{Seed: c.Uint64("seed"), Calls: c.Int("calls"), From: until.AddDate(0, 0, -c.Int("days")), To: until}
	began := time.Now()
	n, err := seed.Run(c.Context, o)
	if err != nil {
		return err
	}
	took := time.Since(began)
	fmt.Fprintf(c.App.Writer, "%d calls, %d notifications, %d legs, %d recordings in %v: %.0f calls/s\n",
		n.Calls, n.Events, n.Legs, n.Recordings, took.Round(time.Second), float64(n.Calls)/took.Seconds())
	if n.Posted > 0 {
		fmt.Fprintf(c.App.Writer, "and %d notifications of other calls posted\n", n.Posted)
	}
	return nil
}

// readInstallation finds the embedded ClickHouse by the file that the product's
// README names for Grafana and SQL tools.
func readInstallation(dir string, o *seed.Options) error {
	b, err := os.ReadFile(filepath.Join(dir, "state.json"))
	if err != nil {
		return fmt.Errorf("seed: find the installation: %w", err)
	}
	var state struct {
		Password string `json:"clickhouse_writer_password"`
		Ports    struct {
			HTTP int `json:"clickhouse_http"`
		} `json:"ports"`
	}
	if err := json.Unmarshal(b, &state); err != nil {
		return fmt.Errorf("seed: read %s: %w", filepath.Join(dir, "state.json"), err)
	}
	o.Address, o.User, o.Password = fmt.Sprintf("127.0.0.1:%d", state.Ports.HTTP), "fonoteka", state.Password
	return nil
}
