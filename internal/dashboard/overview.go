package dashboard

// overview is what a manager opens first.
func overview() Dashboard {
	return Dashboard{
		Name: "overview", From: "now-7d", Refresh: "5m",
		Title:     Text{"Звонки: обзор", "Calls: overview"},
		About:     Text{"Сколько звонят, сколько отвечаем, что с пропущенными.", "How many call, how many are answered, what became of the missed."},
		Variables: []Variable{integrationVariable, numberVariable, hoursVariable},
		Panels: []Panel{
			overviewTotals(), overviewIncoming(), overviewCallbacks(), overviewRates(), overviewTimes(),
			heat(Text{"Когда звонят", "When they call"},
				Text{"Входящие звонки по дням недели и часам, по времени компании. Чем темнее, тем больше звонков.", "Incoming calls by weekday and hour, in the company's time. The darker, the more calls."},
				Count, func(hour string) string { return "sumIf(r.received, " + hour + ")" }, byIntegration, byNumber, byHours),
			heat(Text{"Когда не отвечаем", "When we do not answer"},
				Text{"Доля пропущенных среди звонков каждого часа. Короткие сбросы не считаются.", "The share of missed calls in every hour. Calls hung up at once do not count."},
				Share, func(hour string) string {
					return "sumIf(r.missed, " + hour + ") / nullIf(sumIf(r.answered + r.missed, " + hour + "), 0)"
				}, byIntegration, byNumber, byHours),
			overviewOutgoing(), overviewCallers(),
		},
	}
}

func overviewTotals() Panel {
	return Panel{
		Kind: Totals, Width: 24, Height: 5,
		Title: Text{"Итоги за период", "The period in figures"},
		About: Text{
			"Доля отвеченных: отвеченные от отвеченных и пропущенных; кто положил трубку в первые секунды, не считается. Ответ в срок: сколько звонков из принятых и пропущенных дождались ответа за установленное время. Дозвон: доля исходящих, на которые ответили. Цели – в скобках. Стрелка сравнивает с таким же периодом до этого.",
			"Answered, share: of answered and missed calls; who hangs up in the first seconds does not count. Answered in time: of answered and missed calls, those answered within the time set as the goal. Reached: outgoing calls that were answered. The goals are in brackets. The arrow compares with the period of the same length before.",
		},
		Compared: true,
		SQL: compared("report_volume", []string{
			"sum(r.received) AS received", answerRate, "sum(r.missed) AS missed", serviceLevel, averageWait,
			share("incoming_talk_ms", "sum(r.answered)") + " / 1000 AS average_talk", "sum(r.outgoing) AS outgoing", reachRate,
		}, byIntegration, byNumber, byHours),
		Columns: []Column{
			receivedColumn, rateColumn, missedColumn, levelColumn, waitColumn,
			{Name: "average_talk", Title: Text{"Говорят в среднем", "Talk, average"}, Unit: Span, Colour: Blue},
			outgoingColumn, reachColumn,
		},
	}
}

func overviewIncoming() Panel {
	return Panel{
		Kind: Bars, Width: 16, Height: 9,
		Title: Text{"Входящие звонки", "Incoming calls"},
		About: Text{
			"По часам, дням, неделям или месяцам – смотря какой период выбран.",
			"By hour, day, week or month, as the chosen period is long.",
		},
		SQL:     overTime("report_volume", "sum(r.answered) AS answered, sum(r.missed) AS missed, sum(r.abandoned) AS abandoned", byIntegration, byNumber, byHours),
		Columns: []Column{timeColumn, answeredColumn, missedColumn, shortColumn},
	}
}

func overviewCallbacks() Panel {
	return Panel{
		Kind: Totals, Width: 8, Height: 9,
		Title: Text{"Что с пропущенными", "What became of the missed"},
		About: Text{
			"Пропущенный закрыт, если мы дозвонились клиенту или он сам дозвонился до нас. Ждут звонка: ещё не закрыты. Упущены: срок вышел, никто не поговорил.",
			"A missed call is closed when we reached the client or he reached us. Waiting: not closed yet. Let go: the time is over, and nobody spoke.",
		},
		SQL: "SELECT sum(r.called_back) AS called_back, sum(r.came_back) AS came_back, sum(r.open) AS open, sum(r.lapsed) AS lapsed\nFROM report_callbacks AS r\nWHERE " + hoursWithin(byIntegration, byNumber, byHours),
		Columns: []Column{
			calledBackColumn, cameBackColumn, openColumn, lapsedColumn.steps(badAboveZero),
		},
	}
}

func overviewRates() Panel {
	return Panel{
		Kind: Lines, Width: 12, Height: 8,
		Title:   Text{"Доля отвеченных", "Share of answered calls"},
		About:   Text{"Какую долю звонков приняли, и какую – в установленный срок. Пунктир – цели.", "What share of calls was answered, and what share within the time set as the goal. The dashed lines are the goals."},
		SQL:     overTime("report_volume", answerRate+", "+serviceLevel, byIntegration, byNumber, byHours),
		Columns: []Column{timeColumn, rateColumn.line(Green), levelColumn.line(Blue)},
	}
}

func overviewTimes() Panel {
	return Panel{
		Kind: Lines, Width: 12, Height: 8,
		Title: Text{"Ожидание и разговор", "Waiting and talking"},
		About: Text{"Среднее ожидание ответа и, по правой шкале, средний разговор. Пунктир – цель ожидания.", "The average wait for an answer and, on the right scale, the average talk. The dashed line is the goal of the wait."},
		SQL:   overTime("report_volume", averageWait+", "+share("incoming_talk_ms", "sum(r.answered)")+" / 1000 AS average_talk", byIntegration, byNumber, byHours),
		Columns: []Column{
			timeColumn, waitColumn.line(Orange),
			{Name: "average_talk", Title: Text{"Говорят в среднем", "Talk, average"}, Unit: Span, Colour: Blue, Second: true},
		},
	}
}

func overviewOutgoing() Panel {
	return Panel{
		Kind: Bars, Width: 12, Height: 8,
		Title: Text{"Исходящие звонки", "Outgoing calls"},
		About: Text{"Сколько раз звонили мы и сколько раз нам ответили.", "How often we called, and how often we were answered."},
		SQL:   overTime("report_volume", "sum(r.reached) AS reached, sum(r.outgoing) - sum(r.reached) AS not_reached", byIntegration, byNumber, byHours),
		Columns: []Column{
			timeColumn, reachedColumn,
			{Name: "not_reached", Title: Text{"Не дозвонились", "Not reached"}, Unit: Count, Colour: Orange},
		},
	}
}

func overviewCallers() Panel {
	return Panel{
		Kind: Bars, Width: 12, Height: 8,
		Title: Text{"Новые и повторные", "New and repeated"},
		About: Text{
			"Новые: номер звонит впервые. Повторные: тот же клиент звонит снова вскоре после прошлого раза – часто потому, что вопрос не решён.",
			"New: the number calls for the first time. Repeated: a client calls again soon after the last time, often since the matter was not settled.",
		},
		SQL: overTime("report_callers", "sum(r.new_callers) AS new_callers, sum(r.repeated_calls) AS repeated_calls", byIntegration, byNumber, byHours),
		Columns: []Column{
			timeColumn,
			{Name: "new_callers", Title: Text{"Новые клиенты", "New clients"}, Unit: Count, Colour: Blue},
			{Name: "repeated_calls", Title: Text{"Повторные звонки", "Repeated calls"}, Unit: Count, Colour: Orange},
		},
	}
}

// heat is a table of weekdays and hours.
func heat(title, about Text, unit Unit, cell func(hour string) string, conditions ...string) Panel {
	return Panel{
		Kind: Table, Width: 24, Height: 9, Title: title, About: about,
		SQL: "SELECT\n  toString(weekday) AS day" + hours(cell) +
			"\nFROM report_heatmap AS r\nWHERE " + hoursWithin(conditions...) + "\nGROUP BY weekday\nORDER BY weekday",
		Columns: append([]Column{{Name: "day", Title: Text{"День", "Day"}, Shape: Word, Words: weekdays, Width: 60}}, hourColumns(unit)...),
	}
}
