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
	byDepartment  = "$__conditionalAll(" + departmentChoice + " IN (${department:singlequote}), $department)"
	byHours       = "$__conditionalAll(if(r.working, 'working', 'rest') IN (${hours:singlequote}), $hours)"
	byEmployee    = "$__conditionalAll(r.workplace IN (${employee:singlequote}), $employee)"
)

// departmentChoice is what the list of departments has for those who are in none: an
// empty value would stand for all of them.
const departmentChoice = "if(r.department = '', '–', r.department)"

// byClient finds a client by any part of the number, in any spelling: of what is
// typed the digits count, and a beginning may be told as it is dialled within Russia
// (8 for 7; 810 or 00 before another country's code). Words alone find nobody.
const byClient = `$__conditionalAll(arrayExists(part -> part != '' AND if(part = typed, position(client_number, part) > 0, startsWith(client_number, part)),
    [replaceRegexpAll(${client:singlequote}, '[^0-9]', '') AS typed, if(startsWith(typed, '810'), substring(typed, 4), ''),
     if(startsWith(typed, '8'), concat('7', substring(typed, 2)), ''), if(startsWith(typed, '00'), substring(typed, 3), '')]), $client)`

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

// theCall is the call that a link has named; none while nothing is named, and then
// no call is read.
const theCall = `notEmpty(${call:singlequote}) AND r.started_at = fromUnixTimestamp64Milli(toInt64OrZero(splitByChar('-', ${call:singlequote})[1]), 'UTC')
  AND r.call_id = toUInt64OrZero(splitByChar('-', ${call:singlequote})[2])`

// A graph over time has a point for each hour in windows of up to eight days, for
// each day up to a hundred, each week up to two years and a bit, else each month, of
// local time. Grafana's own interval was rejected: it depends on the width of the
// screen, and its days are those of UTC.
//
// Periods are numbered, from the one of 1 January 1970 on, so that those without a
// call can be told: their sums are 0 and their averages null, where a line breaks
// off. Else it would run straight across a weekend.
const (
	hourNumber  = "dateDiff('hour', toDateTime(0, 'UTC'), toDateTime(r.local_day, 'UTC') + toIntervalHour(r.local_hour))"
	dayNumber   = "dateDiff('day', toDate(0), r.local_day)"
	weekNumber  = "dateDiff('week', toDate(0), r.local_day)"
	monthNumber = "dateDiff('month', toDate(0), r.local_day)"

	hourBegin  = "toDateTime(n * 3600, 'UTC')"
	dayBegin   = "toDateTime(n * 86400, 'UTC')"
	weekBegin  = "toDateTime((7 * n - 3) * 86400, 'UTC')" // 1 January 1970 was a Thursday
	monthBegin = "toDateTime(addMonths(toDate(0), n), 'UTC')"
)

// byLength chooses by the length of the window; "" for no hours.
func byLength(hours, days, weeks, months string) string {
	const length = "$__toTime - $__fromTime <= "
	if hours != "" {
		hours = length + "8 * 86400, " + hours + ", "
	}
	return "multiIf(" + hours + length + "100 * 86400, " + days + ", " + length + "800 * 86400, " + weeks + ", " + months + ")"
}

// series is a query of a time series: number and begin tell of a period, and offset
// the seconds by which its local time is before UTC's.
func series(number, begin, offset, columns, from, where string) string {
	return "SELECT " + begin + " - toIntervalSecond(utc_offset) AS time, * EXCEPT (n, utc_offset)\nFROM (\n  SELECT " +
		number + " AS n,\n  toInt32(" + offset + ") AS utc_offset,\n  " + columns + "\n  FROM " + from + where +
		"\n  GROUP BY n\n  ORDER BY n WITH FILL INTERPOLATE (utc_offset AS utc_offset)\n)\nORDER BY time, n DESC LIMIT 1 BY time"
}

// overTime is a query of a time series over an hourly report. The offset of the
// company's zone, by which a period's beginning is told in UTC, follows from the
// rows themselves.
func overTime(report, columns string, conditions ...string) string {
	return series(byLength(hourNumber, dayNumber, weekNumber, monthNumber), byLength(hourBegin, dayBegin, weekBegin, monthBegin),
		"min(dateDiff('second', r.started_at, toDateTime(r.local_day, 'UTC') + toIntervalHour(r.local_hour)))",
		columns, report+" AS r", "\n  WHERE "+hoursWithin(conditions...))
}

const latestOffset = "(SELECT argMax(utc_offset_s, since) FROM report_settings WHERE since <= $__toTime)"

// overDays is a query of a time series by the day and more. A daily report says
// nothing of the offset: it is the latest of the window.
func overDays(report, columns, within string) string {
	return series(byLength("", dayNumber, weekNumber, monthNumber), byLength("", dayBegin, weekBegin, monthBegin), latestOffset, columns, report+" AS r", "\n  WHERE "+within)
}

// compared is a query of headlines over an hourly report: a row of the window and,
// before it, one of the span of the same length that went before. What cannot be
// compared, as there was nothing then, is null. Each of columns ends in " AS name".
func compared(report string, columns []string, conditions ...string) string {
	const from, to = "toStartOfHour($__fromTime)", "$__toTime"
	var shown []string
	for _, c := range columns {
		name := c[strings.LastIndex(c, " ")+1:]
		shown = append(shown, fmt.Sprintf("if(both.current, both.%s, nullIf(both.%s, 0)) AS %s", name, name, name))
	}
	conditions = append([]string{"r.started_at >= toStartOfHour(" + from + " - (" + to + " - " + from + ")) AND r.started_at <= " + to}, conditions...)
	return "SELECT\n  " + strings.Join(shown, ",\n  ") + "\nFROM (\n  SELECT toUInt8(r.started_at >= " + from + ") AS current,\n    " + strings.Join(columns, ",\n    ") +
		"\n  FROM " + report + " AS r\n  WHERE " + strings.Join(conditions, "\n  AND ") + "\n  GROUP BY current\n  ORDER BY current WITH FILL FROM 0 TO 2\n) AS both\nORDER BY both.current"
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
