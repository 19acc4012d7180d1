package dashboard_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"fonoteka/internal/dashboard"
)

// These are the rules that a real Grafana has taught: each dashboard's JSON is held to
// them, in both languages.

// drawn is what they look at.
type drawn struct {
	Title      string
	Links      []struct{ AsDropdown bool }
	Templating struct {
		List []struct {
			Name        string
			Hide        int
			SkipURLSync bool `json:"skipUrlSync"`
			Options     []struct{ Value string }
		}
	}
	Panels []graph
}

type graph struct {
	Type, Title string
	GridPos     struct{ W int }
	Targets     []struct{ LegendFormat string }
	Options     map[string]any
	FieldConfig struct {
		Defaults  map[string]any
		Overrides []struct {
			Matcher    struct{ ID, Options string }
			Properties []struct {
				ID    string
				Value any
			}
		}
	}
}

// said are the properties of a field, by id.
type said map[string]any

// fields are a panel's overrides, by what they are of.
func (g graph) fields() map[string]said {
	all := map[string]said{}
	for _, o := range g.FieldConfig.Overrides {
		of := said{}
		for _, p := range o.Properties {
			of[p.ID] = p.Value
		}
		all[o.Matcher.Options] = of
	}
	return all
}

func (s said) number(id string) float64 { n, _ := s[id].(float64); return n }

func (s said) mode(id string) string {
	o, _ := s[id].(map[string]any)
	return fmt.Sprint(o["mode"])
}

// each gives every dashboard, with its definition, in each language.
func each(t *testing.T, look func(d dashboard.Dashboard, l dashboard.Lang, r drawn)) {
	t.Helper()
	for _, d := range dashboard.All() {
		for _, l := range dashboard.Langs() {
			var r drawn
			b, err := dashboard.Render(d, l)
			if err == nil {
				err = json.Unmarshal(b, &r)
			}
			if err != nil || len(r.Panels) != len(d.Panels) {
				t.Fatalf("%s has %d panels of %d: %v", d.Name, len(r.Panels), len(d.Panels), err)
			}
			look(d, l, r)
		}
	}
}

// A link can set every variable that the address knows. One that nobody sees may
// say where "Listen" leads: to a host that then asks for the password.
func TestAttackALinkSetsNoHiddenVariable(t *testing.T) {
	t.Parallel()
	hidden := map[string]int{}
	each(t, func(d dashboard.Dashboard, _ dashboard.Lang, r drawn) {
		for _, v := range r.Templating.List {
			if v.Hide == 0 {
				continue
			}
			hidden[v.Name]++
			if !v.SkipURLSync {
				t.Errorf("%s takes the hidden variable %s from its address", d.Name, v.Name)
			}
		}
	})
	if hidden["listen"] == 0 || hidden["datasource"] != 2*len(dashboard.All()) || len(hidden) != 2 {
		t.Errorf("the hidden variables are %v", hidden)
	}
}

// The plugin takes an empty value for all.
func TestNoChoiceIsEmpty(t *testing.T) {
	t.Parallel()
	c := openCompany(t)
	for _, q := range dashboard.Queries() {
		if q.Variable == nil {
			continue
		}
		a, sql := c.ask(t, q, 60*day, nil)
		for _, row := range a.Data {
			if row[0] == "" {
				t.Errorf("%s has an empty value\n%s", q.Name, sql)
			}
		}
	}
	for _, d := range dashboard.All() {
		for _, v := range d.Variables {
			for _, o := range v.Options {
				if o.Value == "" {
					t.Errorf("%s, %s has an empty value", d.Name, v.Name)
				}
			}
		}
	}
}

// roomOf is what a panel's columns have in a window of 1600 pixels, beside its bar
// for scrolling.
func roomOf(width int) float64 { return float64(1576*width/24-8) - 18 - 15 }

func TestTablesFitAPageOf1600Pixels(t *testing.T) {
	t.Parallel()
	each(t, func(d dashboard.Dashboard, l dashboard.Lang, r drawn) {
		for i, p := range r.Panels {
			if p.Type != "table" {
				continue
			}
			fields, sum, flexible := p.fields(), 0.0, false
			for _, c := range d.Panels[i].Columns {
				f, ok := fields[c.Name]
				if !ok && c.Heat {
					f, ok = fields["/^("+strings.Join(heads, "|")+")$/"]
				}
				if !ok {
					t.Fatalf("%s, %s: nothing is said of %s", d.Name, p.Title, c.Name)
				}
				if c.Hidden {
					continue
				}
				at := f.number("custom.width") + f.number("custom.minWidth")
				sum, flexible = sum+at, flexible || f["custom.minWidth"] != nil
				heading := 16 + 8*float64(len([]rune(c.Title.In(l))))
				if f["custom.filterable"] == true {
					heading += 22
				}
				if at < heading {
					t.Errorf("%s, %s: %q has %.0f of %.0f pixels", d.Name, p.Title, c.Title.In(l), at, heading)
				}
				switch c.Name {
				case "employee", "department", "closed_employee", "called", "calling", "who", "name":
					if at < 160 {
						t.Errorf("%s, %s: names have %.0f pixels", d.Name, p.Title, at)
					}
				}
				if c.Heat && (f.number("custom.minWidth") != 50 || f["custom.align"] != "center" || f["custom.filterable"] != nil) {
					t.Errorf("%s, %s: hours are %v", d.Name, p.Title, f)
				}
			}
			if first := d.Panels[i].Columns[0]; d.Panels[i].Columns[1].Heat && fields[first.Name].number("custom.width") == 0 {
				t.Errorf("%s, %s: the first column has no width of its own", d.Name, p.Title)
			}
			if room := roomOf(p.GridPos.W); sum > room || !flexible {
				t.Errorf("%s, %s, %s: the columns need %.0f of %.0f pixels, and one must grow", d.Name, p.Title, l, sum, room)
			}
			if custom := p.FieldConfig.Defaults["custom"].(map[string]any); custom["filterable"] != false {
				t.Errorf("%s, %s: every column has a filter", d.Name, p.Title)
			}
		}
	})
}

// heads are the names of the columns of hours.
var heads = func() (all []string) {
	for h := range 24 {
		all = append(all, fmt.Sprint(h))
	}
	return all
}()

// decimals on a graph's field are those of its axis, whose steps of less than a whole
// are then left out, and a word for no value stands at them instead.
func TestAxesOfSharesRunFromNothingToAll(t *testing.T) {
	t.Parallel()
	shares := 0
	each(t, func(d dashboard.Dashboard, _ dashboard.Lang, r drawn) {
		for _, p := range r.Panels {
			if p.Type != "timeseries" && p.Type != "barchart" && p.Type != "state-timeline" {
				continue
			}
			if p.FieldConfig.Defaults["noValue"] != nil || p.FieldConfig.Defaults["decimals"] != nil {
				t.Errorf("%s, %s: a graph has decimals or words for no value", d.Name, p.Title)
			}
			for name, f := range p.fields() {
				if f["noValue"] != nil || f["decimals"] != nil {
					t.Errorf("%s, %s, %s: has decimals or words for no value: %v", d.Name, p.Title, name, f)
				}
				if f["unit"] != "percentunit" {
					continue
				}
				shares++
				if f["min"] != 0.0 || f["max"] != 1.0 {
					t.Errorf("%s, %s, %s: runs from %v to %v", d.Name, p.Title, name, f["min"], f["max"])
				}
			}
		}
	})
	if shares < 8 {
		t.Errorf("%d lines of shares", shares)
	}
}

// Letters are coloured where they tell an outcome, or how far a goal is.
func TestOnlyOutcomesAndGoalsAreColoured(t *testing.T) {
	t.Parallel()
	outcomes := []string{"outcome", "state", "what"}
	each(t, func(d dashboard.Dashboard, _ dashboard.Lang, r drawn) {
		for i, p := range r.Panels {
			if p.Type != "table" {
				continue
			}
			if said(p.FieldConfig.Defaults).mode("color") != "thresholds" {
				t.Errorf("%s, %s: letters have the colours of the palette", d.Name, p.Title)
			}
			for _, c := range d.Panels[i].Columns {
				f := p.fields()[c.Name]
				cell, _ := f["custom.cellOptions"].(map[string]any)
				if coloured := cell["type"] == "color-text"; coloured && c.Steps == nil && !slices.Contains(outcomes, c.Name) {
					t.Errorf("%s, %s: %s is coloured", d.Name, p.Title, c.Name)
				} else if !coloured && c.Steps != nil && !c.Gauge {
					t.Errorf("%s, %s: %s is not coloured", d.Name, p.Title, c.Name)
				}
				if mode := f.mode("color"); mode == "fixed" && !c.Gauge {
					t.Errorf("%s, %s: %s has one colour", d.Name, p.Title, c.Name)
				}
			}
		}
	})
}

// A meaning has one colour on all dashboards: as a figure, a line and a word.
func TestAMeaningHasOneColour(t *testing.T) {
	t.Parallel()
	seen := map[string]dashboard.Colour{}
	see := func(where, what string, c dashboard.Colour) {
		if before, ok := seen[what]; ok && before != c {
			t.Errorf("%s: %s is %s, elsewhere %s", where, what, c, before)
		}
		seen[what] = c
	}
	for _, d := range dashboard.All() {
		for _, p := range d.Panels {
			for _, c := range p.Columns {
				for _, w := range c.Words {
					if w.Colour != "" {
						see(d.Name+", "+p.Title.EN, strings.ReplaceAll(w.Value, " ", "_"), w.Colour)
					}
				}
				if c.Colour != "" && p.Kind != dashboard.Table {
					see(d.Name+", "+p.Title.EN, c.Name, c.Colour)
				}
			}
		}
	}
	if len(seen) < 30 {
		t.Errorf("%d meanings have colours", len(seen))
	}
}

func TestTimesAndNothingReadAlikeInEveryTable(t *testing.T) {
	t.Parallel()
	order := map[dashboard.Lang]string{dashboard.Russian: "time:DD.MM.YYYY HH:mm:ss", dashboard.English: "time:YYYY-MM-DD HH:mm:ss"}
	each(t, func(d dashboard.Dashboard, l dashboard.Lang, r drawn) {
		for i, p := range r.Panels {
			if p.Type != "table" {
				continue
			}
			if words, _ := p.FieldConfig.Defaults["noValue"].(string); len([]rune(words)) < 5 {
				t.Errorf("%s, %s: says %q while it is empty", d.Name, p.Title, words)
			}
			for _, c := range d.Panels[i].Columns {
				f, ok := p.fields()[c.Name]
				if c.Shape == dashboard.Word && !c.Hidden && !strings.Contains(fmt.Sprint(f["mappings"]), "map[:map[") {
					t.Errorf("%s, %s: %s says nothing where there is no word: %v", d.Name, p.Title, c.Name, f["mappings"])
				}
				if c.Shape == dashboard.Moment && f["unit"] != order[l] {
					t.Errorf("%s, %s: %s has the unit %v", d.Name, p.Title, c.Name, f["unit"])
				}
				if ok && !c.Hidden && f["noValue"] != "–" {
					t.Errorf("%s, %s: %s says %v where there is nothing", d.Name, p.Title, c.Name, f["noValue"])
				}
			}
		}
	})
}

// The list of the others is sorted by title.
func TestTheListOfDashboardsHasTheirOrder(t *testing.T) {
	t.Parallel()
	titles := map[dashboard.Lang][]string{}
	each(t, func(_ dashboard.Dashboard, l dashboard.Lang, r drawn) {
		titles[l] = append(titles[l], r.Title)
		if len(r.Links) != 1 || !r.Links[0].AsDropdown {
			t.Errorf("%s: the links are %v", r.Title, r.Links)
		}
	})
	for l, list := range titles {
		if !slices.IsSorted(list) || len(list) > 9 {
			t.Errorf("%s: Grafana would not list them in this order: %q", l, list)
		}
	}
}

var label = regexp.MustCompile(`\{\{\w+\}\}`)

// On the service's dashboard, too, a line speaks the reader's language, and no two of
// a panel have one colour.
func TestLinesOfTheServiceHaveWordsAndColoursOfTheirOwn(t *testing.T) {
	t.Parallel()
	each(t, func(d dashboard.Dashboard, l dashboard.Lang, r drawn) {
		for i, p := range r.Panels {
			if d.Source != dashboard.Prometheus || p.Type == "row" {
				continue
			}
			if unit := fmt.Sprint(p.FieldConfig.Defaults["unit"]); slices.Contains([]string{"ops", "bool_on_off", "<nil>"}, unit) {
				t.Errorf("%s: has the unit %s", p.Title, unit)
			}
			for _, target := range p.Targets {
				if label.MatchString(target.LegendFormat) && len(d.Panels[i].Series) == 0 {
					t.Errorf("%s: %s stands there as it is", p.Title, target.LegendFormat)
				}
				if words := label.ReplaceAllString(target.LegendFormat, ""); l == dashboard.Russian && strings.IndexFunc(words, unicode.IsLower) >= 0 && !strings.ContainsFunc(words, cyrillic) && words != "ClickHouse" {
					t.Errorf("%s: %q is no Russian", p.Title, words)
				}
			}
			colours := map[dashboard.Colour]bool{}
			for _, q := range d.Panels[i].Prom {
				if colours[q.Colour] && q.Colour != "" {
					t.Errorf("%s: two lines are %s", p.Title, q.Colour)
				}
				colours[q.Colour] = true
			}
			series := map[dashboard.Colour]string{}
			for _, w := range d.Panels[i].Series {
				if before, ok := series[w.Colour]; ok && w.Colour != "" {
					t.Errorf("%s: %s and %s are %s", p.Title, before, w.Value, w.Colour)
				}
				series[w.Colour] = w.Value
			}
			if colours[""] && len(colours) > 1 {
				t.Errorf("%s: a line of the palette beside lines of our own colours", p.Title)
			}
		}
	})
}

func cyrillic(r rune) bool { return unicode.Is(unicode.Cyrillic, r) }

// A headline says its goal, and a graph of the same has a line there.
func TestGoalsAreSaidAndDrawn(t *testing.T) {
	t.Parallel()
	said, lines := 0, 0
	each(t, func(d dashboard.Dashboard, _ dashboard.Lang, r drawn) {
		for i, p := range r.Panels {
			goals := 0
			for _, c := range d.Panels[i].Columns {
				if c.Goal == 0 {
					continue
				}
				goals++
				if c.Steps != nil && !slices.ContainsFunc(c.Steps, func(s dashboard.Step) bool { return s.From == c.Goal }) {
					t.Errorf("%s, %s: the goal of %s is no step of its colours", d.Name, p.Title, c.Name)
				}
				title, _ := p.fields()[c.Name]["displayName"].(string)
				if p.Type == "stat" {
					said++
					if about := d.Panels[i].About; !strings.ContainsAny(title, "≥≤") || !strings.Contains(about.RU, "в скобках") || !strings.Contains(about.EN, "in brackets") {
						t.Errorf("%s, %s: %q says no goal, or nobody says that it is one", d.Name, p.Title, title)
					}
				}
			}
			if p.Type != "timeseries" {
				continue
			}
			custom := p.FieldConfig.Defaults["custom"].(map[string]any)
			steps := p.FieldConfig.Defaults["thresholds"].(map[string]any)["steps"].([]any)
			if goals > 0 {
				lines++
				if custom["thresholdsStyle"] == nil || len(steps) != goals+1 {
					t.Errorf("%s, %s: %d goals, drawn %v by %v", d.Name, p.Title, goals, custom["thresholdsStyle"], steps)
				}
			} else if custom["thresholdsStyle"] != nil {
				t.Errorf("%s, %s: draws a goal that it does not have", d.Name, p.Title)
			}
		}
	})
	if said < 2*6 || lines < 2*4 {
		t.Errorf("%d goals are said, %d drawn", said, lines)
	}
}
