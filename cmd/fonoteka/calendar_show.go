package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/reports"
)

type dayJSON struct {
	Day  string `json:"day"`
	Kind string `json:"kind"` // holiday, working (on a weekend) or short
}

func showCalendar(c *cli.Context) error {
	from := time.Date(time.Now().Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	year, span := c.Int("year"), fmt.Sprintf("from %d on", from.Year())
	if year != 0 {
		span = fmt.Sprintf("of %d", year)
		from = time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return withReader(c, func(db *warehouse.DB) error {
		days, err := reports.New(db).Calendar(c.Context, from)
		if err != nil {
			return err
		}
		if year != 0 {
			days = slices.DeleteFunc(days, func(d reports.CalendarDay) bool { return d.Day.Year() != year })
		}
		var objects []dayJSON
		for _, d := range days {
			if c.Bool("json") {
				objects = append(objects, dayJSON{d.Day.Format(time.DateOnly), d.Kind})
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
