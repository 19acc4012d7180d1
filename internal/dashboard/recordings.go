package dashboard

// recordings is about the archive: is every talk recorded, is every recording
// stored.
func recordings() Dashboard {
	return Dashboard{
		Name: "recordings", From: "now-30d", Refresh: "15m",
		Title:     Text{"Архив записей", "Recording archive"},
		About:     Text{"Все ли разговоры записаны и все ли записи сохранены.", "Is every talk recorded, and is every recording stored."},
		Variables: []Variable{integrationVariable, numberVariable, listenVariable},
		Panels:    []Panel{archiveTotals(), atRisk(), archiveOverTime(), archiveCoverage(), archiveGrowth(), archiveNumbers()},
	}
}

func archiveTotals() Panel {
	return Panel{
		Kind: Totals, Width: 24, Height: 4,
		Title: Text{"Итоги за период", "The period in figures"},
		About: Text{
			"По времени звонка, без внутренних звонков. Записаны: доля разговоров с клиентами, у которых есть запись. Пришли повреждёнными: их скачивание повторяется. Потеряно: оператор удалил запись раньше, чем её удалось скачать.",
			"By the time of the call, internal calls left out. Recorded: share of talks with clients that have a recording. Came damaged: they are fetched again. Lost: the operator deleted it before it could be fetched.",
		},
		SQL: "SELECT sum(r.answered) AS talks, " + share("recorded", "sum(r.answered)") + " AS recorded_share, sum(r.archived) AS archived, sum(r.waiting) AS waiting, sum(r.quarantined) AS damaged, sum(r.lost) AS lost, sum(r.erased) AS erased, sum(r.bytes) AS bytes" +
			"\nFROM report_recordings AS r\nWHERE " + hoursWithin(byIntegration, byNumber),
		Columns: []Column{
			{Name: "talks", Title: Text{"Разговоры", "Talks"}, Unit: Count, Colour: Blue},
			{Name: "recorded_share", Title: Text{"Записаны", "Recorded"}, Unit: Share, Steps: recordedSteps},
			{Name: "archived", Title: Text{"Сохранено записей", "Recordings stored"}, Unit: Count, Colour: Green},
			{Name: "waiting", Title: Text{"Ждут скачивания", "Waiting"}, Unit: Count, Steps: waitAboveZero},
			{Name: "damaged", Title: Text{"Пришли повреждёнными", "Came damaged"}, Unit: Count, Steps: gapAboveZero},
			{Name: "lost", Title: Text{"Потеряно", "Lost"}, Unit: Count, Steps: badAboveZero},
			{Name: "erased", Title: Text{"Стёрто намеренно", "Erased on purpose"}, Unit: Count, Colour: Grey},
			{Name: "bytes", Title: Text{"Объём", "Size"}, Unit: Bytes, Colour: Blue},
		},
	}
}

func atRisk() Panel {
	return Panel{
		Kind: Table, Width: 24, Height: 9, Filters: true,
		Empty: Text{"Всё, что объявлено, в архиве", "All that was announced is in the archive"},
		Title: Text{"Ещё не в архиве", "Not in the archive yet"},
		About: Text{
			"Все записи, которых пока нет, и те, что короче разговора и будут скачаны ещё раз; сначала те, которые оператор удалит раньше всех. Пустой список – хороший знак. Выбранный период не важен.",
			"Every recording that is not stored, or shorter than the talk and to be fetched again, those first that the operator deletes first. An empty list is a good sign. The chosen period does not matter.",
		},
		SQL: `SELECT state, dateDiff('second', now(), expires_at) / 86400 AS days_left, announced_at, attempt, next_attempt_at, reason_code, nullIf(http_status, 0) AS http_status, failed_host, recording_id
FROM recordings_open AS r
WHERE ` + byIntegration + `
ORDER BY state = 'expired', expires_at
LIMIT 200`,
		Columns: []Column{
			{Name: "state", Title: Text{"Состояние", "State"}, Shape: Word, Words: recordingStates},
			{Name: "days_left", Title: Text{"Осталось дней", "Days left"}, Unit: NoUnit, Steps: []Step{{0, Red}, {7, Yellow}, {30, Green}}, Decimals: 1},
			{Name: "announced_at", Title: Text{"Объявлена", "Announced"}, Shape: Moment},
			{Name: "attempt", Title: Text{"Попыток", "Tries"}, Unit: Count},
			{Name: "next_attempt_at", Title: Text{"Следующая попытка", "Next try"}, Shape: Moment},
			{Name: "reason_code", Title: Text{"Почему", "Why"}, Shape: Word, Words: reasons()},
			{Name: "http_status", Title: Text{"Ответ", "Answer"}, Unit: NoUnit},
			{Name: "failed_host", Title: Text{"Сервер", "Server"}, Shape: Word},
			{Name: "recording_id", Title: Text{"Номер записи", "Recording id"}, Shape: Word, Link: &toRecording},
		},
	}
}

func archiveOverTime() Panel {
	return Panel{
		Kind: Bars, Width: 12, Height: 9,
		Title: Text{"Записи", "Recordings"},
		About: Text{"По времени звонка: сохранено, ждёт, пришло повреждённым, потеряно.", "By the time of the call: stored, waiting, damaged, lost."},
		SQL:   overTime("report_recordings", "sum(r.archived) AS archived, sum(r.waiting) AS waiting, sum(r.quarantined) AS damaged, sum(r.lost) AS lost", byIntegration, byNumber),
		Columns: []Column{
			timeColumn,
			{Name: "archived", Title: Text{"Сохранено", "Stored"}, Unit: Count, Colour: Green},
			{Name: "waiting", Title: Text{"Ждут", "Waiting"}, Unit: Count, Colour: Yellow},
			{Name: "damaged", Title: Text{"Повреждено", "Damaged"}, Unit: Count, Colour: Orange},
			{Name: "lost", Title: Text{"Потеряно", "Lost"}, Unit: Count, Colour: Red},
		},
	}
}

func archiveCoverage() Panel {
	return Panel{
		Kind: Lines, Width: 12, Height: 9,
		Title: Text{"Доля записанных разговоров", "Share of talks recorded"},
		About: Text{"Если доля падает, проверьте у оператора, включена ли запись. Пунктир – цель.", "Where it falls, see with the operator whether recording is switched on. The dashed line is the goal."},
		SQL:   overTime("report_recordings", share("recorded", "sum(r.answered)")+" AS recorded_share", byIntegration, byNumber),
		Columns: []Column{
			timeColumn, {Name: "recorded_share", Title: Text{"Записано", "Recorded"}, Unit: Share, Colour: Green, Goal: recordedGoal},
		},
	}
}

func archiveGrowth() Panel {
	return Panel{
		Kind: Bars, Width: 12, Height: 9,
		Title:   Text{"Рост архива", "Growth of the archive"},
		About:   Text{"Сколько места заняли записи звонков каждого часа, дня, недели или месяца.", "What the recordings of each hour, day, week or month take."},
		SQL:     overTime("report_recordings", "sum(r.bytes) AS bytes", byIntegration, byNumber),
		Columns: []Column{timeColumn, {Name: "bytes", Title: Text{"Объём", "Size"}, Unit: Bytes, Colour: Blue}},
	}
}

func archiveNumbers() Panel {
	return Panel{
		Kind: Table, Width: 12, Height: 9,
		Title: Text{"Где разговоры не записаны", "Where talks are not recorded"},
		About: Text{"По внешним номерам; больше всего незаписанных – сверху.", "By external number, the most without a recording first."},
		SQL: "SELECT external_number, sum(r.answered) AS talks, sum(r.not_recorded) AS not_recorded, " + share("recorded", "sum(r.answered)") + " AS recorded_share" +
			"\nFROM report_recordings AS r\nWHERE " + hoursWithin(byIntegration, byNumber) + "\nGROUP BY external_number\nORDER BY not_recorded DESC, external_number\nLIMIT 100",
		Columns: []Column{
			numberColumn,
			{Name: "talks", Title: Text{"Разговоры", "Talks"}, Unit: Count},
			{Name: "not_recorded", Title: Text{"Без записи", "Not recorded"}, Unit: Count, Gauge: true},
			{Name: "recorded_share", Title: Text{"Записано", "Recorded"}, Unit: Share, Steps: recordedSteps},
		},
	}
}
