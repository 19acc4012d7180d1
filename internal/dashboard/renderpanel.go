package dashboard

import (
	"cmp"
	"slices"
	"strings"
)

func (r renderer) panel(p Panel) object {
	o := object{"title": r.text(p.Title), "description": r.text(p.About), "type": p.Kind.plugin()}
	if p.Kind == Row {
		o["collapsed"], o["panels"] = false, []any{}
		return o
	}
	o["datasource"], o["targets"] = r.source(), r.targets(p)
	o["options"] = r.options(p)
	o["fieldConfig"] = object{"defaults": r.defaults(p), "overrides": r.overrides(p)}
	return o
}

func (k Kind) plugin() string {
	return [...]string{
		Row: "row", Totals: "stat", Lines: "timeseries", Bars: "timeseries", Categories: "barchart", Table: "table", States: "state-timeline",
	}[k]
}

func (r renderer) targets(p Panel) []any {
	if p.SQL != "" {
		format, kind := 1, "table"
		if p.Kind == Lines || p.Kind == Bars {
			format, kind = 0, "timeseries"
		}
		return []any{object{
			"refId": "A", "datasource": r.source(), "editorType": "sql", "queryType": kind, "format": format, "rawSql": p.SQL,
		}}
	}
	var list []any
	for i, q := range p.Prom {
		list = append(list, object{
			"refId": string(rune('A' + i)), "datasource": r.source(), "editorMode": "code", "expr": q.Expr,
			"legendFormat": r.text(q.Legend), "range": p.Kind != Totals, "instant": p.Kind == Totals,
		})
	}
	return list
}

// options are those of the panel's plugin.
func (r renderer) options(p Panel) object {
	legend := object{"displayMode": "list", "placement": "bottom", "showLegend": len(p.Columns) > 2 || len(p.Prom) > 1 || p.Columns == nil}
	tooltip := object{"mode": "multi", "sort": "none"}
	switch p.Kind {
	case Totals:
		which := "lastNotNull"
		if p.Compared { // where this period has no value, that of the one before is not it
			which = "last"
		}
		return object{
			"colorMode": "value", "graphMode": "none", "justifyMode": "center", "orientation": "auto", "textMode": "auto", "wideLayout": true,
			"showPercentChange": p.Compared, "percentChangeColorMode": "same_as_value",
			"reduceOptions": object{"calcs": []string{which}, "fields": fieldsOf(p), "values": false},
		}
	case Categories:
		o := object{
			"legend": legend, "tooltip": tooltip, "orientation": "vertical", "stacking": "normal", "showValue": "never",
			"barWidth": 0.8, "groupWidth": 0.8, "xTickLabelRotation": 0, "xTickLabelSpacing": 100, "fullHighlight": false,
		}
		if p.Sideways { // the figures stand in the bars: on an axis below they would overlap
			o["orientation"], o["xTickLabelSpacing"] = "horizontal", 0
			o["showValue"], o["text"] = "auto", object{"valueSize": 11}
		}
		if len(p.Columns) > 0 {
			o["xField"] = p.Columns[0].Name
		}
		return o
	case States:
		return object{"legend": object{"displayMode": "list", "placement": "bottom", "showLegend": false}, "tooltip": tooltip, "mergeValues": true, "showValue": "never", "alignValue": "left", "rowHeight": 0.8}
	case Table:
		return object{"showHeader": true, "cellHeight": "sm", "footer": object{"show": false, "reducer": []string{"sum"}, "countRows": false, "fields": ""}}
	}
	return object{"legend": legend, "tooltip": tooltip}
}

// fieldsOf is what large figures are made of; Grafana takes numbers alone where
// nothing is said, so that a moment has to be named.
func fieldsOf(p Panel) string {
	for _, c := range p.Columns {
		if c.Shape != Number {
			return "/.*/"
		}
	}
	return ""
}

func (r renderer) defaults(p Panel) object {
	d := object{"color": object{"mode": "palette-classic"}, "mappings": []any{}, "custom": custom(p), "thresholds": thresholds(p.Steps)}
	if p.Unit != "" {
		d["unit"] = p.Unit.in(r.lang)
	}
	// By the palette, every column of a table would have letters of its own colour.
	// A graph says nothing of missing values: its axis would have the words, too.
	switch p.Kind {
	case Totals:
		d["color"], d["noValue"] = object{"mode": "thresholds"}, nothing
	case Table:
		d["color"], d["noValue"] = object{"mode": "thresholds"}, r.text(p.empty())
	case States:
		d["color"], d["mappings"] = object{"mode": "thresholds"}, []any{object{"type": "value", "options": r.words(upAndDown)}}
	case Lines:
		if goals := goals(p); goals != nil {
			d["thresholds"] = thresholds(goals)
		}
	}
	return d
}

// nothing stands in a cell, and for a figure, that has no value.
const nothing = "–"

// empty is what a table without rows says.
func (p Panel) empty() Text {
	if p.Empty != (Text{}) {
		return p.Empty
	}
	return Text{"Пусто", "Nothing here"}
}

// goals are the lines across a graph, in the colours of what they are the goals of.
func goals(p Panel) []Step {
	var list []Step
	for _, c := range p.Columns {
		if c.Goal != 0 {
			list = append(list, Step{c.Goal, c.Colour})
		}
	}
	if list == nil {
		return nil
	}
	slices.SortFunc(list, func(a, b Step) int { return cmp.Compare(a.From, b.From) })
	return append([]Step{{0, "transparent"}}, list...)
}

// custom are the plugin's own settings for every field.
func custom(p Panel) object {
	switch p.Kind {
	case Lines:
		o := object{"drawStyle": "line", "lineWidth": 2, "fillOpacity": 8, "showPoints": "auto", "pointSize": 4, "spanNulls": false, "axisSoftMin": 0}
		if goals(p) != nil {
			o["thresholdsStyle"] = object{"mode": "dashed"}
		}
		return o
	case Bars:
		return object{
			"drawStyle": "bars", "lineWidth": 0, "fillOpacity": 85, "barAlignment": 1, "barWidthFactor": 0.8, "showPoints": "never",
			"stacking": object{"mode": "normal", "group": "A"}, "axisSoftMin": 0,
		}
	case Categories:
		o := object{"lineWidth": 0, "fillOpacity": 85, "axisSoftMin": 0}
		if p.Sideways {
			o["axisGridShow"] = false
		}
		return o
	case States:
		return object{"lineWidth": 0, "fillOpacity": 80}
	case Table:
		return object{"align": "auto", "cellOptions": object{"type": "auto"}, "filterable": false}
	}
	return object{}
}

func thresholds(steps []Step) object {
	var list []any
	for i, s := range steps {
		from := any(s.From)
		if i == 0 {
			from = nil
		}
		list = append(list, object{"value": from, "color": s.Colour})
	}
	if list == nil {
		list = []any{object{"value": nil, "color": Ink}}
	}
	return object{"mode": "absolute", "steps": list}
}

// overrides say of each column, or line, what is its own.
func (r renderer) overrides(p Panel) []any {
	list := []any{}
	var alike []string // cells of one table, which share what is said of them
	for i, c := range p.Columns {
		if c.Heat {
			alike = append(alike, c.Name)
			if i < len(p.Columns)-1 {
				continue
			}
			c.Title = Text{}
			list = append(list, object{
				"matcher": object{"id": "byRegexp", "options": "/^(" + strings.Join(alike, "|") + ")$/"}, "properties": r.properties(p, c),
			})
			continue
		}
		list = append(list, object{"matcher": object{"id": "byName", "options": c.Name}, "properties": r.properties(p, c)})
	}
	for i, q := range p.Prom {
		if q.Colour != "" {
			list = append(list, override("byFrameRefID", string(rune('A'+i)), property("color", fixed(q.Colour))))
		}
	}
	for _, s := range p.Series {
		properties := []any{property("displayName", r.text(s.Text))}
		if s.Colour != "" {
			properties = append(properties, property("color", fixed(s.Colour)))
		}
		list = append(list, override("byName", s.Value, properties...))
	}
	return list
}

func override(matcher, what string, properties ...any) object {
	return object{"matcher": object{"id": matcher, "options": what}, "properties": properties}
}

func property(id string, value any) object { return object{"id": id, "value": value} }

func fixed(c Colour) object { return object{"mode": "fixed", "fixedColor": c} }

func (r renderer) properties(p Panel, c Column) []any {
	var list []any
	add := func(id string, value any) { list = append(list, property(id, value)) }
	title := r.text(c.Title)
	if p.Kind == Totals {
		title = c.Headline(r.lang)
	}
	if title != "" {
		add("displayName", title)
	}
	switch {
	case c.Unit != "":
		add("unit", c.Unit.in(r.lang))
	case c.Shape == Moment && p.Kind == Table:
		add("unit", onClock.in(r.lang))
	}
	switch {
	case c.Steps != nil:
		add("thresholds", thresholds(c.Steps))
		add("color", object{"mode": "thresholds"})
	case c.Colour != "":
		add("color", fixed(c.Colour))
	}
	words := c.Words
	if p.Kind == Table && c.Shape == Word && !slices.ContainsFunc(words, func(w Saying) bool { return w.Value == "" }) {
		words = append(slices.Clone(words), nobody...)
	}
	if words != nil {
		add("mappings", []any{object{"type": "value", "options": r.words(words)}})
	}
	graph := p.Kind == Lines || p.Kind == Bars || p.Kind == Categories
	if c.Unit == Share && (graph || c.Heat) {
		add("min", 0)
		add("max", 1)
	}
	if !graph && (c.Unit == Share || c.Decimals > 0) { // an axis of whole per cents would have no room for its own steps
		add("decimals", c.Decimals)
	}
	if c.Second {
		add("custom.axisPlacement", "right")
	}
	if p.Kind == Categories && p.Sideways && c.Shape == Number {
		add("custom.axisPlacement", "hidden")
	}
	if p.Kind == Table {
		list = append(list, r.cell(p, c)...)
	}
	if c.Hidden {
		add("custom.hidden", true)
	}
	return list
}

// cell is how a table shows a column.
func (r renderer) cell(p Panel, c Column) []any {
	var list []any
	add := func(id string, value any) { list = append(list, property(id, value)) }
	switch {
	case c.Gauge:
		add("custom.cellOptions", object{"type": "gauge", "mode": "basic", "valueDisplayMode": "text"})
		add("color", fixed(Blue))
		add("min", 0)
		add("fieldMinMax", true) // the fullest bar is the column's largest value
	case c.Heat:
		add("custom.cellOptions", object{"type": "color-background", "mode": "basic", "applyToRow": false})
		add("color", object{"mode": "continuous-blues"})
	case c.Steps != nil || coloured(c.Words):
		add("custom.cellOptions", object{"type": "color-text"})
	}
	if !c.Hidden {
		add("noValue", nothing)
		list = append(list, r.width(p, c))
	}
	switch {
	case c.Heat:
		add("custom.align", "center")
	case c.Shape == Number:
		add("custom.align", "right")
	}
	if p.filtered(c) {
		add("custom.filterable", true)
	}
	if c.Link != nil {
		add("links", []any{object{"title": r.text(c.Link.Title), "url": r.link(c.Link.URL), "targetBlank": c.Link.Away}})
	}
	return list
}

func (r renderer) width(p Panel, c Column) any {
	switch {
	case c.Width > 0:
		return property("custom.width", c.Width)
	case c.Grows(r.lang):
		return property("custom.minWidth", p.Least(c, r.lang))
	}
	return property("custom.width", p.Least(c, r.lang))
}

func coloured(words []Saying) bool {
	for _, w := range words {
		if w.Colour != "" {
			return true
		}
	}
	return false
}

func (r renderer) words(words []Saying) object {
	o := object{}
	for i, w := range words {
		one := object{"text": r.text(w.Text), "index": i}
		if w.Colour != "" {
			one["color"] = w.Colour
		}
		o[w.Value] = one
	}
	return o
}
