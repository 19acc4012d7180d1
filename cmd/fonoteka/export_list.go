package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/settings"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/exports"
	"fonoteka/internal/words"
)

func exportListCommand() *cli.Command {
	return &cli.Command{
		Name:  "list",
		Usage: "packages that were exported, the newest first",
		Description: `An export that was begun and is not done was stopped on its way.

What a list shows is no proof: the audit is (fonoteka audit list --action export).`,
		Flags:  append([]cli.Flag{limitFlag("exports"), jsonFlag(), asFlag()}, settings.DataFlags()...),
		Action: listExports,
	}
}

func listExports(c *cli.Context) error {
	limit, err := listLimit(c)
	if err != nil {
		return err
	}
	if err := noteGiven(c, "export.list", "", ""); err != nil { // reasons and cases may name people
		return err
	}
	return withWarehouse(c, func(db *warehouse.DB) error {
		return listing[exports.Row]{
			page: func(ctx context.Context, limit int, after *exports.Row) ([]exports.Row, error) {
				return exports.New(db).List(ctx, limit, after)
			},
			count:  func(ctx context.Context) (uint64, error) { return exports.New(db).Count(ctx) },
			json:   func(r exports.Row) any { return r },
			none:   "nothing was exported",
			header: []string{"SELECTED (UTC)", "ID", "WHO", "CASE", "STATE", "CALLS", "FILES", "MISSING", "WHERE TO", "REASON"},
			cells: func(r exports.Row) []string {
				return []string{
					words.Clock(r.At), r.ID, r.Actor, orDash(r.Case), string(r.State), fmt.Sprint(r.Calls), fmt.Sprint(r.Files), fmt.Sprint(r.Missing), r.Destination, orDash(r.Reason),
				}
			},
		}.show(c, limit)
	})
}
