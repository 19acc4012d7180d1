package dashboard

// numbers is about the company's external numbers: advertising, lines, offices.
func numbers() Dashboard {
	return Dashboard{
		Name: "numbers", From: "now-7d", Refresh: "15m",
		Title:     Text{"Звонки: внешние номера", "Calls: external numbers"},
		About:     Text{"На какие номера звонят и как на них отвечают. Нажмите на номер, чтобы увидеть звонки.", "Which numbers are called, and how they are answered. Click a number to see the calls."},
		Variables: []Variable{integrationVariable, numberVariable, hoursVariable},
		Panels:    []Panel{numberTable(), numberVolume(), numberHours(), numberWait(), numberCallers()},
	}
}

func numberTable() Panel {
	return Panel{
		Kind: Table, Width: 24, Height: 10, Filters: true,
		Title: Text{"Номера", "Numbers"},
		About: Text{
			"Доля отвеченных – без тех, кто положил трубку в первые секунды. Дольше всех – самое долгое ожидание за период.",
			"The share of answered calls is without those who hung up in the first seconds. The longest wait is that of the whole period.",
		},
		SQL: "SELECT external_number, " + numberName + " AS name, sum(r.received) AS received, sum(r.answered) AS answered, sum(r.missed) AS missed, sum(r.abandoned) AS abandoned,\n  " +
			answerRate + ",\n  " + serviceLevel + ",\n  " + averageWait + ",\n  max(r.longest_wait_ms) / 1000 AS longest_wait,\n  " +
			share("incoming_talk_ms", "sum(r.answered)") + " / 1000 AS average_talk, sum(r.hidden) AS hidden, sum(r.outgoing) AS outgoing" +
			"\nFROM report_volume AS r\nWHERE " + hoursWithin(byIntegration, byNumber, byHours) + "\nGROUP BY external_number\nORDER BY received DESC\nLIMIT 500",
		Columns: []Column{
			numberColumn.led(toNumberCalls),
			{Name: "name", Title: Text{"Название", "Name"}, Shape: Word},
			receivedColumn.line(""), answeredColumn.line(""), missedColumn.line(""), shortColumn.line("").as("Сброшено", "Hung up"),
			rateColumn, levelColumn, waitColumn,
			{Name: "longest_wait", Title: Text{"Дольше всех", "Longest wait"}, Unit: Span},
			{Name: "average_talk", Title: Text{"Средний разговор", "Talk, average"}, Unit: Span},
			hiddenColumn.line(""),
			outgoingColumn.line(""),
		},
	}
}

func numberVolume() Panel {
	return Panel{
		Kind: Categories, Width: 12, Height: 9, Sideways: true,
		Title: Text{"Куда звонят", "Where they call"},
		About: Text{"Пятнадцать номеров с наибольшим числом звонков.", "The fifteen numbers with the most calls."},
		SQL: "SELECT if(external_number = '', '–', external_number) AS called, sum(r.answered) AS answered, sum(r.missed) AS missed, sum(r.abandoned) AS abandoned" +
			"\nFROM report_volume AS r\nWHERE " + hoursWithin(byIntegration, byNumber, byHours) +
			"\nGROUP BY called\nHAVING sum(r.received) > 0\nORDER BY sum(r.received) DESC\nLIMIT 15",
		Columns: []Column{
			{Name: "called", Title: Text{"Наш номер", "Our number"}, Shape: Word}, answeredColumn, missedColumn, shortColumn,
		},
	}
}

func numberHours() Panel {
	return Panel{
		Kind: Bars, Width: 12, Height: 9,
		Title: Text{"В рабочее время и вне его", "In working hours and outside"},
		About: Text{"Входящие звонки; рабочее время и праздники – из настроек.", "Incoming calls; working hours and holidays are those of the settings."},
		SQL:   overTime("report_volume", "sumIf(r.received, working) AS at_work, sumIf(r.received, NOT working) AS after_hours", byIntegration, byNumber),
		Columns: []Column{
			timeColumn,
			{Name: "at_work", Title: Text{"Рабочее время", "Working hours"}, Unit: Count, Colour: Blue},
			{Name: "after_hours", Title: Text{"Нерабочее время", "After hours"}, Unit: Count, Colour: Orange},
		},
	}
}

func numberWait() Panel {
	return Panel{
		Kind: Lines, Width: 12, Height: 9,
		Title: Text{"Сколько ждут ответа", "How long they wait for an answer"},
		About: Text{
			"Половина клиентов ждёт не дольше нижней линии, девять из десяти – не дольше верхней.",
			"Half of the clients wait no longer than the lower line, nine of ten no longer than the upper.",
		},
		SQL: overDays("report_durations", "toNullable(quantileExactWeighted(0.5)(r.duration_ms, r.calls)) / 1000 AS half, toNullable(quantileExactWeighted(0.9)(r.duration_ms, r.calls)) / 1000 AS most",
			daysWithin("measure = 'wait'", byIntegration, byNumber)),
		Columns: []Column{
			timeColumn,
			{Name: "half", Title: Text{"Половина ждёт не дольше", "Half wait no longer than"}, Unit: Span, Colour: Blue},
			{Name: "most", Title: Text{"9 из 10 ждут не дольше", "9 of 10 wait no longer than"}, Unit: Span, Colour: Orange},
		},
	}
}

func numberCallers() Panel {
	return Panel{
		Kind: Table, Width: 12, Height: 9,
		Title: Text{"Кто звонит", "Who calls"},
		About: Text{
			"Новые клиенты: впервые позвонили в этом периоде. Повторные звонки: тот же клиент снова вскоре после прошлого раза.",
			"New clients: called for the first time within the period. Repeated calls: a client again, soon after the last time.",
		},
		SQL: "SELECT external_number, sum(r.calls) AS received, sum(r.new_callers) AS new_callers, " + share("new_callers", "sum(r.calls)") +
			" AS new_share, sum(r.repeated_calls) AS repeated_calls\nFROM report_callers AS r\nWHERE " + hoursWithin(byIntegration, byNumber, byHours) +
			"\nGROUP BY external_number\nORDER BY new_callers DESC\nLIMIT 100",
		Columns: []Column{
			numberColumn.led(toNumberCalls), receivedColumn.line(""),
			{Name: "new_callers", Title: Text{"Новые клиенты", "New clients"}, Unit: Count, Gauge: true},
			{Name: "new_share", Title: Text{"Доля новых", "New, share"}, Unit: Share},
			{Name: "repeated_calls", Title: Text{"Повторные звонки", "Repeated calls"}, Unit: Count},
		},
	}
}
