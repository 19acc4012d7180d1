package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/audit"
	"fonoteka/internal/bounded"
	"fonoteka/internal/calendar"
	"fonoteka/internal/warehouse"
)

func calendarCommand() *cli.Command {
	return &cli.Command{
		Name:  "calendar",
		Usage: "holidays and moved days of work, which the reports go by",
		Subcommands: []*cli.Command{
			{
				Name:      "import",
				Usage:     "take the production calendar of one year or several",
				ArgsUsage: "FILE",
				Description: `FILE is the calendar as CSV of the open data portal (data.gov.ru), or as JSON or
XML of xmlcalendar.ru. What it says of a year takes the place of what was there.
Reports show it within a minute or so.`,
				Flags:  dataFlags(),
				Action: importCalendar,
			},
			{
				Name:   "show",
				Usage:  "list the days that differ from their weekdays",
				Flags:  append([]cli.Flag{&cli.IntFlag{Name: "year", Usage: "only this `YEAR`; default: this year and later"}, jsonFlag()}, dataFlags()...),
				Action: showCalendar,
			},
		},
	}
}

// maxCalendar is far above what a file of calendars has, bytes: thirty years of the open
// data portal's are 10 KB.
const maxCalendar = 1 << 20

func importCalendar(c *cli.Context) error {
	if c.NArg() != 1 {
		return errors.New("calendar import: give one file")
	}
	raw, err := bounded.ReadFile(c.Args().First(), maxCalendar)
	if err != nil {
		return err
	}
	years, err := calendar.Read(raw)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Args().First(), err)
	}
	cfg, err := loadConfig(c, forStores)
	if err != nil {
		return err
	}
	return audited(c, cfg, audit.Entry{Action: "calendar.import", Detail: count(len(years), "year")}, func() (string, error) {
		return "", saveCalendar(c, years)
	})
}

func saveCalendar(c *cli.Context, years []calendar.Year) error {
	return withWarehouse(c, func(db *warehouse.DB) error {
		for _, y := range years {
			kinds := map[string]int{}
			var days []warehouse.CalendarDay
			for _, d := range y.Days {
				days = append(days, warehouse.CalendarDay{Day: d.Date, Kind: d.Kind})
				kinds[d.Kind]++
			}
			if err := db.SaveCalendar(c.Context, y.Year, days); err != nil {
				return err
			}
			fmt.Fprintf(c.App.Writer, "%d: %d free, %d shortened, %d worked on weekends\n",
				y.Year, kinds[calendar.Holiday], kinds[calendar.Short], kinds[calendar.Working])
		}
		return nil
	})
}

func showCalendar(c *cli.Context) error {
	from := time.Date(time.Now().Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	year, span := c.Int("year"), fmt.Sprintf("from %d on", from.Year())
	if year != 0 {
		span = fmt.Sprintf("of %d", year)
		from = time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return withReader(c, func(db *warehouse.DB) error {
		days, err := db.Calendar(c.Context, from)
		if err != nil {
			return err
		}
		if year != 0 {
			days = slices.DeleteFunc(days, func(d warehouse.CalendarDay) bool { return d.Day.Year() != year })
		}
		var objects []map[string]any
		for _, d := range days {
			if c.Bool("json") {
				objects = append(objects, map[string]any{"day": d.Day.Format(time.DateOnly), "kind": d.Kind})
				continue
			}
			fmt.Fprintf(c.App.Writer, "%s  %s\n", d.Day.Format("2006-01-02 Mon"), d.Kind)
		}
		if c.Bool("json") {
			return lines(c.App.Writer, objects)
		}
		if len(days) == 0 {
			fmt.Fprintf(c.App.ErrWriter, "no day %s differs from its weekday: fonoteka calendar import FILE\n", span)
		}
		return nil
	})
}
