package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/bounded"
	"fonoteka/internal/settings"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/words"
)

// maxQuery is the longest query that is read from standard input, bytes.
const maxQuery = 16 << 20

func sqlCommand() *cli.Command {
	return &cli.Command{
		Name:      "sql",
		Usage:     "ask the warehouse, running or stopped",
		ArgsUsage: "'SELECT …'   (- reads it from standard input)",
		Description: `Database fonoteka, read-only, with final = 1: every call and recording shows
once. The tables: events, calls, legs, recordings, custody, rejected.

  fonoteka sql 'SELECT outcome, count() FROM calls GROUP BY outcome'

For reports there are views named report_…; schema/README.md explains them all.
--connection says what Grafana and SQL tools ask for, the password included. Where
the kernel cannot confine the engine to its folder there is no user for them
(--allow-unconfined-engine); this command works all the same.`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "format", Usage: "any `FORMAT` of ClickHouse's output (CSV, JSON, TSV …); default: a table on a terminal, else TSV with names"},
			&cli.BoolFlag{Name: "connection", Usage: "say how Grafana and SQL tools connect: host, ports, user, password"},
			&cli.BoolFlag{Name: "json", Usage: "with --connection: as JSON"},
		}, settings.DataFlags()...),
		Action: func(c *cli.Context) error {
			query := c.Args().First()
			switch {
			case c.Bool("connection"):
				return sayConnection(c)
			case c.NArg() != 1:
				return usage("sql: give one query, in quotes")
			case query == "-":
				b, err := bounded.Read(os.Stdin, maxQuery)
				if err != nil {
					return fmt.Errorf("sql: read the query: %w", err)
				}
				query = string(b)
			}
			format := c.String("format")
			if format == "" {
				format = "TSVWithNames"
				if terminal(c.App.Writer) {
					format = "PrettyCompactMonoBlock"
				}
			}
			if err := noteGiven(c, "sql.query", "", words.Count(len(query), "byte")); err != nil { // its words may name people
				return err
			}
			return withReader(c, func(db *warehouse.DB) error {
				to := c.App.Writer // a person's terminal obeys what stands in the data
				if !terminal(to) {
					to = raw(to) // a program wants it as it is, and some formats are no text
				}
				out := bufio.NewWriter(to)
				if err := db.QueryFormat(c.Context, out, query, format); err != nil {
					return errors.Join(err, out.Flush())
				}
				return out.Flush()
			})
		},
	}
}
