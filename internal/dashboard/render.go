package dashboard

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// object is a JSON object; its keys come out sorted.
type object = map[string]any

const (
	clickhousePlugin = "grafana-clickhouse-datasource"
	// schemaVersion is the version of the dashboard's own form that Grafana 11
	// and later read without migrating.
	schemaVersion = 39
)

// renderer puts one dashboard into one language.
type renderer struct {
	lang Lang
	of   Dashboard
}

// Render gives the dashboard in one language as Grafana's JSON model.
func Render(d Dashboard, l Lang) ([]byte, error) {
	r := renderer{l, d}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(r.dashboard()); err != nil {
		return nil, fmt.Errorf("render the dashboard %s: %w", d.Name, err)
	}
	return b.Bytes(), nil
}

func (r renderer) text(t Text) string { return t.In(r.lang) }

// link fills in the language.
func (r renderer) link(url string) string { return strings.ReplaceAll(url, "$lang", string(r.lang)) }

func (r renderer) dashboard() object {
	return object{
		"uid": r.of.UID(r.lang), "title": r.title(), "description": r.text(r.of.About),
		"tags": []string{"fonoteka", "fonoteka-" + string(r.lang)}, "schemaVersion": schemaVersion,
		"editable": true, "graphTooltip": 1, "timezone": "browser", "fiscalYearStartMonth": 0, "liveNow": false,
		"refresh": r.of.Refresh, "time": object{"from": r.of.From, "to": "now"},
		"timepicker":  object{"refresh_intervals": []string{"10s", "30s", "1m", "5m", "15m", "1h"}},
		"annotations": object{"list": []any{}},
		"templating":  object{"list": r.variables()},
		"links":       []any{r.others()},
		"panels":      r.panels(),
	}
}

// title bears the dashboard's place among the others: Grafana sorts its lists and
// the links by title.
func (r renderer) title() string {
	place := slices.IndexFunc(All(), func(d Dashboard) bool { return d.Name == r.of.Name })
	return fmt.Sprintf("%d. %s", place+1, r.text(r.of.Title))
}

// others leads to every dashboard of the language, the window and the choices
// kept. One list, since nine buttons take two lines of the page.
func (r renderer) others() object {
	return object{
		"type": "dashboards", "title": r.text(Text{"Другие дашборды", "Other dashboards"}), "tags": []string{"fonoteka-" + string(r.lang)},
		"asDropdown": true, "includeVars": true, "keepTime": true, "targetBlank": false, "icon": "external link",
	}
}

// source is the data source that a person may choose another one for.
func (r renderer) source() object {
	if r.of.Source == Prometheus {
		return object{"type": "prometheus", "uid": "${datasource}"}
	}
	return object{"type": clickhousePlugin, "uid": "${datasource}"}
}

func (r renderer) variables() []any {
	source := r.source()
	uid := "fonoteka-clickhouse"
	if r.of.Source == Prometheus {
		uid = "fonoteka-prometheus"
	}
	list := []any{object{
		"name": "datasource", "type": "datasource", "query": source["type"], "hide": 2, "skipUrlSync": true, "refresh": 1,
		"includeAll": false, "multi": false, "options": []any{}, "regex": "",
		"current": object{"text": uid, "value": uid},
	}}
	for _, v := range r.of.Variables {
		list = append(list, r.variable(v))
	}
	return list
}

func (r renderer) variable(v Variable) object {
	o := object{"name": v.Name, "label": r.text(v.Title), "description": r.text(v.About), "hide": 0}
	if v.Hidden {
		o["hide"] = 2
	}
	// A link that somebody crafted would else choose what nobody sees: the address
	// of recordings, and with it who is told the password.
	if v.Private || v.Hidden {
		o["skipUrlSync"] = true
	}
	switch {
	case v.SQL != "":
		o["type"], o["datasource"], o["definition"] = "query", r.source(), v.SQL
		o["query"] = object{"refId": "variable", "editorType": "sql", "queryType": "sql", "rawSql": v.SQL}
		o["refresh"] = 1 // as the dashboard opens
		if strings.Contains(v.SQL, "$__fromTime") {
			o["refresh"] = 2 // and as the window changes
		}
		o["regex"], o["sort"], o["options"] = "", 0, []any{}
		o["includeAll"], o["multi"], o["current"] = !v.Single, !v.Single, object{}
		if !v.Single {
			o["current"] = r.everything()
		}
	case v.Options != nil:
		var options []any
		var query []string
		for _, c := range v.Options {
			options = append(options, object{"text": r.text(c.Text), "value": c.Value, "selected": false})
			query = append(query, r.text(c.Text)+" : "+c.Value)
		}
		o["type"], o["options"], o["query"] = "custom", options, strings.Join(query, ",")
		o["includeAll"], o["multi"], o["current"] = true, true, r.everything()
	default:
		nothing := object{"text": "", "value": "", "selected": true}
		o["type"], o["query"], o["current"], o["options"] = "textbox", "", nothing, []any{nothing}
	}
	return o
}

// everything is the choice of all.
func (r renderer) everything() object {
	return object{"text": []string{Text{"Все", "All"}.In(r.lang)}, "value": []string{"$__all"}}
}

// panels lays the panels out: from left to right, and on below where no room is
// left.
func (r renderer) panels() []any {
	var list []any
	x, y, below := 0, 0, 0
	for i, p := range r.of.Panels {
		if p.Kind == Row {
			p.Width, p.Height = 24, 1
		}
		if x+p.Width > 24 {
			x, y = 0, below
		}
		o := r.panel(p)
		o["id"] = i + 1
		o["gridPos"] = object{"x": x, "y": y, "w": p.Width, "h": p.Height}
		list = append(list, o)
		x, below = x+p.Width, max(below, y+p.Height)
	}
	return list
}
