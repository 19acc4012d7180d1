package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/audit"
	"fonoteka/internal/bounded"
	"fonoteka/internal/calendar"
	"fonoteka/internal/exitcode"
	"fonoteka/internal/settings"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/reports"
	"fonoteka/internal/words"
)

// maxCalendar is far above what a file of calendars has, bytes: thirty years of the open
// data portal's are 10 KB.
const maxCalendar = 1 << 20

func importCalendar(c *cli.Context) error {
	if c.NArg() != 1 {
		return usage("calendar import: give one file")
	}
	raw, err := bounded.ReadFile(c.Args().First(), maxCalendar)
	if err != nil {
		return err
	}
	years, err := calendar.Read(raw)
	mistakes, bad := errors.AsType[calendar.Mistakes](err)
	switch {
	case bad && c.Bool("skip-bad") && len(years) > 0:
		fmt.Fprintln(c.App.ErrWriter, mistakes)
	case bad && len(years) > 0:
		return fmt.Errorf("%s: nothing was changed; --skip-bad takes the other %s:\n%w", c.Args().First(), words.Count(len(years), "year"), err)
	case err != nil:
		return fmt.Errorf("%s: nothing was changed:\n%w", c.Args().First(), err)
	}
	cfg, err := load(c, settings.ForStores)
	if err != nil {
		return err
	}
	err = audited(c, cfg, audit.Entry{Action: "calendar.import", Detail: words.Count(len(years), "year")}, func() (string, error) {
		return "", saveCalendar(c, years)
	})
	if err == nil {
		fmt.Fprintln(c.App.Writer, "serve works the reports out by it within minutes; until then report_pending has a row, and they may contradict report_calls")
	}
	if err == nil && bad {
		return exitcode.Incomplete
	}
	return err
}

func saveCalendar(c *cli.Context, years []calendar.Year) error {
	return withWarehouse(c, func(db *warehouse.DB) error {
		for _, y := range years {
			kinds := map[string]int{}
			var days []reports.CalendarDay
			for _, d := range y.Days {
				days = append(days, reports.CalendarDay{Day: d.Date, Kind: d.Kind})
				kinds[d.Kind]++
			}
			if err := reports.New(db).SaveCalendar(c.Context, y.Year, days); err != nil {
				return err
			}
			fmt.Fprintf(c.App.Writer, "%d: %d free, %d shortened, %d worked on weekends\n",
				y.Year, kinds[calendar.Holiday], kinds[calendar.Short], kinds[calendar.Working])
		}
		return nil
	})
}
