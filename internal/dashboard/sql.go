package dashboard

import (
	"fmt"
	"strconv"
	"strings"
)

// Conditions on the variables; each is nothing while all is chosen.
const (
	byIntegration = "$__conditionalAll(integration IN (${integration:singlequote}), $integration)"
	byNumber      = "$__conditionalAll(external_number IN (${number:singlequote}), $number)"
	byDepartment  = "$__conditionalAll(department IN (${department:singlequote}), $department)"
	byEmployee    = "$__conditionalAll(employee IN (${employee:singlequote}), $employee)"
)

// within joins the window and conditions.
func within(conditions ...string) string {
	return strings.Join(append([]string{"$__timeFilter(started_at)"}, conditions...), "\n  AND ")
}

// period is the span that a row of an hourly report falls into, in local time:
// an hour in windows of up to eight days, a day up to a hundred, a week up to
// two years and a bit, else a month. Grafana's own interval was rejected: it
// depends on the width of the screen, and its days are those of UTC.
const period = `multiIf(
    $__toTime - $__fromTime <= 8 * 86400, toDateTime(local_day, 'UTC') + toIntervalHour(local_hour),
    $__toTime - $__fromTime <= 100 * 86400, toDateTime(local_day, 'UTC'),
    $__toTime - $__fromTime <= 800 * 86400, toDateTime(toMonday(local_day), 'UTC'),
    toDateTime(toStartOfMonth(local_day), 'UTC'))`

// periodTime is the moment at which a period begins, in UTC, as Grafana wants it.
// The offset of the company's zone follows from the rows themselves.
const periodTime = period + `
    - toIntervalSecond(min(dateDiff('second', started_at, toDateTime(local_day, 'UTC') + toIntervalHour(local_hour)))) AS time`

// periodDay is the same for reports by local day.
const periodDay = `multiIf(
    $__toTime - $__fromTime <= 100 * 86400, toDateTime(local_day, 'UTC'),
    $__toTime - $__fromTime <= 800 * 86400, toDateTime(toMonday(local_day), 'UTC'),
    toDateTime(toStartOfMonth(local_day), 'UTC'))
    - toIntervalSecond((SELECT argMax(utc_offset_s, since) FROM report_settings WHERE since <= $__toTime)) AS time`

// overTime is a query of a time series over an hourly report.
func overTime(report, columns string, conditions ...string) string {
	return "SELECT\n  " + periodTime + ",\n  " + columns + "\nFROM " + report + "\nWHERE " + within(conditions...) +
		"\nGROUP BY " + period + "\nORDER BY time"
}

// overDays is the same over a daily report.
func overDays(report, columns string, conditions ...string) string {
	return "SELECT\n  " + periodDay + ",\n  " + columns + "\nFROM " + report + "\nWHERE " + within(conditions...) + "\nGROUP BY time\nORDER BY time"
}

// share is a quotient, null where nothing can be said.
func share(part, whole string) string { return "sum(" + part + ") / nullIf(" + whole + ", 0)" }

// Often used: of the calls that could have been answered, short abandons apart.
var (
	answerRate   = share("answered", "sum(answered) + sum(missed)") + " AS answer_rate"
	serviceLevel = share("answered_in_target", "sum(answered_waits) + sum(missed)") + " AS service_level"
	averageWait  = share("answered_wait_ms", "sum(answered_waits)") + " / 1000 AS average_wait"
	reachRate    = share("reached", "sum(outgoing)") + " AS reach_rate"
)

// hours are the columns of a table of hours, named 0 to 23; cell is the
// expression of one hour.
func hours(cell func(hour string) string) string {
	var b strings.Builder
	for h := range 24 {
		fmt.Fprintf(&b, ",\n  %s AS `%d`", cell(fmt.Sprintf("local_hour = %d", h)), h)
	}
	return b.String()
}

// hourColumns are their columns.
func hourColumns(unit Unit) []Column {
	var list []Column
	for h := range 24 {
		name := strconv.Itoa(h)
		list = append(list, Column{Name: name, Title: Text{name, name}, Unit: unit, Heat: true})
	}
	return list
}
