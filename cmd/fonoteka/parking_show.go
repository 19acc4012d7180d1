package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/audit"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/directories"
	"fonoteka/internal/words"
)

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
		rows, err := directories.New(db).Parking(c.Context, c.String("integration"))
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
			cells = append(cells, []string{r.Integration, r.Number, state, words.Clock(r.At)})
		}
		return table(c.App.Writer, []string{"INTEGRATION", "NUMBER", "LAST SET TO", "AT (UTC)"}, cells)
	})
}
