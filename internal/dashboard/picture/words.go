package picture

import (
	"fmt"
	"strconv"
	"time"

	"fonoteka/internal/dashboard"
)

// inks are Grafana's colours of these names, for a light page.
var inks = map[dashboard.Colour]string{
	dashboard.Green: "#4f9a2e", dashboard.Yellow: "#c99700", dashboard.Orange: "#e07400", dashboard.Red: "#d92b36",
	dashboard.Blue: "#3274d9", dashboard.Purple: "#8f5bd6", dashboard.Grey: "#8e8e8e",
}

// number reads a value; false if it is none.
func number(value any) (float64, bool) {
	switch v := value.(type) {
	case float64:
		return v, true
	case string:
		n, err := strconv.ParseFloat(v, 64)
		return n, err == nil
	}
	return 0, false
}

// colourOf is the ink of a value by its column.
func colourOf(c dashboard.Column, value any, otherwise string) string {
	n, ok := number(value)
	if c.Steps != nil && ok {
		ink := c.Steps[0].Colour
		for _, step := range c.Steps[1:] {
			if n >= step.From {
				ink = step.Colour
			}
		}
		return inks[ink]
	}
	for _, w := range c.Words {
		if said, ok := value.(string); ok && w.Value == said && w.Colour != "" {
			return inks[w.Colour]
		}
	}
	if ink, ok := inks[c.Colour]; ok && c.Colour != "" {
		return ink
	}
	return otherwise
}

// show is a value as a person reads it.
func (s Style) show(c dashboard.Column, value any) string {
	if value == nil {
		return "–"
	}
	for _, w := range c.Words {
		if w.Value == value {
			return w.Text.In(s.Lang)
		}
	}
	if value == "" {
		return "–"
	}
	if c.Shape == dashboard.Moment {
		if at, ok := moment(value); ok {
			layout := time.DateTime
			if s.Lang == dashboard.Russian {
				layout = "02.01.2006 15:04:05"
			}
			return at.In(s.Zone).Format(layout)
		}
	}
	n, ok := number(value)
	if c.Shape != dashboard.Number || !ok {
		return fmt.Sprint(value)
	}
	return measured(c.Unit, n)
}

// moment reads a time as ClickHouse writes it, in UTC.
func moment(value any) (time.Time, bool) {
	said, _ := value.(string)
	for _, layout := range []string{"2006-01-02 15:04:05.000", time.DateTime} {
		if at, err := time.Parse(layout, said); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// measured writes a number with its unit.
func measured(u dashboard.Unit, n float64) string {
	switch u {
	case dashboard.Share:
		return fmt.Sprintf("%.0f%%", 100*n)
	case dashboard.Span:
		d := time.Duration(n) * time.Second
		return fmt.Sprintf("%02d:%02d:%02d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60)
	case dashboard.Bytes:
		for _, unit := range []string{"B", "KiB", "MiB", "GiB"} {
			if n < 1024 {
				return fmt.Sprintf("%.3g %s", n, unit)
			}
			n /= 1024
		}
		return fmt.Sprintf("%.3g TiB", n)
	}
	whole := strconv.FormatFloat(n, 'f', 0, 64)
	if len(whole) > 4 {
		whole = whole[:len(whole)-3] + " " + whole[len(whole)-3:]
	}
	return whole
}
