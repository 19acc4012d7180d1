// Package dashboard defines the Grafana dashboards over the warehouse, each
// once and in both languages, and renders them as the JSON that Grafana reads.
//
// Contract. All lists the dashboards; Render gives the JSON of one in one
// language, the same bytes for the same definition. Queries lists every query
// that a panel or a variable sends to ClickHouse, and Expand makes of it what
// the data source's plugin would send, so that tests and benchmarks run what
// Grafana runs. A panel names each column that its query answers, with its
// title, unit and colours: what a person reads follows from there, and the SQL
// is the same in every language.
//
// A query of a time series answers one column for each line, never a row for
// each: then a line's name is a column's title, in the reader's language.
//
// Grafana's own builder, grafana-foundation-sdk, was rejected: its module cannot
// be had from the Go module proxy, and a dozen of its thousands of types would
// be used. JSON written by hand was rejected too: nine dashboards in two
// languages would drift apart. Only the standard library is used.
package dashboard

import "slices"

// Lang is a language of the dashboards.
type Lang string

// The languages.
const (
	Russian Lang = "ru"
	English Lang = "en"
)

// Langs are all languages.
func Langs() []Lang { return []Lang{Russian, English} }

// Text is what a person reads, in both languages.
type Text struct{ RU, EN string }

// In returns the text in one language.
func (t Text) In(l Lang) string {
	if l == Russian {
		return t.RU
	}
	return t.EN
}

// Source is where the panels of a dashboard get their data.
type Source int

// The sources.
const (
	ClickHouse Source = iota
	Prometheus
)

// Dashboard is one dashboard.
type Dashboard struct {
	Name      string // of its file and within its uid: "overview"
	Title     Text
	About     Text
	Source    Source
	From      string // the window it opens with: "now-7d"
	Refresh   string // "": only when asked
	Variables []Variable
	Panels    []Panel
}

// UID is its id within Grafana, which its address bears.
func (d Dashboard) UID(l Lang) string { return "fonoteka-" + d.Name + "-" + string(l) }

// All are the dashboards, in the order of their links.
func All() []Dashboard {
	return []Dashboard{
		now(), overview(), missed(), explorer(), employees(), numbers(), recordings(), quality(), service(),
	}
}

// Query is one question to ClickHouse.
type Query struct {
	Dashboard string // Dashboard.Name
	Name      string // the panel's English title, or "$" and the variable's name
	SQL       string // with macros and variables
	Panel     *Panel // nil: of a variable
	Variable  *Variable
}

// Queries are all that the dashboards ask ClickHouse, each once: a variable of
// several dashboards is listed with the first.
func Queries() []Query {
	var out []Query
	var seen []string
	for _, d := range All() {
		if d.Source != ClickHouse {
			continue
		}
		for _, v := range d.Variables {
			if v.SQL == "" || slices.Contains(seen, v.Name) {
				continue
			}
			seen = append(seen, v.Name)
			out = append(out, Query{Dashboard: d.Name, Name: "$" + v.Name, SQL: v.SQL, Variable: &v})
		}
		for _, p := range d.Panels {
			if p.SQL != "" {
				out = append(out, Query{Dashboard: d.Name, Name: p.Title.EN, SQL: p.SQL, Panel: &p})
			}
		}
	}
	return out
}
