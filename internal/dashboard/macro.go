package dashboard

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Window is the span that a reader looks at.
type Window struct {
	From, To time.Time
	Interval time.Duration // between two points of a graph, as Grafana computes it; 0: a second
}

// Values are what the reader has chosen, by variable. All is chosen where a
// name is missing or has no value, or an empty one, or "$__all".
type Values map[string][]string

// ErrAll says that a query uses a variable outside $__conditionalAll and that
// all is chosen: Grafana would then list every value, which may be many.
var ErrAll = errors.New("a variable that stands for all is used outside $__conditionalAll")

// Expand makes of a panel's query what reaches ClickHouse: $__conditionalAll
// and variables as the front end of grafana-clickhouse-datasource replaces
// them (src/data/CHDatasource.ts), then macros as its back end does
// (pkg/macros/macros.go, by the rules of grafana-plugin-sdk-go's
// data/sqlutil/macros.go).
func Expand(sql string, w Window, v Values) (string, error) {
	sql, err := conditionalAlls(sql, v)
	if err != nil {
		return "", err
	}
	if sql, err = variables(sql, v); err != nil {
		return "", err
	}
	return macros(sql, w)
}

// named is the variable of $__conditionalAll, without a format, by the plugin's own rule.
var named = regexp.MustCompile(`\$\{(\w+)\}()|\$(\w+)`)

var reference = regexp.MustCompile(`\$\{(\w+)(?::(\w+))?\}|\$(\w+)`)

// all is what the plugin sees where everything is chosen.
const all = "$__all"

// chosen is the choice as JavaScript makes a string of it: an empty value alone looks
// like no choice, and then the plugin leaves the condition away, as for all.
func (v Values) chosen(name string) string { return strings.Join(v[name], ",") }

// special are the patterns that String.replace reads in what it puts in.
var special = regexp.MustCompile("\\$[$&`']")

// conditionalAlls works from the last one to the first, as the plugin does.
func conditionalAlls(sql string, v Values) (string, error) {
	const macro = "$__conditionalAll("
	for at := strings.LastIndex(sql, macro); at >= 0; at = strings.LastIndex(sql, macro) {
		args, length, err := arguments(sql[at+len(macro)-1:])
		if err != nil || len(args) != 2 {
			return "", fmt.Errorf("$__conditionalAll at %d: it takes a condition and a variable", at)
		}
		name := named.FindStringSubmatch(args[1])
		if name == nil {
			return "", fmt.Errorf("$__conditionalAll at %d names no variable", at)
		}
		phrase := args[0]
		switch v.chosen(name[1] + name[3]) {
		case "", all:
			phrase = "1=1"
		}
		if special.MatchString(phrase) {
			return "", fmt.Errorf("$__conditionalAll at %d: JavaScript's String.replace puts something else for %q", at, special.FindString(phrase))
		}
		sql = sql[:at] + phrase + sql[at+len(macro)-1+length:]
	}
	return sql, nil
}

// variables replaces ${name}, ${name:singlequote} and $name; what begins with
// two underscores is left for the macros.
func variables(sql string, v Values) (string, error) {
	var failed error
	out := reference.ReplaceAllStringFunc(sql, func(found string) string {
		m := reference.FindStringSubmatch(found)
		name, format := m[1]+m[3], m[2]
		if strings.HasPrefix(name, "__") {
			return found
		}
		chosen, known := v[name]
		switch {
		case !known || slices.Equal(chosen, []string{all}):
			failed = fmt.Errorf("%w: %s", ErrAll, name)
			return found
		case format == "singlequote":
			quoted := make([]string, len(chosen))
			for i, value := range chosen {
				quoted[i] = "'" + strings.ReplaceAll(value, "'", `\'`) + "'"
			}
			return strings.Join(quoted, ",")
		case format == "" && len(chosen) == 1:
			return chosen[0]
		}
		failed = fmt.Errorf("the variable %s has %d values and the format %q", name, len(chosen), format)
		return found
	})
	return out, failed
}

// macro is one of the plugin's, with the arguments it takes.
type macro struct {
	name   string
	args   int
	expand func(w Window, args []string) string
}

func seconds(t time.Time) string { return fmt.Sprintf("toDateTime(%d)", t.Unix()) }

func milliseconds(t time.Time) string {
	return fmt.Sprintf("fromUnixTimestamp64Milli(%d)", t.UnixMilli())
}

func date(t time.Time) string { return t.Format("toDate('2006-01-02')") }

func between(show func(time.Time) string) func(Window, []string) string {
	return func(w Window, args []string) string {
		return fmt.Sprintf("%s >= %s AND %s <= %s", args[0], show(w.From), args[0], show(w.To))
	}
}

// pluginMacros are sorted, the longest name first: it may begin with another.
var pluginMacros = []macro{
	{"timeInterval_ms", 1, func(w Window, args []string) string {
		return fmt.Sprintf("toStartOfInterval(toDateTime64(%s, 3), INTERVAL %d millisecond)", args[0], max(w.Interval.Milliseconds(), 1))
	}},
	{"timeFilter_ms", 1, between(milliseconds)},
	{"timeInterval", 1, func(w Window, args []string) string {
		return fmt.Sprintf("toStartOfInterval(toDateTime(%s), INTERVAL %d second)", args[0], wholeSeconds(w.Interval))
	}},
	{"fromTime_ms", 0, func(w Window, _ []string) string { return milliseconds(w.From) }},
	{"interval_s", 0, func(w Window, _ []string) string { return fmt.Sprint(wholeSeconds(w.Interval)) }},
	{"timeFilter", 1, between(seconds)},
	{"dateFilter", 1, between(date)},
	{"toTime_ms", 0, func(w Window, _ []string) string { return milliseconds(w.To) }},
	{"fromTime", 0, func(w Window, _ []string) string { return seconds(w.From) }},
	{"toTime", 0, func(w Window, _ []string) string { return seconds(w.To) }},
}

func wholeSeconds(d time.Duration) int64 { return max(int64(d/time.Second), 1) }

func macros(sql string, w Window) (string, error) {
	for _, m := range pluginMacros {
		word := regexp.MustCompile(`\$__` + m.name + `\b`)
		for {
			at := word.FindStringIndex(sql)
			if at == nil {
				break
			}
			args, length, err := arguments(sql[at[1]:])
			if err != nil {
				return "", fmt.Errorf("$__%s: %w", m.name, err)
			}
			if m.args != len(args) {
				return "", fmt.Errorf("$__%s has %d arguments, it takes %d", m.name, len(args), m.args)
			}
			sql = sql[:at[0]] + m.expand(w, args) + sql[at[1]+length:]
		}
	}
	if i := strings.Index(sql, "$"); i >= 0 {
		return "", fmt.Errorf("something is left that nobody replaces: %.40s", sql[i:])
	}
	return sql, nil
}

// arguments reads a list in brackets at the beginning of s and its length; none
// and 0 where s begins with something else. Commas divide on the outermost
// level only, and quotes mean nothing, as in the plugin.
func arguments(s string) (args []string, length int, err error) {
	if !strings.HasPrefix(s, "(") {
		return nil, 0, nil
	}
	depth, begin := 0, 1
	for i := range len(s) {
		switch s[i] {
		case '(':
			depth++
		case ',':
			if depth == 1 {
				args, begin = append(args, strings.TrimSpace(s[begin:i])), i+1
			}
		case ')':
			if depth--; depth == 0 {
				return slices.Clip(append(args, strings.TrimSpace(s[begin:i]))), i + 1, nil
			}
		}
	}
	return nil, 0, errors.New("a bracket is not closed")
}
