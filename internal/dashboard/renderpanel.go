package dashboard

import (
	"strings"
)

func (r renderer) panel(p Panel) object {
	o := object{"title": r.text(p.Title), "description": r.text(p.About), "type": p.Kind.plugin()}
	if p.Kind == Row {
		o["collapsed"], o["panels"] = false, []any{}
		return o
	}
	o["datasource"], o["targets"] = r.source(), r.targets(p)
	o["options"] = options(p)
	o["fieldConfig"] = object{"defaults": r.defaults(p), "overrides": r.overrides(p)}
	return o
}

func (k Kind) plugin() string {
	return [...]string{
		Row: "row", Totals: "stat", Lines: "timeseries", Bars: "timeseries", Categories: "barchart", Table: "table",
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
func options(p Panel) object {
	legend := object{"displayMode": "list", "placement": "bottom", "showLegend": len(p.Columns) > 2 || len(p.Prom) > 1 || p.Columns == nil}
	tooltip := object{"mode": "multi", "sort": "none"}
	switch p.Kind {
	case Totals:
		return object{
			"colorMode": "value", "graphMode": "none", "justifyMode": "center", "orientation": "auto", "textMode": "auto", "wideLayout": true,
			"reduceOptions": object{"calcs": []string{"lastNotNull"}, "fields": fieldsOf(p), "values": false},
		}
	case Categories:
		o := object{
			"legend": legend, "tooltip": tooltip, "orientation": "vertical", "stacking": "normal", "showValue": "never",
			"barWidth": 0.8, "groupWidth": 0.8, "xTickLabelRotation": 0, "xTickLabelSpacing": 0, "fullHighlight": false,
		}
		if p.Sideways {
			o["orientation"] = "horizontal"
		}
		if len(p.Columns) > 0 {
			o["xField"] = p.Columns[0].Name
		}
		return o
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
	d := object{"color": object{"mode": "palette-classic"}, "mappings": []any{}, "custom": custom(p), "noValue": r.text(none)}
	if p.Unit != "" {
		d["unit"] = p.Unit
	}
	if p.Kind == Totals {
		d["color"] = object{"mode": "thresholds"}
	}
	d["thresholds"] = thresholds(p.Steps)
	return d
}

var none = Text{"нет", "none"}

// custom are the plugin's own settings for every field.
func custom(p Panel) object {
	switch p.Kind {
	case Lines:
		return object{"drawStyle": "line", "lineWidth": 2, "fillOpacity": 8, "showPoints": "auto", "pointSize": 4, "spanNulls": false, "axisSoftMin": 0}
	case Bars:
		return object{
			"drawStyle": "bars", "lineWidth": 0, "fillOpacity": 85, "barAlignment": 1, "barWidthFactor": 0.8, "showPoints": "never",
			"stacking": object{"mode": "normal", "group": "A"}, "axisSoftMin": 0,
		}
	case Categories:
		return object{"lineWidth": 0, "fillOpacity": 85, "axisSoftMin": 0}
	case Table:
		return object{"align": "auto", "cellOptions": object{"type": "auto"}, "filterable": true}
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
		list = []any{object{"value": nil, "color": "text"}}
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
			list = append(list, object{
				"matcher":    object{"id": "byFrameRefID", "options": string(rune('A' + i))},
				"properties": []any{property("color", object{"mode": "fixed", "fixedColor": q.Colour})},
			})
		}
	}
	return list
}

func property(id string, value any) object { return object{"id": id, "value": value} }

func (r renderer) properties(p Panel, c Column) []any {
	var list []any
	add := func(id string, value any) { list = append(list, property(id, value)) }
	if title := r.text(c.Title); title != "" {
		add("displayName", title)
	}
	if c.Unit != "" {
		add("unit", c.Unit)
	}
	switch {
	case c.Steps != nil:
		add("thresholds", thresholds(c.Steps))
		add("color", object{"mode": "thresholds"})
	case c.Colour != "":
		add("color", object{"mode": "fixed", "fixedColor": c.Colour})
	}
	if c.Words != nil {
		add("mappings", []any{object{"type": "value", "options": r.words(c.Words)}})
	}
	if c.Max != 0 {
		add("min", 0)
		add("max", c.Max)
	}
	if c.Unit == Share || c.Decimals > 0 {
		add("decimals", c.Decimals)
	}
	if c.Second {
		add("custom.axisPlacement", "right")
	}
	if p.Kind == Table {
		list = append(list, r.cell(c)...)
	}
	if c.Hidden {
		add("custom.hidden", true)
	}
	return list
}

// cell is how a table shows a column.
func (r renderer) cell(c Column) []any {
	var list []any
	add := func(id string, value any) { list = append(list, property(id, value)) }
	switch {
	case c.Gauge:
		add("custom.cellOptions", object{"type": "gauge", "mode": "basic", "valueDisplayMode": "text"})
		add("min", 0)
		add("fieldMinMax", true) // the fullest bar is the column's largest value
	case c.Heat:
		add("custom.cellOptions", object{"type": "color-background", "mode": "basic", "applyToRow": false})
		add("color", object{"mode": "continuous-blues"})
	case c.Steps != nil || coloured(c.Words):
		add("custom.cellOptions", object{"type": "color-text"})
	}
	if c.Width > 0 {
		add("custom.width", c.Width)
	}
	if c.Shape == Number {
		add("custom.align", "right")
	}
	if c.Link != nil {
		add("links", []any{object{"title": r.text(c.Link.Title), "url": r.link(c.Link.URL), "targetBlank": c.Link.Away}})
	}
	return list
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
