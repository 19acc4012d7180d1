package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/audit"
	"fonoteka/internal/call"
	"fonoteka/internal/warehouse"
)

func parkingCommand() *cli.Command {
	return &cli.Command{
		Name:  "parking",
		Usage: "external numbers whose calls are held for call transfer",
		Description: `An incoming call to a parked number is held for 5 seconds, waiting for call
transfer; then the cabinet's own routing goes on.`,
		Subcommands: []*cli.Command{
			{
				Name: "set", Usage: "park external numbers", ArgsUsage: "NUMBER …",
				Flags: controlFlags(), Action: func(c *cli.Context) error { return park(c, true) },
			},
			{
				Name: "clear", Usage: "end the parking of external numbers", ArgsUsage: "NUMBER …",
				Flags: controlFlags(), Action: func(c *cli.Context) error { return park(c, false) },
			},
			{
				Name:  "show",
				Usage: "what this installation last set: the operator cannot be asked",
				Flags: append([]cli.Flag{
					&cli.StringFlag{Name: "integration", Usage: "only this integration, by its `NAME`"},
					jsonFlag(),
				}, dataFlags()...),
				Action: showParking,
			},
		},
	}
}

func park(c *cli.Context, parked bool) error {
	if c.NArg() == 0 {
		return errors.New("parking: give external numbers")
	}
	return withOperation(c, func(o operation) error {
		rows, err := o.lines(c.Args().Slice(), parked)
		if err != nil {
			return err
		}
		var send, told []string
		for _, r := range rows {
			send = append(send, r.Raw)
			told = append(told, digitsOf(call.Number{Digits: r.Number}))
		}
		action := map[bool]string{true: "parking.set", false: "parking.clear"}[parked]
		entry := audit.Entry{Action: action, Integration: o.integration.name, Target: strings.Join(told, ", ")}
		err = audited(c, o.cfg, entry, func() (string, error) {
			failed := o.client.SetParkingNumbers(c.Context, send, parked)
			outcome := outcomeOf(failed)
			if outcome != audit.Done && outcome != audit.Unknown {
				return "", failed
			}
			for i := range rows {
				rows[i].Outcome = string(outcome)
			}
			if err := o.db.SaveParking(context.WithoutCancel(c.Context), rows); err != nil {
				return "", errors.Join(failed, fmt.Errorf("the operator was told, but parking show does not know it: %w", err))
			}
			return "", failed
		})
		if err != nil {
			return err
		}
		word := map[bool]string{true: "parked", false: "parked no more"}[parked]
		_, err = fmt.Fprintf(c.App.Writer, "%s: %s\n", count(len(rows), "number"), word)
		return err
	})
}

// lines are external numbers, spelled as the operator's own list spells them
// where it has them.
func (o operation) lines(said []string, parked bool) ([]warehouse.ParkingRow, error) {
	now := time.Now().UTC()
	known, err := o.db.Directory(o.c.Context, o.integration.name, now)
	if err != nil {
		return nil, err
	}
	var rows []warehouse.ParkingRow
	listed := false
	for _, k := range known {
		listed = listed || k.Kind == warehouse.DirectoryNumber && !k.Gone
	}
	for _, s := range said {
		n, err := o.callee(s)
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(known, func(k warehouse.DirectoryRow) bool {
			return k.Kind == warehouse.DirectoryNumber && k.ID == n.Digits && !k.Gone
		})
		raw := n.Digits
		switch {
		case at >= 0:
			raw = known[at].Raw
		case listed:
			return nil, fmt.Errorf("%s is none of the external numbers of integration %s (fonoteka directory list)", n, o.integration.name)
		}
		rows = append(rows, warehouse.ParkingRow{Integration: o.integration.name, Number: n.Digits, Raw: raw, At: now, Parked: parked})
	}
	return rows, nil
}

type parkingJSON struct {
	Integration string  `json:"integration"`
	Number      string  `json:"number"`
	Parked      bool    `json:"parked"`
	Certain     bool    `json:"certain"` // false: the operator's answer was lost
	At          *string `json:"at"`
}

func showParking(c *cli.Context) error {
	if err := noteGiven(c, "parking.show", "", ""); err != nil {
		return err
	}
	return withWarehouse(c, func(db *warehouse.DB) error {
		rows, err := db.Parking(c.Context, c.String("integration"))
		if err != nil {
			return err
		}
		if c.Bool("json") {
			out := make([]parkingJSON, len(rows))
			for i, r := range rows {
				out[i] = parkingJSON{r.Integration, r.Number, r.Parked, r.Outcome == string(audit.Done), isoTime(r.At)}
			}
			return lines(c.App.Writer, out)
		}
		if len(rows) == 0 {
			_, err := fmt.Fprintln(c.App.Writer, "This installation has parked nothing. What the cabinet or another program has set cannot be asked.")
			return err
		}
		var cells [][]string
		for _, r := range rows {
			state := map[bool]string{true: "parked", false: "not parked"}[r.Parked]
			if r.Outcome != string(audit.Done) {
				state += "? (the operator's answer was lost)"
			}
			cells = append(cells, []string{r.Integration, r.Number, state, clock(r.At)})
		}
		return table(c.App.Writer, []string{"INTEGRATION", "NUMBER", "LAST SET TO", "AT (UTC)"}, cells)
	})
}
