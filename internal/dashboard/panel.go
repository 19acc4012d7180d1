package dashboard

// Kind is how a panel shows what its query answers.
type Kind int

// The kinds. A query of Lines and Bars answers a time first and then numbers;
// one of Categories a text first and then numbers; one of Totals a single row.
const (
	Row        Kind = iota // a heading across the page
	Totals                 // large figures, a column each
	Lines                  // over time
	Bars                   // over time, one upon the other
	Categories             // bars beside names
	Table
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
	Unit     Unit     // of all numbers, for Prom
	Steps    []Step   // likewise
	Sideways bool     // Categories: bars go to the right
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
	Bytes    Unit = "bytes"
	PerSec   Unit = "ops"
	NoUnit   Unit = "none"
	OnOff    Unit = "bool_on_off"
	SinceAgo Unit = "dateTimeFromNow" // from milliseconds since 1970
)

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
)

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
	Width    int  // of a table's column, pixels
	Gauge    bool // a table shows a bar, whose full length is Max or the largest value
	Heat     bool // a table colours the cell from white to blue by its value
	Max      float64
	Hidden   bool // only for links
	Second   bool // Lines: on the right axis
	Decimals int  // shown; 0: as Grafana likes
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
