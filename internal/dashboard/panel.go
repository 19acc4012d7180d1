package dashboard

import "fmt"

// Kind is how a panel shows what its query answers.
type Kind int

// The kinds. A query of Lines and Bars answers a time first and then numbers;
// one of Categories a text first and then numbers; one of Totals a single row,
// or two where the period before is compared.
const (
	Row        Kind = iota // a heading across the page
	Totals                 // large figures, a column each
	Lines                  // over time
	Bars                   // over time, one upon the other
	Categories             // bars beside names
	Table
	States // what holds from when until when, a bar for each; of Prometheus alone
)

// Panel is one panel.
type Panel struct {
	Kind     Kind
	Title    Text
	About    Text // what is shown, and how it is counted
	Width    int  // of 24
	Height   int
	SQL      string
	Columns  []Column // those of the answer, in order
	Prom     []Prom   // instead of SQL
	Series   []Saying // the words and colours of Prom's lines, by what their legend says
	Unit     Unit     // of all numbers, for Prom
	Steps    []Step   // likewise
	Sideways bool     // Categories: bars go to the right
	Compared bool     // Totals: the first row is the period before, the second this one
	Filters  bool     // Table: columns of words can be filtered
	Empty    Text     // Table: what stands there while it has no row
}

// Shape is what a column holds.
type Shape int

// The shapes.
const (
	Number Shape = iota
	Word         // text, or anything shown as it is
	Moment       // a point in time
)

// Unit is a unit of Grafana's. Those chosen read alike in every language.
type Unit string

// The units.
const (
	Count    Unit = "locale"      // 12 345, as the browser writes numbers
	Share    Unit = "percentunit" // of 1
	Span     Unit = "dthms"       // seconds as 00:01:30
	Seconds  Unit = "s"
	Days     Unit = "days"
	Bytes    Unit = "bytes"
	PerSec   Unit = "a second"
	NoUnit   Unit = "none"
	SinceAgo Unit = "dateTimeFromNow" // from milliseconds since 1970
	onClock  Unit = "clock"           // of moments in tables
)

// spelled are the units that Grafana has no words for in both languages. Its own
// time of day shows thousandths that nobody needs, and in one order only.
var spelled = map[Unit]Text{
	Days:    {"suffix:дн.", "suffix:d"},
	PerSec:  {"suffix:/с", "suffix:/s"},
	onClock: {"time:DD.MM.YYYY HH:mm:ss", "time:YYYY-MM-DD HH:mm:ss"},
}

// in is the unit by Grafana's name.
func (u Unit) in(l Lang) string {
	if text, ok := spelled[u]; ok {
		return text.In(l)
	}
	return string(u)
}

// Colour is one of Grafana's palette.
type Colour string

// The colours: a meaning has the same one everywhere.
const (
	Green  Colour = "green"
	Yellow Colour = "yellow"
	Orange Colour = "orange"
	Red    Colour = "red"
	Blue   Colour = "blue"
	Purple Colour = "purple"
	Grey   Colour = "#8e8e8e"
	Ink    Colour = "text" // as other words
)

// Shades, for panels with more lines than there are colours.
func (c Colour) dark() Colour  { return "dark-" + c }
func (c Colour) light() Colour { return "light-" + c }
func (c Colour) pale() Colour  { return "super-light-" + c }

// Step colours values from From on; the first step of a list begins at the
// least value there is, whatever its From says.
type Step struct {
	From   float64
	Colour Colour
}

// Column is one column of a query's answer.
type Column struct {
	Name     string // in SQL
	Title    Text
	Shape    Shape
	Unit     Unit
	Colour   Colour // of a line, bar or figure
	Steps    []Step // instead of one colour
	Words    []Saying
	Link     *Link
	Width    int     // of a table's column, pixels; 0: what it needs
	Chars    int     // of a table's words, where they are of a known length; 0: names and sentences
	Gauge    bool    // a table shows a bar, whose full length is Max or the largest value
	Heat     bool    // a table colours the cell from white to blue by its value
	Hidden   bool    // only for links
	Second   bool    // Lines: on the right axis
	Decimals int     // shown; 0: as Grafana likes
	Goal     float64 // a headline names it, a graph has a line there
}

// Headline is the title of a large figure: with the goal, if there is one. Words for
// it would not fit beside seven others.
func (c Column) Headline(l Lang) string {
	switch {
	case c.Goal == 0:
		return c.Title.In(l)
	case c.Unit == Span: // less is better
		return fmt.Sprintf("%s (≤ %.0f %s)", c.Title.In(l), c.Goal, Text{"с", "s"}.In(l))
	}
	return fmt.Sprintf("%s (≥ %.0f %%)", c.Title.In(l), 100*c.Goal)
}

// Link leads from a cell to another page. In URL, ${__data.fields.NAME} is a
// column of the same row and $lang the language.
type Link struct {
	Title Text
	URL   string
	Away  bool // in another tab
}

// Prom is a query of Prometheus, a line of a panel.
type Prom struct {
	Expr   string
	Legend Text // {{label}} is replaced; "": the only one
	Colour Colour
}

// Saying replaces a value of a column by a person's words.
type Saying struct {
	Value  string
	Text   Text
	Colour Colour // "": none
}
