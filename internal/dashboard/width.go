package dashboard

import "unicode/utf8"

// The widths of a table's parts in pixels, as Grafana draws them at its usual size
// of letters: measured on screenshots, the widest common letters taken.
const (
	headLetter = 8.5
	cellLetter = 8
	padding    = 16
	filterIcon = 24
	leastHour  = 50  // of a cell in a table by hour
	leastName  = 160 // of a name
	leastGauge = 150 // of a bar with its figure
	sentence   = 24  // characters, from where on words are one
)

// filtered says that a column has a filter in its heading. Figures and moments have
// none: nobody picks one of them out of a list, and the icon takes the heading's room.
func (p Panel) filtered(c Column) bool {
	return p.Filters && c.Shape == Word && !c.Hidden
}

// Least is the width that a column must have for its heading and what stands in it.
func (p Panel) Least(c Column, l Lang) int {
	if c.Heat {
		return leastHour
	}
	heading := padding + headLetter*float64(utf8.RuneCountInString(c.Title.In(l)))
	if p.filtered(c) {
		heading += filterIcon
	}
	cell := padding + cellLetter*c.chars(l)
	switch {
	case c.Gauge:
		cell = max(cell, leastGauge)
	case c.Shape == Word && cell == padding:
		cell = leastName
	}
	return int(max(heading, float64(cell)) + 0.5)
}

// chars is how many characters stand in a cell; 0: nobody knows.
func (c Column) chars(l Lang) int {
	switch {
	case c.Shape == Moment:
		return len("30.11.2026 12:34:56")
	case c.Shape == Number && c.Unit == Span:
		return len("166:34:16")
	case c.Shape == Number && c.Unit == Share:
		return len("100%")
	case c.Shape == Number:
		return len("123 456")
	}
	longest := c.Chars
	for _, w := range c.Words {
		if w.Value != "" {
			longest = max(longest, utf8.RuneCountInString(w.Text.In(l)))
		}
	}
	if longest > sentence {
		return 0
	}
	return longest
}

// Grows says that a column takes its share of the room that is left. Those whose
// words are of a known length do not, so that names get it.
func (c Column) Grows(l Lang) bool {
	return c.Shape == Number || c.Shape == Word && c.chars(l) == 0
}
