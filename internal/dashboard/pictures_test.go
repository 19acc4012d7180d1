package dashboard_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"testing"

	"fonoteka/internal/dashboard"
	"fonoteka/internal/dashboard/picture"
)

// pictured are the panels that the README shows, by dashboard.
var pictured = map[string][]string{
	"overview":  {"The period in figures", "Incoming calls", "What became of the missed", "Share of answered calls", "Waiting and talking", "When they call"},
	"calls":     {"Calls", "In short", "Recordings", "What happened"},
	"employees": {"Departments", "Employees", "Talks over time", "Who talks most"},
}

// The pictures are drawn from what the panels' own queries answer.
func TestPicturesAreDrawnFromThePanelsQueries(t *testing.T) {
	t.Parallel()
	c := openCompany(t)
	zone, open := settings("main").Zone, dashboard.Values{"call": c.aCall(t)}
	for _, d := range dashboard.All() {
		var shown []picture.Shown
		for _, q := range panels() {
			if q.Dashboard == d.Name && slices.Contains(pictured[d.Name], q.Name) {
				a, _ := c.ask(t, q, 30*day, open)
				shown = append(shown, picture.Shown{Panel: *q.Panel, Rows: a.Data})
			}
		}
		if len(shown) != len(pictured[d.Name]) {
			t.Errorf("%s: %d panels are shown of %d", d.Name, len(shown), len(pictured[d.Name]))
		}
		for _, lang := range dashboard.Langs() {
			if len(shown) == 0 {
				continue
			}
			svg, err := picture.Draw(d.Title.In(lang), shown, picture.Style{Lang: lang, Zone: zone})
			if err != nil {
				t.Fatal(err)
			}
			readable(t, d.Name, svg)
			for _, p := range shown {
				if title := p.Panel.Title.In(lang); !bytes.Contains(svg, []byte(title)) {
					t.Errorf("the picture of %s does not show %q", d.Name, title)
				}
			}
			if *update {
				write(t, filepath.Join("../../grafana", "preview-"+d.Name+"-"+string(lang)+".svg"), svg)
			}
		}
	}
}

// readable checks that a browser can read it.
func readable(t *testing.T, name string, svg []byte) {
	t.Helper()
	dec := xml.NewDecoder(bytes.NewReader(svg))
	for {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
	}
}
