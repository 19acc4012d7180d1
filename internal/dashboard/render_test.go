package dashboard_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"fonoteka/internal/dashboard"
)

// rendered is what the tests look at of Grafana's JSON.
type rendered struct {
	UID        string
	Title      string
	Tags       []string
	Templating struct {
		List []struct{ Name, Type, Label string }
	}
	Panels []struct {
		ID                       int
		Type, Title, Description string
		GridPos                  struct{ X, Y, W, H int }
		Targets                  []struct {
			RawSQL string `json:"rawSql"`
			Expr   string
			Format int
		}
	}
}

func render(t *testing.T, d dashboard.Dashboard, l dashboard.Lang) (r rendered, text string) {
	t.Helper()
	b, err := dashboard.Render(d, l)
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r, string(b)
}

func TestPanelsStandBesideEachOther(t *testing.T) {
	t.Parallel()
	for _, d := range dashboard.All() {
		r, _ := render(t, d, dashboard.English)
		taken, ids := map[[2]int]string{}, map[int]bool{}
		for _, p := range r.Panels {
			if ids[p.ID] {
				t.Errorf("%s: two panels have the id %d", d.Name, p.ID)
			}
			ids[p.ID] = true
			g := p.GridPos
			if g.W < 1 || g.H < 1 || g.X+g.W > 24 {
				t.Errorf("%s, %s: stands at %+v", d.Name, p.Title, g)
			}
			for x := g.X; x < g.X+g.W; x++ {
				for y := g.Y; y < g.Y+g.H; y++ {
					if other := taken[[2]int{x, y}]; other != "" {
						t.Fatalf("%s: %s lies upon %s", d.Name, p.Title, other)
					}
					taken[[2]int{x, y}] = p.Title
				}
			}
		}
	}
}

func TestEveryPanelAsksAndIsExplained(t *testing.T) {
	t.Parallel()
	for _, d := range dashboard.All() {
		for _, l := range dashboard.Langs() {
			r, _ := render(t, d, l)
			for _, p := range r.Panels {
				if p.Type == "row" {
					continue
				}
				if p.Title == "" || len([]rune(p.Description)) < 20 {
					t.Errorf("%s: panel %d in %s says %q: %q", r.UID, p.ID, l, p.Title, p.Description)
				}
				if len(p.Targets) == 0 || p.Targets[0].RawSQL == "" && p.Targets[0].Expr == "" {
					t.Errorf("%s, %s: asks nothing", r.UID, p.Title)
				}
				if series := p.Type == "timeseries" && d.Source == dashboard.ClickHouse; series != (len(p.Targets) == 1 && p.Targets[0].Format == 0 && p.Targets[0].RawSQL != "") {
					t.Errorf("%s, %s: a %s in the format %d", r.UID, p.Title, p.Type, p.Targets[0].Format)
				}
			}
		}
	}
}

// The same word in both languages is one that nobody translated, but for those
// that are no words.
func TestBothLanguagesAreSpoken(t *testing.T) {
	t.Parallel()
	cyrillic := func(s string) bool {
		return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Cyrillic, r) })
	}
	for _, d := range dashboard.All() {
		_, english := render(t, d, dashboard.English)
		if i := strings.IndexFunc(english, func(r rune) bool { return unicode.Is(unicode.Cyrillic, r) }); i >= 0 {
			t.Errorf("%s in English says %q", d.Name, english[max(0, i-20):min(len(english), i+60)])
		}
		for _, p := range d.Panels {
			texts := []dashboard.Text{p.Title, p.About}
			for _, c := range p.Columns {
				texts = append(texts, c.Title)
			}
			for _, v := range texts {
				if v.EN != "" && !cyrillic(v.RU) && strings.ContainsFunc(v.EN, unicode.IsLower) {
					t.Errorf("%s, %s: in Russian says %q", d.Name, p.Title.EN, v.RU)
				}
			}
		}
	}
}

var (
	used    = regexp.MustCompile(`\$\{(\w+)[:}]|\$([a-z]\w*)`)
	linked  = regexp.MustCompile(`/d/(fonoteka-[\w-]+)\?`)
	ofField = regexp.MustCompile(`\$\{__data\.fields\.(\w+)`)
)

func TestLinksAndVariablesLeadSomewhere(t *testing.T) {
	t.Parallel()
	for _, l := range dashboard.Langs() {
		known := map[string]bool{}
		for _, d := range dashboard.All() {
			known[d.UID(l)] = true
		}
		for _, d := range dashboard.All() {
			r, text := render(t, d, l)
			var names []string
			for _, v := range r.Templating.List {
				names = append(names, v.Name)
			}
			for _, m := range used.FindAllStringSubmatch(text, -1) {
				if name := m[1] + m[2]; !strings.HasPrefix(name, "__") && !slices.Contains(names, name) {
					t.Errorf("%s uses the variable %s, it has %v", r.UID, name, names)
				}
			}
			for _, m := range linked.FindAllStringSubmatch(text, -1) {
				if !known[m[1]] {
					t.Errorf("%s leads to %s, which is not there", r.UID, m[1])
				}
			}
			if !slices.Contains(r.Tags, "fonoteka-"+string(l)) {
				t.Errorf("%s has the tags %v: the others do not lead to it", r.UID, r.Tags)
			}
			for _, v := range r.Templating.List {
				if v.Name != "datasource" && !strings.Contains(strings.ReplaceAll(text, `"name": "`+v.Name+`"`, ""), "$"+v.Name) && !strings.Contains(text, "${"+v.Name) {
					t.Errorf("%s has the variable %s and does not use it", r.UID, v.Name)
				}
			}
		}
	}
	for _, d := range dashboard.All() {
		for _, p := range d.Panels {
			var names []string
			for _, c := range p.Columns {
				names = append(names, c.Name)
			}
			for _, c := range p.Columns {
				if c.Link == nil {
					continue
				}
				for _, m := range ofField.FindAllStringSubmatch(c.Link.URL, -1) {
					if !slices.Contains(names, m[1]) {
						t.Errorf("%s, %s: a link takes %s, which the query does not answer", d.Name, p.Title.EN, m[1])
					}
				}
			}
		}
	}
}
