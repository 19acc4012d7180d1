// Package picture draws a dashboard as an SVG, from what its own queries
// answered: for the README, since a Grafana does not run in the build. It shows
// where panels stand, their words, units and colours; it is not Grafana's drawing.
//
// The graphs come from go-analyze/charts, which is pure Go and kept; gonum/plot
// was rejected, as it draws for papers: no legends of a dashboard's kind, no
// rounded shapes. Figures and tables are a few rectangles and words, written
// here.
package picture

import (
	"fmt"
	"html"
	"math"
	"strings"
	"time"

	"fonoteka/internal/dashboard"
)

// Shown is a panel with its answer: a row of values for each row, numbers as
// float64 or as text that reads as one, moments as text in UTC, nil for null.
type Shown struct {
	Panel dashboard.Panel
	Rows  [][]any
}

// Style is how a picture is drawn.
type Style struct {
	Lang dashboard.Lang
	Zone *time.Location // of the moments
}

// The grid is Grafana's: 24 columns, rows of a fixed height.
const (
	column, line, gap, margin = 50, 30, 8, 12
	width                     = 24*column + 2*margin
	head                      = 46
)

// Draw lays the panels out as Grafana would, under the dashboard's title.
func Draw(title string, panels []Shown, s Style) ([]byte, error) {
	var body strings.Builder
	x, y, below := 0, 0, 0
	for _, p := range panels {
		if x+p.Panel.Width > 24 {
			x, y = 0, below
		}
		inner, err := s.panel(p)
		if err != nil {
			return nil, fmt.Errorf("draw %s: %w", p.Panel.Title.EN, err)
		}
		fmt.Fprintf(&body, `<g transform="translate(%d %d)">%s</g>`+"\n", margin+x*column, head+y*line, inner)
		x, below = x+p.Panel.Width, max(below, y+p.Panel.Height)
	}
	height := head + below*line + margin
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="Inter,Roboto,'Noto Sans','DejaVu Sans',sans-serif" font-size="13" fill="#24292e">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="#f4f5f5"/>`+"\n")
	b.WriteString(text(margin+4, 30, title, `font-size="19" font-weight="600"`))
	b.WriteString("\n" + body.String() + "</svg>\n")
	return []byte(b.String()), nil
}

func text(x, y int, words, attributes string) string {
	return fmt.Sprintf(`<text x="%d" y="%d" %s>%s</text>`, x, y, attributes, html.EscapeString(words))
}

// panel is a card with its title, and what it shows.
func (s Style) panel(p Shown) (string, error) {
	w, h := p.Panel.Width*column-gap, p.Panel.Height*line-gap
	var inner string
	var err error
	switch p.Panel.Kind {
	case dashboard.Totals:
		inner = s.totals(p, w, h-30)
	case dashboard.Table:
		inner = s.table(p, w, h-30)
	default:
		inner, err = s.graph(p, w, h-30)
	}
	card := fmt.Sprintf(`<rect width="%d" height="%d" rx="3" fill="#fff" stroke="#e0e2e5"/>`, w, h)
	return card + text(10, 21, p.Panel.Title.In(s.Lang), `font-weight="600"`) + `<g transform="translate(0 30)">` + inner + "</g>", err
}

// totals are large figures beside each other, or in two columns on a tall card.
func (s Style) totals(p Shown, w, h int) string {
	across := len(p.Panel.Columns)
	if h > w/2 {
		across = 2
	}
	down := (len(p.Panel.Columns) + across - 1) / across
	var b strings.Builder
	for i, c := range p.Panel.Columns {
		cx, cy := w*(2*(i%across)+1)/(2*across), h*(2*(i/across)+1)/(2*down)
		if p.Panel.Compared {
			cy -= 12
		}
		value, size := p.Rows[len(p.Rows)-1][i], 30
		switch {
		case down > 1:
			size = 38
		case across > 6:
			size = 25
		}
		b.WriteString(text(cx, cy+2, s.show(c, value), fmt.Sprintf(`text-anchor="middle" font-size="%d" font-weight="600" fill="%s"`, size, colourOf(c, value, "#24292e"))))
		b.WriteString(text(cx, cy+24, c.Headline(s.Lang), `text-anchor="middle" fill="#6e7680" font-size="11.5"`))
		if change := changed(p.Rows, i); p.Panel.Compared && change != "" {
			b.WriteString(text(cx, cy+42, change, `text-anchor="middle" fill="#6e7680" font-size="11.5"`))
		}
	}
	return b.String()
}

// changed tells how a figure differs from that of the period before; "" where nothing
// is known of it.
func changed(rows [][]any, column int) string {
	before, ok := number(rows[0][column])
	after, known := number(rows[len(rows)-1][column])
	if !ok || !known || before == 0 {
		return ""
	}
	percent := 100 * (after - before) / before
	arrow := "▲"
	if percent < 0 {
		arrow = "▼"
	}
	return fmt.Sprintf("%s %.0f %%", arrow, math.Abs(percent))
}

// table has as many rows as there is room for.
func (s Style) table(p Shown, w, h int) string {
	const row = 26
	xs, columns, whole := s.widths(p.Panel, w)
	most := largest(p)
	var b strings.Builder
	end := ""
	if whole > w { // Grafana's page is wider
		end = "</g>"
		fmt.Fprintf(&b, `<g transform="scale(%.3f)">`, float64(w)/float64(whole))
		w, h = whole, h*whole/w
	}
	for i, c := range columns {
		cell := w
		if i+1 < len(columns) {
			cell = xs[i+1]
		}
		cell -= xs[i]
		b.WriteString(cellText(c, xs[i], 17, cell, c.Title.In(s.Lang), `fill="#6e7680"`))
		for j, values := range p.Rows[:min(len(p.Rows), (h-24)/row)] {
			top, value := 24+j*row, values[indexOf(p.Panel.Columns, c.Name)]
			if i == 0 {
				fmt.Fprintf(&b, `<path d="M0 %d.5H%d" stroke="#eceef0"/>`, top, w)
			}
			ink := "#24292e"
			switch {
			case c.Heat:
				n, _ := number(value)
				fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%d" height="%d" fill="#1f60c4" fill-opacity="%.2f"/>`, xs[i]+1, top+1, cell-1, row-1, 0.04+0.86*n/max(most, 1e-9))
				if n > most*0.55 {
					ink = "#fff"
				}
			case c.Gauge:
				n, _ := number(value)
				of := largestOf(p, indexOf(p.Panel.Columns, c.Name))
				fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%d" height="%d" rx="2" fill="#5794f2" fill-opacity=".35"/>`, xs[i]+6, top+6, int(float64(cell-12)*n/max(of, 1e-9)), row-11)
			default:
				ink = colourOf(c, value, ink)
			}
			b.WriteString(cellText(c, xs[i], top+18, cell, s.show(c, value), fmt.Sprintf(`fill="%s"`, ink)))
		}
	}
	return b.String() + end
}

func cellText(c dashboard.Column, x, y, w int, words, attributes string) string {
	if room := w / 9; len([]rune(words)) > room+1 {
		words = string([]rune(words)[:max(room-1, 1)]) + "…"
	}
	switch {
	case c.Heat:
		return text(x+w/2, y, words, attributes+` text-anchor="middle" font-size="11.5"`)
	case c.Shape == dashboard.Number:
		return text(x+w-10, y, words, attributes+` text-anchor="end"`)
	}
	return text(x+10, y, words, attributes)
}

// widths gives the columns that are seen their beginnings: each has what it needs, and
// those that grow share what is left, as in Grafana. whole is what all of them need.
func (s Style) widths(p dashboard.Panel, w int) (xs []int, seen []dashboard.Column, whole int) {
	var want []int
	sum, growing := 0, 0
	for _, c := range p.Columns {
		if c.Hidden {
			continue
		}
		n := c.Width
		if n == 0 {
			n = p.Least(c, s.Lang)
			if c.Grows(s.Lang) {
				growing++
			}
		}
		seen, want, sum = append(seen, c), append(want, n), sum+n
	}
	at := 0
	for i, n := range want {
		if sum < w && seen[i].Width == 0 && seen[i].Grows(s.Lang) {
			n += (w - sum) / growing
		}
		xs, at = append(xs, at), at+n
	}
	return xs, seen, max(at, sum)
}

func indexOf(columns []dashboard.Column, name string) int {
	for i, c := range columns {
		if c.Name == name {
			return i
		}
	}
	return 0
}

// largest is the largest number of the cells that share a scale of colours.
func largest(p Shown) (most float64) {
	for i, c := range p.Panel.Columns {
		if c.Heat {
			most = max(most, largestOf(p, i))
		}
	}
	return most
}

func largestOf(p Shown, column int) (most float64) {
	for _, row := range p.Rows {
		n, _ := number(row[column])
		most = max(most, n)
	}
	return most
}
