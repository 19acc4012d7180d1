package dashboard

// explorer finds a call and tells its story.
func explorer() Dashboard {
	return Dashboard{
		Name: "calls", From: "now-24h",
		Title: Text{"Звонки: поиск", "Calls: search"},
		About: Text{"Найти звонок, увидеть, что в нём происходило, и прослушать запись.", "Find a call, see what happened in it, and listen to it."},
		Variables: []Variable{
			integrationVariable, numberVariable, departmentVariable, employeeVariable,
			{Name: "direction", Title: Text{"Направление", "Direction"}, Options: directions},
			{Name: "outcome", Title: Text{"Итог", "Outcome"}, Options: outcomes},
			{
				Name: "client", Title: Text{"Номер клиента", "Client's number"}, Private: true,
				About: Text{"Любая часть номера, с пробелами и скобками или без: +7 (921) 946, 8 921 946, 27-61", "Any part of the number, with spaces and brackets or without: +7 (921) 946, 8 921 946, 27-61"},
			},
			{
				Name: "call", Title: Text{"Звонок", "Call"},
				About: Text{"Номер открытого звонка; подставляется, когда нажимают на время в списке", "The id of the open call; clicking a time in the list fills it in"},
			},
			listenVariable,
		},
		Panels: []Panel{
			callList(),
			heading("Открытый звонок", "The open call"),
			callFacts(), callDetails(), callRecordings(), callTimeline(),
		},
	}
}

// callList does not name call_id after the start: calls of one second come by the
// key anyhow, and a second sorting column makes a list of two years take 300 ms
// instead of 120.
func callList() Panel {
	return Panel{
		Kind: Table, Width: 24, Height: 13, Filters: true, Empty: Text{"Таких звонков нет", "There is no such call"},
		Title: Text{"Звонки", "Calls"},
		About: Text{
			"Последние пятьсот за период, самые новые сверху. Нажмите на время: ниже откроется, что происходило в звонке, и его запись.",
			"The last five hundred of the period, the newest first. Click a time: what happened in the call, and its recording, open below.",
		},
		SQL: "SELECT started_at, direction, outcome, client_number, external_number, employee, department, " + calledColleague + " AS called,\n  " +
			"wait_ms / 1000 AS wait, talk_ms / 1000 AS talk, length(recordings) AS recorded, hung_up, " + callKey +
			"\nFROM report_calls AS r\nWHERE " + within(byIntegration, byNumber, byDepartment, byEmployee,
			"$__conditionalAll(direction IN (${direction:singlequote}), $direction)",
			"$__conditionalAll(outcome IN (${outcome:singlequote}), $outcome)",
			byClient) +
			"\nORDER BY started_at DESC\nLIMIT 500",
		Columns: []Column{
			startedColumn.led(toCall), directionColumn, outcomeColumn, clientColumn, numberColumn, employeeColumn, departmentColumn, calledColumn,
			{Name: "wait", Title: Text{"Ожидание", "Wait"}, Unit: Span},
			{Name: "talk", Title: Text{"Разговор", "Talk"}, Unit: Span},
			{Name: "recorded", Title: Text{"Записи", "Recordings"}, Unit: Count},
			{Name: "hung_up", Title: Text{"Завершил", "Ended by"}, Shape: Word, Words: hungUp},
			{Name: "call_id", Shape: Word, Hidden: true},
		},
	}
}

// The two sides of an internal call, by name, else by what people dial.
const (
	callingColleague = "multiIf(caller_name != '', caller_name, caller_extension != '', caller_extension, caller)"
	calledColleague  = "multiIf(callee_name != '', callee_name, callee_extension != '', callee_extension, callee)"
)

var calledColumn = Column{Name: "called", Title: Text{"Кому (внутр.)", "To (internal)"}, Shape: Word}

// clickOne is what the open call's panels say while none is open.
var clickOne = Text{"Нажмите на время звонка в списке", "Click the time of a call in the list"}

func callFacts() Panel {
	return Panel{
		Kind: Table, Width: 24, Height: 4, Empty: clickOne,
		Title: Text{"Кратко", "In short"},
		About: Text{"Кто с кем говорил и чем кончилось.", "Who spoke with whom, and how it ended."},
		SQL: "SELECT started_at, direction, outcome, client_number, external_number, employee, wait_ms / 1000 AS wait, talk_ms / 1000 AS talk, ended_at, hung_up" +
			"\nFROM report_calls AS r\nWHERE " + theCall,
		Columns: []Column{
			startedColumn, directionColumn, outcomeColumn, clientColumn, numberColumn, employeeColumn,
			{Name: "wait", Title: Text{"Ожидание", "Wait"}, Unit: Span},
			{Name: "talk", Title: Text{"Разговор", "Talk"}, Unit: Span},
			{Name: "ended_at", Title: Text{"Закончился", "Ended"}, Shape: Moment},
			{Name: "hung_up", Title: Text{"Завершил", "Ended by"}, Shape: Word, Words: hungUp},
		},
	}
}

func callDetails() Panel {
	return Panel{
		Kind: Table, Width: 24, Height: 4, Empty: clickOne,
		Title: Text{"Подробно", "In detail"},
		About: Text{
			"Стороны внутреннего звонка, сколько звонил телефон и говорил автомат. Разговор не короче: по записи, когда конец звонка не сообщён.",
			"The two sides of an internal call, how long a phone rang and an automaton talked. Talk at least: by its recording, where the end of the call was not told.",
		},
		SQL: "SELECT answered_at, ring_ms / 1000 AS ring, attendant_ms / 1000 AS attendant, talk_at_least_ms / 1000 AS talk_at_least, transfers,\n  " +
			callingColleague + " AS calling, " + calledColleague + " AS called, platform_call_id" +
			"\nFROM report_calls AS r\nWHERE " + theCall,
		Columns: []Column{
			{Name: "answered_at", Title: Text{"Ответили", "Answered"}, Shape: Moment},
			{Name: "ring", Title: Text{"Звонил телефон", "Rang"}, Unit: Span},
			{Name: "attendant", Title: Text{"Автомат, меню", "Automaton, menu"}, Unit: Span},
			{Name: "talk_at_least", Title: Text{"Разговор не короче", "Talk at least"}, Unit: Span},
			{Name: "transfers", Title: Text{"Переводы", "Transfers"}, Unit: Count},
			{Name: "calling", Title: Text{"Кто звонил (внутр.)", "From (internal)"}, Shape: Word},
			calledColumn,
			{Name: "platform_call_id", Title: Text{"Номер у оператора", "The operator's id"}, Shape: Word},
		},
	}
}

func callRecordings() Panel {
	return Panel{
		Kind: Table, Width: 24, Height: 5, Empty: Text{"Звонок не открыт, или у него нет записи", "No call is open, or it has no recording"},
		Title: Text{"Записи", "Recordings"},
		About: Text{
			"Нажмите «Прослушать»: запись откроется в новой вкладке, пароль знает администратор. Если записи нет, здесь сказано почему.",
			"Click “Listen”: the recording opens in another tab; who runs Fonoteka knows the password. Where there is none, this says why.",
		},
		SQL: `SELECT 'listen' AS listen, state, duration_ms / 1000 AS length, size, announced_at, archived_at, next_attempt_at, reason_code, recording_id
FROM recordings AS r
WHERE (integration, recording_id) IN (
  SELECT integration, arrayJoin(recordings) FROM report_calls AS r WHERE ` + theCall + `)
ORDER BY announced_at`,
		Columns: []Column{
			{Name: "listen", Title: Text{"Запись", "Recording"}, Shape: Word, Words: []Saying{{"listen", Text{"▶ Прослушать", "▶ Listen"}, ""}}, Link: &toRecording},
			{Name: "state", Title: Text{"Состояние", "State"}, Shape: Word, Words: recordingStates},
			{Name: "length", Title: Text{"Длительность", "Length"}, Unit: Span},
			{Name: "size", Title: Text{"Размер", "Size"}, Unit: Bytes},
			{Name: "announced_at", Title: Text{"Объявлена", "Announced"}, Shape: Moment},
			{Name: "archived_at", Title: Text{"Сохранена", "Stored"}, Shape: Moment},
			{Name: "next_attempt_at", Title: Text{"Следующая попытка", "Next try"}, Shape: Moment},
			{Name: "reason_code", Title: Text{"Почему нет", "Why it is not there"}, Shape: Word, Words: reasons()},
			{Name: "recording_id", Title: Text{"Номер записи", "Recording id"}, Shape: Word},
		},
	}
}

func callTimeline() Panel {
	return Panel{
		Kind: Table, Width: 24, Height: 10, Empty: clickOne,
		Title: Text{"Что происходило", "What happened"},
		About: Text{"По шагам: куда пришёл звонок, у кого звонило, кто ответил, когда закончилось.", "Step by step: where the call came, where it rang, who answered, when it ended."},
		SQL: `SELECT step.1 AS at, step.2 AS what, dictGet('directory_account', 'employee', (toString(r.integration), toString(r.account_id)), r.started_at) AS who,
  account_id AS terminal, step.3 AS span, if(what IN ('stopped', 'ended'), r.reason, '') AS reason
FROM legs AS r
ARRAY JOIN arrayFilter(s -> isNotNull(s.1), [
  (leg_started_at, if(kind IN ('parking', 'attendant'), 'came', if(type = 'outgoing', 'dialled', 'rang')), NULL),
  (leg_answered_at, if(kind = 'attendant', 'menu', 'answered'), ring_ms / 1000),
  (leg_ended_at, if(kind IN ('parking', 'attendant'), 'routed', if(answered, 'ended', 'stopped')), if(answered, talk_ms / 1000, NULL))]) AS step
WHERE ` + theCall + `
ORDER BY at, indexOf(['came', 'dialled', 'rang', 'menu', 'answered', 'routed', 'stopped', 'ended'], what)`,
		Columns: []Column{
			{Name: "at", Title: Text{"Когда", "When"}, Shape: Moment},
			{Name: "what", Title: Text{"Что", "What"}, Shape: Word, Words: []Saying{
				{"came", Text{"пришёл на номер", "came to the number"}, ""},
				{"dialled", Text{"набирает", "dials"}, ""},
				{"rang", Text{"звонит телефон", "a phone rings"}, ""},
				{"menu", Text{"ответил автомат", "an automaton answers"}, ""},
				{"answered", Text{"ответил (звонил столько)", "answered (after ringing)"}, Green},
				{"routed", Text{"передан дальше", "led on"}, ""},
				{"stopped", Text{"перестал звонить", "rings no more"}, ""},
				{"ended", Text{"закончил (говорил столько)", "ended (after talking)"}, ""},
			}},
			{Name: "who", Title: Text{"Кто", "Who"}, Shape: Word},
			{Name: "terminal", Title: Text{"Телефон или номер", "Phone or number"}, Shape: Word, Chars: 15},
			{Name: "span", Title: Text{"Сколько", "How long"}, Unit: Span},
			{Name: "reason", Title: Text{"Слова оператора", "The operator's words"}, Shape: Word},
		},
	}
}
