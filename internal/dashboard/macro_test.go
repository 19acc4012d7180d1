package dashboard_test

import (
	"errors"
	"testing"
	"time"

	"fonoteka/internal/dashboard"
)

var window = dashboard.Window{
	From: time.UnixMilli(1_700_000_000_123), To: time.UnixMilli(1_700_086_400_456), Interval: 5*time.Minute + 500*time.Millisecond,
}

func TestMacrosExpandAsThePluginExpandsThem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ sql, want string }{
		{"$__timeFilter(at)", "at >= toDateTime(1700000000) AND at <= toDateTime(1700086400)"},
		{"$__timeFilter( toStartOfHour(at) )", "toStartOfHour(at) >= toDateTime(1700000000) AND toStartOfHour(at) <= toDateTime(1700086400)"},
		{"$__timeFilter_ms(at)", "at >= fromUnixTimestamp64Milli(1700000000123) AND at <= fromUnixTimestamp64Milli(1700086400456)"},
		{"$__dateFilter(day)", "day >= toDate('2023-11-14') AND day <= toDate('2023-11-15')"},
		{"[$__fromTime, $__toTime]", "[toDateTime(1700000000), toDateTime(1700086400)]"},
		{"[$__fromTime_ms, $__toTime_ms]", "[fromUnixTimestamp64Milli(1700000000123), fromUnixTimestamp64Milli(1700086400456)]"},
		{"$__timeInterval(at)", "toStartOfInterval(toDateTime(at), INTERVAL 300 second)"},
		{"$__timeInterval_ms(at)", "toStartOfInterval(toDateTime64(at, 3), INTERVAL 300500 millisecond)"},
		{"count() / $__interval_s", "count() / 300"},
		{"SELECT 1", "SELECT 1"},
		{"$__conditionalAll(a IN (${one:singlequote}), $one)", "a IN ('x')"},
		{"$__conditionalAll(f(a, b) > 0 AND a IN (${two:singlequote}), ${two})", `f(a, b) > 0 AND a IN ('x','O\'Connor')`},
		{"$__conditionalAll(a IN (${none:singlequote}), $none) AND $__conditionalAll(b = ${empty:singlequote}, $empty)", "1=1 AND 1=1"},
		{"$__conditionalAll($__conditionalAll(a = '$one', $one), $none) AND $__timeFilter(at)", "1=1 AND at >= toDateTime(1700000000) AND at <= toDateTime(1700086400)"},
		{"'$one' = '${one}'", "'x' = 'x'"},
		{"$__conditionalAll(a IN (${everything:singlequote}), $everything)", "1=1"},
		{"$__conditionalAll(a IN (${emptyToo:singlequote}), $emptyToo)", "a IN ('','x')"},
	} {
		values := dashboard.Values{"one": {"x"}, "two": {"x", "O'Connor"}, "empty": {""}, "everything": {"$__all"}, "emptyToo": {"", "x"}}
		got, err := dashboard.Expand(c.sql, window, values)
		if err != nil || got != c.want {
			t.Errorf("%s\n expands to %s, %v\n want %s", c.sql, got, err, c.want)
		}
	}
}

func TestWhatThePluginWouldNotReplaceIsAnError(t *testing.T) {
	t.Parallel()
	for _, sql := range []string{
		"$__timeFilter(at", "$__timeFilter(a, b)", "$__timeFilter", "$__nothing(a)", "$__conditionalAll(a)", "$__conditionalAll(a, b)",
		"a = ${two}", "a LIKE 'x$'", "$__conditionalAll(match(a, 'x$'), $two)", "$__conditionalAll(a = 1, ${two:csv})", "a = ${everything}",
	} {
		if got, err := dashboard.Expand(sql, window, dashboard.Values{"two": {"x", "y"}, "everything": {"$__all"}}); err == nil {
			t.Errorf("%s expands to %s", sql, got)
		}
	}
	if _, err := dashboard.Expand("a IN (${all:singlequote})", window, nil); !errors.Is(err, dashboard.ErrAll) {
		t.Errorf("a list of everything: %v", err)
	}
}

func TestIntervalIsAtLeastASecond(t *testing.T) {
	t.Parallel()
	short := window
	short.Interval = 20 * time.Millisecond
	got, err := dashboard.Expand("$__timeInterval(at), $__interval_s", short, nil)
	if want := "toStartOfInterval(toDateTime(at), INTERVAL 1 second), 1"; err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}
