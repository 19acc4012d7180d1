package dashboard

// now is what goes on at this moment: for whoever sits at the front desk, or looks
// at a wall.
func now() Dashboard {
	return Dashboard{
		Name: "now", From: "now-24h", Refresh: "10s",
		Title:     Text{"Звонки: сейчас", "Calls: now"},
		About:     Text{"Кто ждёт ответа, кто говорит и как идёт день.", "Who waits for an answer, who talks, and how the day goes."},
		Variables: []Variable{integrationVariable, numberVariable, departmentVariable},
		Panels:    []Panel{nowTotals(), nowToday(), nowWaiting(), nowTalking()},
	}
}

// goingOn are the calls that nobody has ended, as far as the operator has told. One
// whose end was lost stays for some hours, until it is ended by inference; twelve are
// longer than any talk. The test for null is that of the index, which finds them
// without the rest of history.
const goingOn = "isNull(r.ended_at) AND r.outcome != 'missed' AND r.started_at > now() - INTERVAL 12 HOUR AND r.started_at <= now()\n  AND " + byIntegration + "\n  AND " + byNumber + "\n  AND " + byDepartment

// waits are calls of clients that nobody has answered.
const waits = "r.outcome != 'answered' AND r.direction != 'outgoing'"

func nowTotals() Panel {
	return Panel{
		Kind: Totals, Width: 12, Height: 5,
		Title: Text{"Сейчас", "Now"},
		About: Text{
			"Звонки, которые начались и ещё не закончились: ждут ответа, говорят, набирают. Обновляется каждые десять секунд; выбранный период не важен.",
			"Calls that have begun and not ended: those that wait for an answer, talk, are being dialled. Anew every ten seconds; the chosen period does not matter.",
		},
		SQL: "SELECT count() AS going_on, countIf(" + waits + ") AS waiting_now,\n  if(waiting_now = 0, NULL, dateDiff('second', minIf(r.started_at, " + waits + "), now64(3))) AS waits_longest,\n  " +
			"countIf(r.outcome = 'answered') AS talking, countIf(r.outcome != 'answered' AND r.direction = 'outgoing') AS dialling\nFROM report_calls AS r\nWHERE " + goingOn,
		Columns: []Column{
			{Name: "going_on", Title: Text{"Идут", "Going on"}, Unit: Count, Colour: Blue},
			{Name: "waiting_now", Title: Text{"Ждут ответа", "Waiting"}, Unit: Count, Steps: []Step{{0, Green}, {1, Yellow}, {5, Red}}},
			{Name: "waits_longest", Title: Text{"Ждёт дольше всех", "Longest wait"}, Unit: Span, Steps: waitColumn.Steps},
			{Name: "talking", Title: Text{"Говорят", "Talking"}, Unit: Count, Colour: Green},
			{Name: "dialling", Title: Text{"Набирают", "Dialling"}, Unit: Count, Colour: Purple},
		},
	}
}

// nowToday counts from the company's midnight, which follows from the rows.
func nowToday() Panel {
	return Panel{
		Kind: Totals, Width: 12, Height: 5,
		Title: Text{"Сегодня", "Today"},
		About: Text{
			"С полуночи по времени компании; как на обзоре, цели – в скобках. По отделам не делится.",
			"Since midnight in the company's time; as in the overview, with the goals in brackets. Not divided by department.",
		},
		SQL: "SELECT sum(r.received) AS received, " + answerRate + ", sum(r.missed) AS missed, " + serviceLevel + ", " + averageWait +
			"\nFROM report_volume AS r\nWHERE r.started_at > now() - INTERVAL 36 HOUR AND r.started_at <= now()\n  AND r.local_day = toDate(now('UTC') + toIntervalSecond(" + offsetNow + "))\n  AND " + byIntegration + "\n  AND " + byNumber,
		Columns: []Column{receivedColumn, rateColumn, missedColumn, levelColumn, waitColumn},
	}
}

const offsetNow = "(SELECT toInt32(argMax(utc_offset_s, since)) FROM report_settings WHERE since <= now())"

func nowWaiting() Panel {
	return Panel{
		Kind: Table, Width: 12, Height: 12, Empty: Text{"Никто не ждёт", "Nobody waits"},
		Title: Text{"Кто ждёт ответа", "Who waits for an answer"},
		About: Text{"Дольше всех ждущие сверху. Нажмите на номер, чтобы открыть звонок.", "The longest waiting first. Click the number to open the call."},
		SQL: "SELECT client_number, dateDiff('second', r.started_at, now64(3)) AS waiting, external_number, employee, department, " + callKey +
			"\nFROM report_calls AS r\nWHERE " + goingOn + "\n  AND " + waits + "\nORDER BY r.started_at\nLIMIT 100",
		Columns: []Column{
			clientColumn.led(toCall),
			{Name: "waiting", Title: Text{"Ждёт", "Waits"}, Unit: Span, Steps: waitColumn.Steps},
			numberColumn, employeeColumn.as("Звонит у", "Rings at"), departmentColumn,
			{Name: "call_id", Shape: Word, Hidden: true},
		},
	}
}

// nowTalking takes who talks from the call's legs: after a transfer it is another
// than the one who answered, whom the call names.
func nowTalking() Panel {
	return Panel{
		Kind: Table, Width: 12, Height: 12, Empty: Text{"Никто не говорит", "Nobody talks"},
		Title: Text{"Кто говорит", "Who talks"},
		About: Text{"Самые долгие разговоры сверху. Нажмите на номер, чтобы открыть звонок.", "The longest talks first. Click the number to open the call."},
		SQL: `WITH talks AS (
  SELECT integration, call_id, argMax(account_id, leg_answered_at) AS account, max(leg_answered_at) AS since
  FROM legs
  WHERE started_at > now() - INTERVAL 12 HOUR AND isNull(leg_ended_at) AND answered AND kind = 'workplace'
  GROUP BY integration, call_id)
SELECT * EXCEPT known FROM (
SELECT client_number, dateDiff('second', ifNull(t.since, ifNull(r.answered_at, r.started_at)), now64(3)) AS talks,
  dictGet('directory_account', 'employee', (toString(r.integration), toString(t.account)), now64(3)) AS known,
  multiIf(t.account = '', r.employee, known = '', t.account, known) AS employee,
  r.department AS department, direction, ` + callKey + `
FROM report_calls AS r LEFT JOIN talks AS t ON t.integration = r.integration AND t.call_id = r.call_id
WHERE ` + goingOn + `
  AND r.outcome = 'answered'
)
ORDER BY talks DESC
LIMIT 200`,
		Columns: []Column{
			clientColumn.led(toCall),
			{Name: "talks", Title: Text{"Говорит", "Talks"}, Unit: Span},
			employeeColumn, departmentColumn, directionColumn,
			{Name: "call_id", Shape: Word, Hidden: true},
		},
	}
}
