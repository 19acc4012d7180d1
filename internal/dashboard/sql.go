package dashboard

import (
	"fmt"
	"strconv"
	"strings"
)

// Conditions on the variables; each is nothing while all is chosen.
const (
	byIntegration = "$__conditionalAll(r.integration IN (${integration:singlequote}), $integration)"
	byNumber      = "$__conditionalAll(r.external_number IN (${number:singlequote}), $number)"
	byDepartment  = "$__conditionalAll(r.department IN (${department:singlequote}), $department)"
	byHours       = "$__conditionalAll(if(r.working, 'working', 'rest') IN (${hours:singlequote}), $hours)"
	byEmployee    = "$__conditionalAll(r.workplace IN (${employee:singlequote}), $employee)"
)

// within joins the window and conditions, for reports with a row per call.
func within(conditions ...string) string {
	return strings.Join(append([]string{"$__timeFilter(r.started_at)"}, conditions...), "\n  AND ")
}

// hoursWithin does so for reports by the hour, whose rows bear its start: the hour
// in which the window begins counts as a whole. By $__timeFilter it would not at
// all, and half an hour's window would mostly be empty.
func hoursWithin(conditions ...string) string {
	return strings.Join(append([]string{"r.started_at >= toStartOfHour($__fromTime) AND r.started_at <= $__toTime"}, conditions...), "\n  AND ")
}

// daysWithin does so for reports by local day.
func daysWithin(conditions ...string) string {
	return strings.Join(append([]string{"r.started_at > $__fromTime - 86400 AND r.started_at <= $__toTime"}, conditions...), "\n  AND ")
}

// callKey is what a link names a call by: its start and its id, which together
// are found at once in any table of calls, however long the window is.
const callKey = "concat(toString(toUnixTimestamp64Milli(r.started_at)), '-', toString(r.call_id)) AS call_id"

// theCall is the call that a link has named.
const theCall = `r.started_at = fromUnixTimestamp64Milli(toInt64OrZero(splitByChar('-', ${call:singlequote})[1]), 'UTC')
  AND r.call_id = toUInt64OrZero(splitByChar('-', ${call:singlequote})[2])`

// period is the span that a row of an hourly report falls into, in local time:
// an hour in windows of up to eight days, a day up to a hundred, a week up to
// two years and a bit, else a month. Grafana's own interval was rejected: it
// depends on the width of the screen, and its days are those of UTC.
const period = `WITH multiIf(
    $__toTime - $__fromTime <= 8 * 86400, toDateTime(r.local_day, 'UTC') + toIntervalHour(r.local_hour),
    $__toTime - $__fromTime <= 100 * 86400, toDateTime(r.local_day, 'UTC'),
    $__toTime - $__fromTime <= 800 * 86400, toDateTime(toMonday(r.local_day), 'UTC'),
    toDateTime(toStartOfMonth(r.local_day), 'UTC')) AS period
`

// overTime is a query of a time series over an hourly report. The offset of the
// company's zone, by which a period's beginning is told in UTC, follows from the
// rows themselves.
func overTime(report, columns string, conditions ...string) string {
	const begin = "period - toIntervalSecond(min(dateDiff('second', r.started_at, toDateTime(r.local_day, 'UTC') + toIntervalHour(r.local_hour)))) AS time"
	return period + "SELECT\n  " + begin + ",\n  " + columns + "\nFROM " + report + " AS r\nWHERE " + hoursWithin(conditions...) + "\nGROUP BY period\nORDER BY time"
}

// periodOfDays is the same for a report by local day.
const periodOfDays = `WITH multiIf(
    $__toTime - $__fromTime <= 100 * 86400, toDateTime(r.local_day, 'UTC'),
    $__toTime - $__fromTime <= 800 * 86400, toDateTime(toMonday(r.local_day), 'UTC'),
    toDateTime(toStartOfMonth(r.local_day), 'UTC')) AS period
`

const latestBegin = "period - toIntervalSecond((SELECT argMax(utc_offset_s, since) FROM report_settings WHERE since <= $__toTime)) AS time"

// overDays is a query of a time series by the day and more. A daily report says
// nothing of the offset: it is the latest of the window.
func overDays(report, columns, within string) string {
	return periodOfDays + "SELECT\n  " + latestBegin + ",\n  " + columns + "\nFROM " + report + " AS r\nWHERE " + within + "\nGROUP BY period\nORDER BY time"
}

// ofWorkplaces is what the workplaces did in the window: by the hour, or by the
// day in windows of more than 35 days, of which two years have a tenth of the
// rows. Then the day in which the window begins counts as a whole.
func ofWorkplaces(conditions ...string) string {
	of := func(report, length, begin, more string) string {
		return "  SELECT r.local_day AS local_day, " + more + ", r.workplace AS workplace, r.employee AS employee, r.department AS department,\n    " + doings + "\n  FROM " + report + " AS r\n  WHERE $__toTime - $__fromTime " + length + " 35 * 86400\n  AND " +
			strings.Join(append([]string{"r.started_at >= " + begin + " AND r.started_at <= $__toTime"}, conditions...), "\n  AND ")
	}
	return "(\n" + of("report_employees", "<=", "toStartOfHour($__fromTime)", "r.local_hour AS local_hour, arrayMap(n -> if(n = r.local_hour, r.answered, 0), range(24)) AS answered_by_hour") +
		"\n  UNION ALL\n" + of("report_employees_daily", ">", "toStartOfDay($__fromTime, 'UTC')", "toUInt8(0) AS local_hour, r.answered_by_hour AS answered_by_hour") + "\n) AS r"
}

const doings = "r.rang AS rang, r.answered AS answered, r.missed AS missed, r.answered_ring_ms AS answered_ring_ms, r.answered_rings AS answered_rings, " +
	"r.outgoing AS outgoing, r.reached AS reached, r.transfers AS transfers, r.incoming_talk_ms AS incoming_talk_ms, r.outgoing_talk_ms AS outgoing_talk_ms"

// person is a row's name where rows are of people; namesakes bear the last digits
// of their workplaces' ids, too.
const person = "if(count() OVER (PARTITION BY r.employee) > 1, concat(r.employee, ' · ', right(r.workplace, 4)), r.employee) AS employee"

// perPerson groups by workplace, and by name where a workplace changed hands.
const perPerson = "\nGROUP BY r.workplace, r.employee"

// share is a quotient, null where nothing can be said.
func share(part, whole string) string { return "sum(r." + part + ") / nullIf(" + whole + ", 0)" }

// Often used: of the calls that could have been answered, short abandons apart.
var (
	answerRate   = share("answered", "sum(r.answered) + sum(r.missed)") + " AS answer_rate"
	serviceLevel = share("answered_in_target", "sum(r.answered_waits) + sum(r.missed)") + " AS service_level"
	averageWait  = share("answered_wait_ms", "sum(r.answered_waits)") + " / 1000 AS average_wait"
	reachRate    = share("reached", "sum(r.outgoing)") + " AS reach_rate"
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
