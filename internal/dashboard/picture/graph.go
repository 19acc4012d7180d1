package picture

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-analyze/charts"

	"fonoteka/internal/dashboard"
)

// graph draws bars and lines.
func (s Style) graph(p Shown, w, h int) (string, error) {
	if p.Panel.Sideways { // the library begins at the bottom
		p.Rows = slices.Clone(p.Rows)
		slices.Reverse(p.Rows)
	}
	series := p.Panel.Columns[1:]
	key := s.legend(series, w, h)
	if key != "" {
		h -= 22
	}
	painter := charts.NewPainter(charts.PainterOptions{OutputFormat: charts.ChartOutputSVG, Width: w, Height: h})
	data, colours := make([][]float64, len(series)), make([]charts.Color, len(series))
	for i, c := range series {
		colours[i] = charts.ParseColor(colourOf(c, nil, "#3274d9"))
		for _, row := range p.Rows {
			n, ok := number(row[i+1])
			if !ok {
				n = charts.GetNullValue()
			}
			data[i] = append(data[i], n)
		}
	}
	theme := charts.MakeTheme(charts.ThemeOption{
		AxisStrokeColor: charts.ParseColor("#c8ccd0"), AxisSplitLineColor: charts.ParseColor("#eceef0"), BackgroundColor: charts.ColorWhite,
		TextColor: charts.ParseColor("#6e7680"), SeriesColors: colours,
	})
	unit := series[0].Unit
	format := func(n float64) string { return measured(unit, n) }
	legend := charts.LegendOption{Show: charts.Ptr(false)}
	padding := charts.Box{Top: 8, Left: 12, Right: 22, Bottom: 4, IsSet: true}
	small := charts.FontStyle{FontSize: 8.5}
	labels := s.labels(p)
	var err error
	switch p.Panel.Kind {
	case dashboard.Lines:
		for i, c := range series { // goals are lines of their own
			if c.Goal != 0 {
				colours = slices.Insert(colours, len(colours), colours[i].WithAlpha(90))
				data = slices.Insert(data, len(data), slices.Repeat([]float64{c.Goal}, len(p.Rows)))
			}
		}
		theme = theme.WithSeriesColors(colours)
		o := charts.NewLineChartOptionWithData(data)
		o.Theme, o.Legend, o.Padding, o.ValueFormatter = theme, legend, padding, format
		o.Symbol, o.LineStrokeWidth = charts.Symbol{Shape: charts.SymbolNone}, 2
		o.XAxis = charts.XAxisOption{Labels: labels, LabelCount: 5, LabelFontStyle: small, BoundaryGap: charts.Ptr(false)}
		o.YAxis = axes(series, &o, small)
		err = painter.LineChart(o)
	default:
		o := charts.NewBarChartOptionWithData(data)
		o.Theme, o.Legend, o.Padding, o.ValueFormatter = theme, legend, padding, format
		o.StackSeries, o.Horizontal = charts.Ptr(true), p.Panel.Sideways
		o.CategoryAxis = charts.CategoryAxisOption{Labels: labels, LabelCount: 6, LabelFontStyle: small}
		o.ValueAxis = []charts.ValueAxisOption{{Min: charts.Ptr(0.0), SplitLineShow: charts.Ptr(true), LabelFontStyle: small}}
		if o.Horizontal {
			o.CategoryAxis.LabelCount, o.Padding.Left = len(labels), 74
			o.CategoryAxis.LabelOffset = charts.OffsetInt{Left: -30} // Cyrillic is wider than the library thinks
			o.ValueAxis[0].LabelCount = 4
		}
		err = painter.BarChart(o)
	}
	if err != nil {
		return "", err
	}
	svg, err := painter.Bytes()
	return nested(svg, w, h) + key, err
}

// legend names the colours below a graph of several columns.
func (s Style) legend(series []dashboard.Column, w, h int) string {
	if len(series) < 2 {
		return ""
	}
	length := func(c dashboard.Column) int { return 30 + 15*len([]rune(c.Title.In(s.Lang)))/2 }
	all := 0
	for _, c := range series {
		all += length(c)
	}
	var b strings.Builder
	x := max((w-all)/2, 10)
	for _, c := range series {
		fmt.Fprintf(&b, `<rect x="%d" y="%d" width="10" height="10" rx="2" fill="%s"/>`, x, h-19, colourOf(c, nil, "#3274d9"))
		b.WriteString(text(x+15, h-10, c.Title.In(s.Lang), `fill="#555c63" font-size="12"`))
		x += length(c)
	}
	return b.String()
}

// axes has a right one where a column asks for it; a share's ends at 100 %.
func axes(series []dashboard.Column, o *charts.LineChartOption, small charts.FontStyle) []charts.YAxisOption {
	list := []charts.YAxisOption{{Min: charts.Ptr(0.0), SplitLineShow: charts.Ptr(true), LabelFontStyle: small, LabelCount: 5}}
	if series[0].Unit == dashboard.Share {
		list[0].Max = charts.Ptr(1.0)
	}
	for i, c := range series {
		if c.Second {
			o.SeriesList[i].YAxisIndex = 1
			list = append(list, charts.YAxisOption{Min: charts.Ptr(0.0), LabelFontStyle: small, LabelCount: 5})
		}
	}
	return list
}

// labels are the names of the bars, or the moments, as short as they can be.
func (s Style) labels(p Shown) []string {
	hours := false
	var list []string
	for i, row := range p.Rows {
		at, ok := moment(row[0])
		if next, is := moment(p.Rows[min(i+1, len(p.Rows)-1)][0]); i == 0 && is {
			hours = next.Sub(at) < 20*time.Hour
		}
		switch {
		case !ok:
			list = append(list, s.show(p.Panel.Columns[0], row[0]))
		case hours:
			list = append(list, at.In(s.Zone).Format("02.01 15:04"))
		default:
			list = append(list, at.In(s.Zone).Format("02.01"))
		}
	}
	return list
}

// nested makes of a whole SVG, which has a view box alone, a part of another.
func nested(svg []byte, w, h int) string {
	whole := string(svg)
	if i := strings.Index(whole, "<svg"); i >= 0 {
		whole = whole[i:]
	}
	return strings.Replace(whole, "<svg", fmt.Sprintf(`<svg width="%d" height="%d"`, w, h), 1)
}
