package main

import (
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/directory"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/directories"
)

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
		workplaces, named, err := directory.At(c.Context, directories.New(db), c.String("integration"), at)
		if err != nil {
			return err
		}
		seats, numbers := directoryJSON(workplaces, named)
		if c.Bool("json") {
			return errors.Join(lines(c.App.Writer, seats), lines(c.App.Writer, numbers))
		}
		return printDirectory(c.App.Writer, seats, numbers)
	})
}

func directoryJSON(workplaces []directory.ListedWorkplace, named []directory.ListedNumber) (seats []seatJSON, numbers []numberJSON) {
	for _, w := range workplaces {
		seats = append(seats, seatJSON{
			Kind: "workplace", Integration: w.Integration, Workplace: w.ID, Name: w.Name, Employee: w.Employee, Department: w.Department,
			Terminals: append([]string{}, w.Terminals...), Since: isoTime(w.Since), Gone: w.Gone,
		})
	}
	for _, n := range named {
		numbers = append(numbers, numberJSON{
			Kind: "number", Integration: n.Integration, Number: n.Number, Type: n.Type, Name: n.Name, Since: isoTime(n.Since), Gone: n.Gone,
		})
	}
	return seats, numbers
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
