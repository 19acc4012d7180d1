package mtt

import (
	"encoding/json"
	"math"
	"sort"
	"strconv"
	"strings"
	"time"
)

// object is a JSON object whose fields are found by name without regard to
// case and underscores. A nil object has no fields.
type object map[string]any

func (o object) get(name string) any {
	if v, ok := o[name]; ok {
		return v
	}
	var spellings []string
	for k := range o {
		if plain(k) == plain(name) {
			spellings = append(spellings, k)
		}
	}
	if len(spellings) == 0 {
		return nil
	}
	sort.Strings(spellings) // the same body is always read the same
	return o[spellings[0]]
}

func plain(name string) string { return strings.ReplaceAll(strings.ToLower(name), "_", "") }

func (o object) node(name string) object {
	m, _ := o.get(name).(map[string]any)
	return m
}

func (o object) or(other object) object {
	if o == nil {
		return other
	}
	return o
}

// text is a string, or a number or boolean as it was written; else "". An
// empty displayName gives way to a display_name that is not.
func (o object) text(name string) string {
	if s := text(o.get(name)); s != "" {
		return s
	}
	var found string
	for k, v := range o {
		if s := text(v); s != "" && plain(k) == plain(name) && (found == "" || s < found) {
			found = s
		}
	}
	return found
}

func text(v any) string {
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v)
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// texts reads a list of strings, or of objects with an id.
func (o object) texts(name string) []string {
	list, _ := o.get(name).([]any)
	var out []string
	for _, v := range list {
		s := text(v)
		if m, ok := v.(map[string]any); ok {
			s = object(m).text("id")
		}
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

// duration reads seconds, whole or not, up to a week.
func duration(s string) (time.Duration, bool) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || f < 0 || f > 7*24*3600 {
		return 0, false
	}
	return time.Duration(math.Round(f*1000)) * time.Millisecond, true
}

// startTime reads "YYYY-MM-DD hh:mm:ss" in the integration's zone, and what an
// operator may one day send instead: RFC 3339, or Unix seconds or
// milliseconds. It is zero for what cannot be read and outside
// 2000 … received + 2 days.
func startTime(s string, ctx Context) time.Time {
	zone := ctx.Zone
	if zone == nil {
		zone = time.UTC
	}
	t, err := time.Time{}, error(nil)
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", time.RFC3339} {
		if t, err = time.ParseInLocation(layout, s, zone); err == nil {
			break
		}
	}
	if err != nil {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return time.Time{}
		}
		t = time.Unix(n, 0)
		if n > 1e11 {
			t = time.UnixMilli(n)
		}
	}
	t = t.UTC()
	if t.Year() < 2000 || t.After(ctx.ReceivedAt.Add(48*time.Hour)) {
		return time.Time{}
	}
	return t.Truncate(time.Millisecond)
}
