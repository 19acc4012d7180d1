package mtt

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// object is a JSON object under the plain names of its fields: lower case and
// without underscores. A nil object has no fields.
type object map[string]any

// names are the plain names that are asked for; a field of another name is not
// kept.
var names = func() map[string]string {
	m := map[string]string{}
	for _, n := range strings.Fields(`event result eventtype callinfo call caller callee id tag state type transportid accountid reason reasoncode
		urlrecord duration starttime centrexid displayid displayname extensionid forwarderlist
		success total numberslist number workplaceslist workplace name terminalslist terminal terminale
		error code errorcode status message errormessage description errordescription text detail title`) {
		m[n] = n
	}
	return m
}()

// plainly turns a tree's objects into objects.
func plainly(tree map[string]any) object {
	o := make(object, len(tree))
	var buf [64]byte
	for spelling, v := range tree {
		name, ok := names[string(plain(buf[:0], spelling))]
		if !ok {
			continue
		}
		if _, twice := o[name]; twice {
			v = choose(tree, name)
		}
		if sub, ok := v.(map[string]any); ok {
			v = plainly(sub)
		}
		o[name] = v
	}
	return o
}

// choose decides where two spellings of a name stand side by side: one that is
// not empty goes before one that is, and then the first in the order of
// spelling, so that the same body is always read the same.
func choose(tree map[string]any, name string) any {
	var best any
	for _, spelling := range slices.Sorted(maps.Keys(tree)) {
		if string(plain(nil, spelling)) == name && (best == nil || empty(best) && !empty(tree[spelling])) {
			best = tree[spelling]
		}
	}
	return best
}

func plain(dst []byte, spelling string) []byte {
	for i := range len(spelling) {
		c := spelling[i]
		switch {
		case c == '_':
			continue
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// empty is null, or a text without anything in it.
func empty(v any) bool {
	switch v.(type) {
	case object, []any, map[string]any:
		return false
	}
	return text(v) == ""
}

func (o object) node(name string) object {
	sub, _ := o[name].(object)
	return sub
}

func (o object) or(other object) object {
	if o == nil {
		return other
	}
	return o
}

// text is a string, or a number or boolean as it was written; else "".
func (o object) text(name string) string { return text(o[name]) }

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
	list, _ := o[name].([]any)
	var out []string
	for _, v := range list {
		s := text(v)
		if m, ok := v.(map[string]any); ok {
			s = plainly(m).text("id")
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
	for i, layout := range []string{"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", time.RFC3339} {
		if t, err = time.ParseInLocation(layout, s, zone); err == nil {
			if i < 2 {
				t = nearest(t, zone, ctx.ReceivedAt)
			}
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

// nearest settles a time of the hour that comes twice when clocks go back: the
// later of the two moments, unless it is more than half an hour after the
// receipt, which no delay explains. Any other time stays as it is.
func nearest(t time.Time, zone *time.Location, received time.Time) time.Time {
	if zone == time.UTC {
		return t
	}
	_, offset := t.In(zone).Zone()
	_, before := t.Add(-12 * time.Hour).In(zone).Zone()
	_, after := t.Add(12 * time.Hour).In(zone).Zone()
	if before <= after {
		return t
	}
	twin := func(its int) time.Time {
		moment := t.Add(time.Duration(offset-its) * time.Second)
		if _, is := moment.In(zone).Zone(); is != its {
			return t
		}
		return moment
	}
	if later := twin(after); !later.After(received.Add(30 * time.Minute)) {
		return later
	}
	return twin(before)
}
