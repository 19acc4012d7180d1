package main

import (
	"context"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/call"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/catalogue"
	"fonoteka/internal/warehouse/directories"
	"fonoteka/internal/warehouse/reports"
	"fonoteka/internal/words"
)

// surroundings are what calls and recordings are shown with: the clocks of their
// integrations, and who had the account of the first rows that they were asked for.
// The zero value knows neither.
type surroundings struct {
	zones  map[string]*time.Location
	people map[seatAt]directories.Person
}

// seatAt is an account at a moment, as a key.
type seatAt struct {
	integration, account string
	at                   int64 // Unix milliseconds
}

func readZones(ctx context.Context, db *warehouse.DB) (s surroundings, err error) {
	s.zones, err = reports.New(db).Zones(ctx)
	return s, err
}

// readPeople reads who had the accounts of a page, in place of those of the one before.
func (s *surroundings) readPeople(ctx context.Context, db *warehouse.DB, asked []directories.AccountAt) error {
	people, err := directories.New(db).Who(ctx, asked)
	s.people = make(map[seatAt]directories.Person, len(people))
	for i, p := range people {
		s.people[seatAt{asked[i].Integration, asked[i].Account, asked[i].At.UnixMilli()}] = p
	}
	return err
}

func (s *surroundings) ofCalls(ctx context.Context, db *warehouse.DB, page []call.Record) error {
	asked := make([]directories.AccountAt, len(page))
	for i, r := range page {
		asked[i] = directories.AccountAt{Integration: r.Integration, Account: r.AccountID, At: r.StartedAt}
	}
	return s.readPeople(ctx, db, asked)
}

func (s *surroundings) ofRecordings(ctx context.Context, db *warehouse.DB, page []catalogue.Row) error {
	asked := make([]directories.AccountAt, len(page))
	for i, r := range page {
		asked[i] = directories.AccountAt{Integration: r.Integration, Account: r.AccountID, At: r.AnnouncedAt}
	}
	return s.readPeople(ctx, db, asked)
}

// clock is a moment by the clock of an integration.
func (s surroundings) clock(integration string, t time.Time) string {
	return words.Local(t, s.zones[integration])
}

// isoLocal is null in JSON where a time is not known.
func (s surroundings) isoLocal(integration string, t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	zone := s.zones[integration]
	if zone == nil {
		zone = time.UTC
	}
	iso := t.In(zone).Format("2006-01-02T15:04:05.000-07:00")
	return &iso
}

func (s surroundings) person(integration, account string, at time.Time) directories.Person {
	return s.people[seatAt{integration, account, at.UnixMilli()}]
}

// who is the person who had an account, with the department, else the account.
func (s surroundings) who(integration, account string, at time.Time) string {
	p := s.person(integration, account, at)
	name := p.Employee
	if name == "" {
		name = account
	}
	if p.Department != "" {
		name += " (" + p.Department + ")"
	}
	return orDash(strings.TrimSpace(name))
}

// choiceFlags narrow a list of calls or of recordings.
func choiceFlags(length string) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "number", Usage: "with this client or external `NUMBER` in any spelling, or an extension; 3 digits or more of one find all that have them"},
		&cli.StringFlag{Name: "employee", Usage: "of an employee with `WORDS` in the name, as the directory has it"},
		&cli.StringFlag{Name: "department", Usage: "of a department with `WORDS` in its name"},
		&cli.DurationFlag{Name: "longer", DefaultText: "any", Usage: length + " more than `SPAN`: 90s, 5m"},
		&cli.DurationFlag{Name: "shorter", DefaultText: "any", Usage: length + " less than `SPAN`"},
	}
}

// wholeNumber is how many digits a number has at least that is looked for as a whole.
const wholeNumber = 10

// numberChoice reads --number: a whole number, or part of one.
func numberChoice(c *cli.Context, areaCode string) (whole, part string, err error) {
	said := c.String("number")
	if said == "" {
		return "", "", nil
	}
	switch digits := call.ParseNumber(said, areaCode).Digits; {
	case len(digits) >= wholeNumber:
		return digits, "", nil
	case len(digits) >= 3:
		return "", digits, nil
	}
	return "", "", usage("--number: what was given is neither a phone number nor three digits or more of one")
}
