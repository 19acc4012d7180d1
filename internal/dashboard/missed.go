package dashboard

import "strings"

// missed is about the calls that nobody answered, and what came of them.
func missed() Dashboard {
	return Dashboard{
		Name: "missed", From: "now-7d", Refresh: "1m",
		Title:     Text{"Звонки: пропущенные", "Calls: missed and called back"},
		About:     Text{"Кому перезвонить сейчас и как быстро мы перезваниваем.", "Whom to call back now, and how soon we do."},
		Variables: []Variable{integrationVariable, numberVariable, hoursVariable, departmentVariable, employeeVariable},
		Panels: []Panel{
			missedTotals(), callbackList(), missedFates(), callbackSpeed(),
			heat(Text{"Когда пропускаем", "When calls are missed"},
				Text{"Пропущенные по дням недели и часам, по времени компании.", "Missed calls by weekday and hour, in the company's time."},
				Count, func(hour string) string { return "sumIf(r.missed, " + hour + ")" }, byIntegration, byNumber, byHours),
			missedList(), longestWaits(),
		},
	}
}

func missedTotals() Panel {
	return Panel{
		Kind: Totals, Width: 24, Height: 5,
		Title: Text{"Итоги за период", "The period in figures"},
		About: Text{
			"Закрыты: мы дозвонились клиенту или он дозвонился сам. За 15 минут: доля пропущенных с известным номером, по которым за это время хотя бы раз набрали клиента. До попытки: среднее время от пропущенного до первого набора. Цели – в скобках. Стрелка сравнивает с таким же периодом до этого.",
			"Closed: we reached the client, or he reached us. Within 15 minutes: of missed calls with a known number, those whose client was dialled at least once by then. Until the try: the average time from the missed call to the first dialling. The goals are in brackets. The arrow compares with the period of the same length before.",
		},
		Compared: true,
		SQL: compared("report_callbacks", []string{
			"sum(r.missed) AS missed",
			"(sum(r.called_back) + sum(r.came_back)) / nullIf(sum(r.missed) - sum(r.hidden), 0) AS closed_share",
			"sum(r.attempted_in_15m) / nullIf(sum(r.missed) - sum(r.hidden), 0) AS soon_share",
			"sum(r.to_callback_ms) / nullIf(sum(r.attempted), 0) / 1000 AS until_try",
			"sum(r.open) AS open", "sum(r.lapsed) AS lapsed", "sum(r.hidden) AS hidden",
		}, byIntegration, byNumber, byHours),
		Columns: []Column{
			missedColumn,
			{Name: "closed_share", Title: Text{"Закрыты", "Closed"}, Unit: Share, Steps: good(closedGoal, 0.8), Goal: closedGoal},
			{Name: "soon_share", Title: Text{"За 15 минут", "Within 15 minutes"}, Unit: Share, Steps: good(soonGoal, 0.5), Goal: soonGoal},
			{Name: "until_try", Title: Text{"До попытки", "Until the try"}, Unit: Span, Colour: Blue},
			openColumn, lapsedColumn.steps(badAboveZero), hiddenColumn,
		},
	}
}

func callbackList() Panel {
	return Panel{
		Kind: Table, Width: 24, Height: 10, Filters: true, Empty: Text{"Перезванивать некому", "Nobody waits for a call"},
		Title: Text{"Кому перезвонить сейчас", "Whom to call back now"},
		About: Text{
			"По строке на клиента, последние пропущенные сверху. Нажмите на номер, чтобы открыть последний пропущенный звонок. Строка исчезает, когда с клиентом поговорили – неважно, кто кому позвонил. Выбранный период на этот список не влияет, часы влияют: остаются клиенты, чей звонок пропустили в эти часы.",
			"A line for each client, the latest missed first. Click the number to open the last missed call. The line goes when somebody has spoken with the client, whoever called whom. The chosen period does not matter here; the hours do: they leave the clients of whom a call was missed in them.",
		},
		SQL: "SELECT client_number, missed, first_missed_at, last_missed_at, open_s, longest_wait_ms / 1000 AS longest_wait, external_number, employee, department, last_try_at,\n  " +
			"concat(toString(toUnixTimestamp64Milli(last_missed_at)), '-', toString(last_call_id)) AS call_id" +
			"\nFROM report_callbacks_open AS r\nWHERE " + strings.Join([]string{byIntegration, byNumber, byDepartment, byEmployee, openInHours}, "\n  AND ") +
			"\nORDER BY last_missed_at DESC\nLIMIT 500",
		Columns: []Column{
			clientColumn.led(toCall),
			{Name: "missed", Title: Text{"Звонил раз", "Times called"}, Unit: Count},
			{Name: "first_missed_at", Title: Text{"Впервые", "First"}, Shape: Moment},
			{Name: "last_missed_at", Title: Text{"В последний раз", "Last"}, Shape: Moment},
			{Name: "open_s", Title: Text{"Ждёт звонка", "Has waited"}, Unit: Span, Steps: []Step{{0, Green}, {3600, Yellow}, {4 * 3600, Red}}},
			{Name: "longest_wait", Title: Text{"Ждал на линии", "On the line"}, Unit: Span},
			numberColumn, employeeColumn, departmentColumn,
			{Name: "last_try_at", Title: Text{"Последняя попытка", "Last try"}, Shape: Moment},
			{Name: "call_id", Shape: Word, Hidden: true},
		},
	}
}

// openInHours keeps the clients of whom a call was missed in one of the chosen hours.
const openInHours = "$__conditionalAll(arrayExists(h -> if(h = 'working', r.missed_in_working_hours, r.missed - r.missed_in_working_hours) > 0, [${hours:singlequote}]), $hours)"

func missedFates() Panel {
	return Panel{
		Kind: Bars, Width: 12, Height: 9,
		Title: Text{"Что стало с пропущенными", "What became of missed calls"},
		About: Text{"По времени пропущенного звонка.", "By the time of the missed call."},
		SQL: overTime("report_callbacks", "sum(r.called_back) AS called_back, sum(r.came_back) AS came_back, sum(r.open) AS open, sum(r.lapsed) AS lapsed, sum(r.hidden) AS hidden",
			byIntegration, byNumber, byHours),
		Columns: []Column{
			timeColumn,
			calledBackColumn, cameBackColumn, openColumn, lapsedColumn, hiddenColumn,
		},
	}
}

func callbackSpeed() Panel {
	return Panel{
		Kind: Lines, Width: 12, Height: 9,
		Title: Text{"Как быстро перезваниваем", "How soon we call back"},
		About: Text{"Доля пропущенных с известным номером, по которым клиента набрали за 15 минут и за час. Пунктир – цель для 15 минут.", "Of missed calls with a known number, those whose client was dialled within 15 minutes and within an hour. The dashed line is the goal of 15 minutes."},
		SQL: overTime("report_callbacks", "sum(r.attempted_in_15m) / nullIf(sum(r.missed) - sum(r.hidden), 0) AS in_15m, sum(r.attempted_in_60m) / nullIf(sum(r.missed) - sum(r.hidden), 0) AS in_60m",
			byIntegration, byNumber, byHours),
		Columns: []Column{
			timeColumn,
			{Name: "in_15m", Title: Text{"за 15 минут", "within 15 minutes"}, Unit: Share, Colour: Green, Goal: soonGoal},
			{Name: "in_60m", Title: Text{"за час", "within an hour"}, Unit: Share, Colour: Blue},
		},
	}
}

// inLastHours narrows a list of the last two hundred missed calls of a window to
// the hours that hold as many, by the report of hours, so that a window of years
// is not read whole; the hour in which the window ends does not count, as it may
// have more calls than the window. It stands back where one of the variables is
// chosen of which that report knows nothing.
const inLastHours = `(NOT ($__conditionalAll(1=0, $hours) AND $__conditionalAll(1=0, $department) AND $__conditionalAll(1=0, $employee)) OR r.started_at >= (
    SELECT min(hour) FROM (
      SELECT r.started_at AS hour, sum(r.missed) AS here, sum(here) OVER (ORDER BY hour DESC) AS so_far
      FROM report_volume AS r
      WHERE r.started_at >= toStartOfHour($__fromTime) AND r.started_at <= $__toTime - 3600 AND ` + byIntegration + " AND " + byNumber + `
      GROUP BY hour)
    WHERE so_far - here < 200))`

func missedList() Panel {
	return Panel{
		Kind: Table, Width: 24, Height: 11, Filters: true, Empty: Text{"Пропущенных нет", "No call was missed"},
		Title: Text{"Пропущенные звонки", "Missed calls"},
		About: Text{"Последние двести за период. Нажмите на время, чтобы открыть звонок.", "The last two hundred of the period. Click the time to open the call."},
		SQL: "SELECT started_at, client_number, external_number, employee, department, wait_ms / 1000 AS wait, state, called_back_at, closed_at, closed_employee, " + callKey +
			"\nFROM report_missed AS r\nWHERE " + within(byIntegration, byNumber, byHours, byDepartment, byEmployee, inLastHours) +
			"\nORDER BY started_at DESC, call_id\nLIMIT 200",
		Columns: []Column{
			startedColumn.led(toCall), clientColumn, numberColumn, employeeColumn.as("Звонило у", "Rang at"), departmentColumn,
			{Name: "wait", Title: Text{"Ждал", "Waited"}, Unit: Span},
			{Name: "state", Title: Text{"Что стало", "What became of it"}, Shape: Word, Words: callbacks},
			{Name: "called_back_at", Title: Text{"Первая попытка", "First try"}, Shape: Moment},
			{Name: "closed_at", Title: Text{"Поговорили", "Spoke"}, Shape: Moment},
			{Name: "closed_employee", Title: Text{"Кто поговорил", "Who spoke"}, Shape: Word},
			{Name: "call_id", Shape: Word, Hidden: true},
		},
	}
}

func longestWaits() Panel {
	return Panel{
		Kind: Table, Width: 24, Height: 9, Filters: true,
		Title: Text{"Кто ждал дольше всех", "Who waited longest"},
		About: Text{"Пятьдесят самых долгих ожиданий за период, чем бы они ни кончились.", "The fifty longest waits of the period, however they ended."},
		SQL: "SELECT started_at, wait_ms / 1000 AS wait, outcome, client_number, external_number, employee, department, " + callKey +
			"\nFROM report_longest_waits AS r\nWHERE " + within(byIntegration, byNumber, byHours, byDepartment, byEmployee) + "\nORDER BY wait_ms DESC, started_at\nLIMIT 50",
		Columns: []Column{
			startedColumn.led(toCall),
			{Name: "wait", Title: Text{"Ждал", "Waited"}, Unit: Span, Gauge: true},
			outcomeColumn, clientColumn, numberColumn, employeeColumn, departmentColumn,
			{Name: "call_id", Shape: Word, Hidden: true},
		},
	}
}
