package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/audit"
	"fonoteka/internal/directory"
	"fonoteka/internal/warehouse"
)

func directoryCommand() *cli.Command {
	return &cli.Command{
		Name:  "directory",
		Usage: "workplaces, employees, departments, numbers, and how they were",
		Subcommands: []*cli.Command{
			{
				Name:  "list",
				Usage: "who sat where, today or on a day",
				Flags: append([]cli.Flag{
					&cli.StringFlag{Name: "at", Usage: "as it was at `TIME`, UTC: 2026-03-02, 2026-03-02T10:00:00 or 24h (ago)"},
					&cli.StringFlag{Name: "integration", Usage: "only this integration, by its `NAME`"},
					jsonFlag(),
				}, dataFlags()...),
				Action: listDirectory,
			},
			{
				Name:      "import",
				Usage:     "departments and employees, or names of numbers, from a table",
				ArgsUsage: "FILE.csv   (- reads standard input)",
				Description: `A header, and fields separated by comma, semicolon or tab, as spreadsheets save
them (UTF-8 or windows-1251):

  workplace,department,employee,from        number,name,from
  883140000000010,Sales,Anna,2026-03-01     84950000001,Advertisement,

workplace is its SIP id. employee may be left out: then it is the workplace's
name in the operator's cabinet. A line holds from its day on (the first moment
of it in --zone). One without a day holds from now on, and for all older calls
where nothing was said before. What the file does not name stays as it is. Calls
bear the words of their own time, and nothing has to be rebuilt.`,
				Flags: append([]cli.Flag{
					&cli.StringFlag{Name: "zone", Value: "Europe/Moscow", Usage: "time `ZONE` of days in the file"},
					&cli.BoolFlag{Name: "dry-run", Usage: "say what would change, and change nothing"},
					asFlag(), areaCodeFlag(),
				}, append(integrationFlags(), dataFlags()...)...),
				Action: importDirectory,
			},
			{
				Name:  "fetch",
				Usage: "fetch the operator's lists now",
				Flags: append([]cli.Flag{
					&cli.StringFlag{Name: "integration", Usage: "only this integration, by its `NAME`"},
					areaCodeFlag(),
				}, append(append(integrationFlags(), operatorFlags()...), dataFlags()...)...),
				Action: fetchDirectory,
			},
		},
	}
}

// seatJSON and numberJSON are the directory for programs.
type seatJSON struct {
	Kind        string   `json:"kind"` // workplace
	Integration string   `json:"integration"`
	Workplace   string   `json:"workplace"`
	Name        string   `json:"name"`
	Employee    string   `json:"employee"`
	Department  string   `json:"department"`
	Terminals   []string `json:"terminals"`
	Since       *string  `json:"since"` // null: as far back as is known
	Gone        bool     `json:"gone"`  // the operator lists it no more
}

type numberJSON struct {
	Kind        string  `json:"kind"` // number
	Integration string  `json:"integration"`
	Number      string  `json:"number"`
	Type        string  `json:"type"`
	Name        string  `json:"name"`
	Since       *string `json:"since"`
	Gone        bool    `json:"gone"`
}

func listDirectory(c *cli.Context) error {
	now := time.Now()
	at, err := parseTime("at", c.String("at"), now)
	if err != nil {
		return err
	}
	if at.IsZero() {
		at = now
	}
	if err := noteGiven(c, "directory.list", "", chosenBy(c)); err != nil {
		return err
	}
	return withWarehouse(c, func(db *warehouse.DB) error {
		seats, numbers, err := directoryAt(c, db, at)
		if err != nil {
			return err
		}
		if c.Bool("json") {
			return errors.Join(lines(c.App.Writer, seats), lines(c.App.Writer, numbers))
		}
		return printDirectory(c.App.Writer, seats, numbers)
	})
}

func directoryAt(c *cli.Context, db *warehouse.DB, at time.Time) (seats []seatJSON, numbers []numberJSON, err error) {
	rows, err := db.Directory(c.Context, c.String("integration"), at)
	if err != nil {
		return nil, nil, err
	}
	gone := map[[3]string]bool{}
	for _, r := range rows {
		gone[[3]string{r.Integration, string(r.Kind), r.ID}] = r.Gone
	}
	within := func(integration string, from, until time.Time) bool {
		return (c.String("integration") == "" || integration == c.String("integration")) && !at.Before(from) && !at.After(until)
	}
	since := func(t time.Time) *string {
		if t.Unix() <= 0 {
			return nil
		}
		return isoTime(t)
	}
	spans, err := db.Seats(c.Context)
	if err != nil {
		return nil, nil, err
	}
	place := map[[2]string]int{}
	terminals := map[[2]string][]string{}
	for _, s := range spans {
		key := [2]string{s.Integration, s.Workplace}
		switch {
		case !within(s.Integration, s.From, s.Until):
		case s.Account == s.Workplace:
			place[key] = len(seats)
			seats = append(seats, seatJSON{
				Kind: "workplace", Integration: s.Integration, Workplace: s.Workplace, Name: s.Name, Employee: s.Employee, Department: s.Department,
				Since: since(s.From), Gone: gone[[3]string{s.Integration, "workplace", s.Workplace}],
			})
		}
		if within(s.Integration, s.From, s.Until) && !gone[[3]string{s.Integration, "terminal", s.Account}] && hasTerminal(rows, s) {
			terminals[key] = append(terminals[key], s.Account)
		}
	}
	for i := range seats {
		seats[i].Terminals = append([]string{}, terminals[[2]string{seats[i].Integration, seats[i].Workplace}]...)
	}
	named, err := db.NumberNames(c.Context)
	for _, n := range named {
		if within(n.Integration, n.From, n.Until) {
			numbers = append(numbers, numberJSON{
				Kind: "number", Integration: n.Integration, Number: n.Number, Type: n.Type, Name: n.Name,
				Since: since(n.From), Gone: gone[[3]string{n.Integration, "number", n.Number}],
			})
		}
	}
	return seats, numbers, err
}

func hasTerminal(rows []warehouse.DirectoryRow, s warehouse.Seat) bool {
	for _, r := range rows {
		if r.Kind == warehouse.DirectoryTerminal && r.Integration == s.Integration && r.ID == s.Account {
			return true
		}
	}
	return false
}

func printDirectory(w io.Writer, seats []seatJSON, numbers []numberJSON) error {
	if len(seats)+len(numbers) == 0 {
		_, err := fmt.Fprintln(w, "The directory is empty: it is fetched after the first login (fonoteka auth login), or imported (fonoteka directory import).")
		return err
	}
	day := func(since *string, gone bool) string {
		switch {
		case gone:
			return "listed no more"
		case since == nil:
			return "-"
		}
		return (*since)[:16]
	}
	sort.SliceStable(seats, func(i, j int) bool {
		a, b := seats[i], seats[j]
		return a.Integration+"\x00"+a.Department+"\x00"+a.Employee < b.Integration+"\x00"+b.Department+"\x00"+b.Employee
	})
	var rows [][]string
	for _, s := range seats {
		rows = append(rows, []string{s.Integration, orDash(s.Department), orDash(s.Employee), orDash(s.Name), s.Workplace, orDash(strings.Join(s.Terminals, ", ")), strings.Replace(day(s.Since, s.Gone), "T", " ", 1)})
	}
	if len(rows) > 0 {
		if err := table(w, []string{"INTEGRATION", "DEPARTMENT", "EMPLOYEE", "WORKPLACE", "SIP ID", "TERMINALS", "SINCE (UTC)"}, rows); err != nil {
			return err
		}
	}
	if len(numbers) == 0 {
		return nil
	}
	rows = nil
	for _, n := range numbers {
		rows = append(rows, []string{n.Integration, n.Number, orDash(n.Name), orDash(n.Type), strings.Replace(day(n.Since, n.Gone), "T", " ", 1)})
	}
	fmt.Fprintln(w)
	return table(w, []string{"INTEGRATION", "NUMBER", "NAME", "TYPE", "SINCE (UTC)"}, rows)
}

func importDirectory(c *cli.Context) error {
	cfg, err := loadConfig(c, forReplay)
	if err != nil {
		return err
	}
	zone, err := time.LoadLocation(c.String("zone"))
	switch {
	case err != nil:
		return fmt.Errorf("--zone: %q is not a zone such as Europe/Moscow", c.String("zone"))
	case c.NArg() != 1:
		return errors.New("directory import: give one file")
	}
	in := io.Reader(os.Stdin)
	if name := c.Args().First(); name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	o := directory.ImportOptions{Zone: zone, AreaCode: cfg.rules.AreaCode}
	for _, i := range cfg.integrations {
		o.Integrations = append(o.Integrations, i.name)
	}
	said, err := directory.ParseImport(in, o)
	if err != nil {
		return fmt.Errorf("directory import: nothing was changed:\n%w", err)
	}
	return withWarehouse(c, func(db *warehouse.DB) error {
		now := time.Now()
		stored, err := db.Directory(c.Context, "", now)
		if err != nil {
			return err
		}
		rows, unknown := directory.Changes(said, stored, now)
		if unknown > 0 {
			fmt.Fprintf(c.App.ErrWriter, "%s of the file is in no list of the operator's: is it the SIP id of a workplace, or one of your numbers?\n", count(unknown, "line"))
		}
		if c.Bool("dry-run") {
			_, err := fmt.Fprintf(c.App.Writer, "%s of %d would change\n", count(len(rows), "line"), len(said))
			return err
		}
		err = audited(c, cfg, audit.Entry{Action: "directory.import", Detail: fmt.Sprintf("%d of %d lines change something", len(rows), len(said))}, func() (string, error) {
			return "", db.InsertDirectory(c.Context, rows)
		})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.App.Writer, "%s of %d changed\n", count(len(rows), "line"), len(said))
		return err
	})
}

func fetchDirectory(c *cli.Context) error {
	return withAccess(c, func(cfg *config, a *access) error {
		return withWarehouse(c, func(db *warehouse.DB) error {
			for _, i := range cfg.chosen(c) {
				client, err := a.client(i.name)
				if err != nil {
					return err
				}
				k, err := directory.New(directory.Options{Integration: i.name, Source: client, Store: db, AreaCode: cfg.rules.AreaCode})
				if err != nil {
					return err
				}
				changes, err := k.Fetch(c.Context, time.Now())
				if err != nil {
					return fmt.Errorf("directory of integration %s: %w", i.name, err)
				}
				fmt.Fprintf(c.App.Writer, "integration %s: fetched, %s\n", i.name, count(changes, "change"))
			}
			return nil
		})
	})
}
