package dashboard

// quality is about how far the figures can be trusted.
func quality() Dashboard {
	return Dashboard{
		Name: "quality", From: "now-30d", Refresh: "1h",
		Title:     Text{"Качество данных", "Data quality"},
		About:     Text{"Насколько можно верить цифрам: чего оператор не сообщил.", "How far the figures can be trusted: what the operator did not tell."},
		Variables: []Variable{integrationVariable, numberVariable, listenVariable},
		Panels:    []Panel{qualityTotals(), qualityOverTime(), silence(), orphans(), rejected()},
	}
}

func qualityTotals() Panel {
	return Panel{
		Kind: Totals, Width: 24, Height: 4,
		Title: Text{"Итоги за период", "The period in figures"},
		About: Text{
			"Без записи: разговоры с клиентами, у которых записи нет. Конец не сообщён: завершены по истечении времени, длительность приблизительная. Время неточно: оператор не назвал времени начала или назвал непонятное.",
			"Without a recording: talks with clients that have none. End not told: closed after a long time, their length is an estimate. Time inexact: the operator gave no time of the start, or one that cannot be read.",
		},
		SQL: "SELECT sum(r.calls) AS calls, sum(r.answered_without_recording) AS answered_without_recording, sum(r.without_end) AS without_end, sum(r.start_inexact) + sum(r.bad_times) AS inexact,\n" +
			"  sum(r.talk_inexact) AS talk_inexact, sum(r.direction_unknown) + sum(r.outcome_unknown) AS unknown, sum(r.number_unknown) AS number_unknown, sum(r.going_on) AS going_on" +
			"\nFROM report_data_quality AS r\nWHERE " + hoursWithin(byIntegration, byNumber),
		Columns: []Column{
			{Name: "calls", Title: Text{"Звонки", "Calls"}, Unit: Count, Colour: Blue},
			{Name: "answered_without_recording", Title: Text{"Без записи", "Without a recording"}, Unit: Count, Steps: gapAboveZero},
			{Name: "without_end", Title: Text{"Конец не сообщён", "End not told"}, Unit: Count, Steps: gapAboveZero},
			{Name: "inexact", Title: Text{"Время неточно", "Time inexact"}, Unit: Count, Steps: gapAboveZero},
			{Name: "talk_inexact", Title: Text{"Разговор оценён", "Talk estimated"}, Unit: Count, Steps: gapAboveZero},
			{Name: "unknown", Title: Text{"Итог неизвестен", "Outcome unknown"}, Unit: Count, Steps: gapAboveZero},
			{Name: "number_unknown", Title: Text{"Наш номер неизвестен", "Our number unknown"}, Unit: Count, Steps: gapAboveZero},
			{Name: "going_on", Title: Text{"Идут сейчас", "Going on"}, Unit: Count, Colour: Blue},
		},
	}
}

func qualityOverTime() Panel {
	return Panel{
		Kind: Lines, Width: 24, Height: 9,
		Title: Text{"Доля звонков с пробелами", "Share of calls with gaps"},
		About: Text{"Если линия вдруг выросла, что-то изменилось у оператора или в настройках записи.", "Where a line rises at once, something has changed at the operator's or in what is recorded."},
		SQL: overDays("report_data_quality", share("answered_without_recording", "sum(r.answered_external)")+" AS without_recording, "+
			share("without_end", "sum(r.calls)")+" AS without_end, (sum(r.start_inexact) + sum(r.bad_times) + sum(r.talk_inexact)) / nullIf(sum(r.calls), 0) AS inexact", hoursWithin(byIntegration, byNumber)),
		Columns: []Column{
			timeColumn,
			{Name: "without_recording", Title: Text{"Разговоры без записи", "Talks without a recording"}, Unit: Share, Colour: Orange},
			{Name: "without_end", Title: Text{"Конец не сообщён", "End not told"}, Unit: Share, Colour: Red},
			{Name: "inexact", Title: Text{"Время неточно", "Time inexact"}, Unit: Share, Colour: Purple},
		},
	}
}

func silence() Panel {
	return Panel{
		Kind: Table, Width: 12, Height: 10,
		Title: Text{"Тишина", "Silence"}, Empty: Text{"Тишины не было", "There was no silence"},
		About: Text{
			"Самые долгие промежутки между звонками, не короче часа. Ночью и в выходные это обычно; тишина в рабочий час – повод спросить оператора, не потеряны ли уведомления.",
			"The longest spans between two calls, an hour at least. At night and at the weekend that is usual; after a silence in working hours ask the operator whether notifications were lost.",
		},
		SQL: "SELECT started_at, until_at, silence_ms / 1000 AS silence, working_hours, integration\nFROM report_silence AS r\nWHERE " + within(byIntegration) + "\nORDER BY working_hours DESC, silence DESC\nLIMIT 50",
		Columns: []Column{
			startedColumn.as("С", "From"),
			{Name: "until_at", Title: Text{"До", "Until"}, Shape: Moment},
			{Name: "silence", Title: Text{"Сколько", "How long"}, Unit: Span},
			{Name: "working_hours", Title: Text{"Рабочих часов", "Working hours"}, Unit: Count, Steps: []Step{{0, Green}, {1, Yellow}, {2, Red}}},
			{Name: "integration", Title: Text{"АТС", "PBX"}, Shape: Word},
		},
	}
}

func orphans() Panel {
	return Panel{
		Kind: Table, Width: 12, Height: 10,
		Title: Text{"Записи без звонка", "Recordings without a call"}, Empty: Text{"Таких записей нет", "There is no such recording"},
		About: Text{
			"Запись объявлена, а о самом звонке оператор не сообщил ничего. Прослушать её можно.",
			"The recording was announced, and the operator told nothing of its call. It can be listened to.",
		},
		SQL: "SELECT announced_at, state, size, account_id, recording_id\nFROM report_recordings_without_call AS r\nWHERE $__timeFilter(announced_at)\n  AND " + byIntegration + "\nORDER BY announced_at DESC\nLIMIT 200",
		Columns: []Column{
			{Name: "announced_at", Title: Text{"Объявлена", "Announced"}, Shape: Moment},
			{Name: "state", Title: Text{"Состояние", "State"}, Shape: Word, Words: recordingStates},
			{Name: "size", Title: Text{"Размер", "Size"}, Unit: Bytes},
			{Name: "account_id", Title: Text{"Телефон", "Phone"}, Shape: Word, Chars: 15},
			{Name: "recording_id", Title: Text{"Номер записи", "Recording id"}, Shape: Word, Link: &toRecording},
		},
	}
}

func rejected() Panel {
	return Panel{
		Kind: Table, Width: 24, Height: 8,
		Title: Text{"Непонятые уведомления", "Notifications not understood"}, Empty: Text{"Все уведомления поняты", "Every notification was understood"},
		About: Text{
			"Сохранены как пришли; после обновления программы их можно прочитать заново (fonoteka replay). Пустой список – хороший знак.",
			"Kept as they came; after an upgrade they can be read again (fonoteka replay). An empty list is a good sign.",
		},
		SQL: "SELECT reason, count() AS notifications, countIf(isNotNull(replayed_at)) AS read_since, min(r.received_at) AS first_at, max(r.received_at) AS last_at\nFROM rejected AS r\nWHERE $__timeFilter(received_at)\n  AND " + byIntegration + "\nGROUP BY reason\nORDER BY last_at DESC\nLIMIT 50",
		Columns: []Column{
			{Name: "reason", Title: Text{"Причина", "Reason"}, Shape: Word},
			{Name: "notifications", Title: Text{"Сколько", "How many"}, Unit: Count},
			{Name: "read_since", Title: Text{"Прочитано позже", "Read since"}, Unit: Count},
			{Name: "first_at", Title: Text{"Первое", "First"}, Shape: Moment},
			{Name: "last_at", Title: Text{"Последнее", "Last"}, Shape: Moment},
		},
	}
}
