package dashboard

import (
	"fmt"
	"strings"
)

// employees is about people: who answers, who calls, who is not reached.
func employees() Dashboard {
	return Dashboard{
		Name: "employees", From: "now-7d", Refresh: "15m",
		Title:     Text{"Звонки: сотрудники и отделы", "Calls: employees and departments"},
		About:     Text{"Кто сколько отвечает, звонит и говорит. Нажмите на имя, чтобы увидеть звонки.", "Who answers, calls and talks how much. Click a name to see the calls."},
		Variables: []Variable{integrationVariable, hoursVariable, departmentVariable, employeeVariable},
		Panels: []Panel{
			departmentTable(), employeeTable(), employeeAnswers(), employeeTalk(), employeeHours(),
		},
	}
}

const talkTotal = "(sum(r.incoming_talk_ms) + sum(r.outgoing_talk_ms)) / 1000 AS talk"

var talkColumn = Column{Name: "talk", Title: Text{"Разговоры, всего", "Talk, in all"}, Unit: Span, Gauge: true}

func departmentTable() Panel {
	return Panel{
		Kind: Table, Width: 24, Height: 7,
		Title: Text{"Отделы", "Departments"},
		About: Text{
			"Звонок считается один раз – у отдела, который ответил, а если не ответил никто, у того, где звонило первым. Без отдела: звонило у тех, кто ни в каком отделе, или не звонило ни у кого – клиент не дождался или звонил в нерабочее время.",
			"A call counts once, for the department that answered it or, if none did, for the one where it rang first. No department: it rang with people of none, or with nobody, as the client gave up first or called after hours.",
		},
		SQL: "SELECT department, sum(r.received) AS received, sum(r.answered) AS answered, sum(r.missed) AS missed,\n  " + answerRate +
			",\n  sum(r.outgoing) AS outgoing, " + reachRate + ", sum(r.transfers) AS transfers,\n  " + talkTotal +
			"\nFROM report_departments AS r\nWHERE " + hoursWithin(byIntegration, byHours, byDepartment) + "\nGROUP BY department\nORDER BY department = '', received DESC\nLIMIT 100",
		Columns: []Column{
			{Name: "department", Title: Text{"Отдел", "Department"}, Shape: Word, Words: []Saying{{"", Text{"без отдела", "no department"}, ""}}},
			receivedColumn.line(""), answeredColumn.line(""), missedColumn.line(""), rateColumn,
			outgoingColumn.line(""), reachColumn,
			{Name: "transfers", Title: Text{"Переводы", "Transfers"}, Unit: Count},
			talkColumn,
		},
	}
}

func employeeTable() Panel {
	return Panel{
		Kind: Table, Width: 24, Height: 12, Filters: true,
		Title: Text{"Сотрудники", "Employees"},
		About: Text{
			"Звонило: сколько звонков пришло на телефоны сотрудника; несколько его телефонов – один звонок. Без ответа: звонило у него, и никто в компании не взял трубку. Дозвон: доля его исходящих, на которые ответили.",
			"Rang: calls that came to the employee's phones; several phones of one count once. Unanswered: it rang there, and nobody in the company answered. Reached: share of the employee's outgoing calls that were answered.",
		},
		SQL: "SELECT " + person + ", any(r.department) AS department, sum(r.rang) AS rang, sum(r.answered) AS answered, sum(r.missed) AS missed,\n  " +
			share("answered", "sum(r.rang)") + " AS answered_share,\n  " + share("answered_ring_ms", "sum(r.answered_rings)") + " / 1000 AS average_ring,\n  " +
			"sum(r.outgoing) AS outgoing, " + reachRate + ", sum(r.transfers) AS transfers,\n  " + talkTotal +
			",\n  (sum(r.incoming_talk_ms) + sum(r.outgoing_talk_ms)) / nullIf(sum(r.answered) + sum(r.reached), 0) / 1000 AS average_talk, r.workplace AS workplace" +
			"\nFROM " + ofWorkplaces(byIntegration, byHours, byDepartment, byEmployee) + perPerson + "\nORDER BY rang + outgoing DESC\nLIMIT 500",
		Columns: []Column{
			employeeColumn.led(toEmployeeCalls), departmentColumn,
			{Name: "rang", Title: Text{"Звонило", "Rang"}, Unit: Count},
			answeredColumn.line("").as("Ответил", "Answered"), missedColumn.line("").as("Без ответа", "Unanswered"),
			{Name: "answered_share", Title: Text{"Доля ответов", "Answered, share"}, Unit: Share},
			{Name: "average_ring", Title: Text{"Снимает за", "Picks up in"}, Unit: Span},
			outgoingColumn.line(""), reachColumn,
			{Name: "transfers", Title: Text{"Переводы", "Transfers"}, Unit: Count},
			talkColumn,
			{Name: "average_talk", Title: Text{"Средний разговор", "Talk, average"}, Unit: Span},
			{Name: "workplace", Shape: Word, Hidden: true},
		},
	}
}

func employeeAnswers() Panel {
	return Panel{
		Kind: Bars, Width: 12, Height: 9,
		Title: Text{"Разговоры по времени", "Talks over time"},
		About: Text{"Сколько разговоров провели выбранные сотрудники: принятых и исходящих.", "Talks of the chosen employees: calls answered and calls made."},
		SQL: series(byLength(hourNumber, dayNumber, weekNumber, monthNumber), byLength(hourBegin, dayBegin, weekBegin, monthBegin), latestOffset,
			"sum(r.answered) AS answered, sum(r.reached) AS reached", ofWorkplaces(byIntegration, byHours, byDepartment, byEmployee), ""),
		Columns: []Column{
			timeColumn, answeredColumn.as("Приняли", "Answered"), reachedColumn,
		},
	}
}

func employeeTalk() Panel {
	return Panel{
		Kind: Categories, Width: 12, Height: 9, Sideways: true,
		Title: Text{"Кто больше говорит", "Who talks most"},
		About: Text{"Время разговоров: пятнадцать сотрудников, у которых его больше всего.", "Time talked: the fifteen employees with the most of it."},
		SQL: "SELECT " + person + ", sum(r.incoming_talk_ms) / 1000 AS incoming_talk, sum(r.outgoing_talk_ms) / 1000 AS outgoing_talk" +
			"\nFROM " + ofWorkplaces(byIntegration, byHours, byDepartment, byEmployee) +
			perPerson + "\nHAVING incoming_talk + outgoing_talk > 0\nORDER BY incoming_talk + outgoing_talk DESC\nLIMIT 15",
		Columns: []Column{
			employeeColumn,
			{Name: "incoming_talk", Title: Text{"Входящие", "Incoming"}, Unit: Span, Colour: Green},
			{Name: "outgoing_talk", Title: Text{"Исходящие", "Outgoing"}, Unit: Span, Colour: Purple},
		},
	}
}

func employeeHours() Panel {
	return Panel{
		Kind: Table, Width: 24, Height: 10,
		Title: Text{"Кто когда отвечает", "Who answers when"},
		About: Text{"Принятые звонки по часам дня, по времени компании.", "Calls answered by hour of the day, in the company's time."},
		SQL: "SELECT " + person + answeredHours() +
			"\nFROM " + ofWorkplaces(byIntegration, byHours, byDepartment, byEmployee) +
			perPerson + "\nHAVING sum(r.answered) > 0\nORDER BY sum(r.answered) DESC\nLIMIT 30",
		Columns: append([]Column{employeeColumn.wide(180)}, hourColumns(Count)...),
	}
}

// answeredHours are the columns of hours, as of overview's tables.
func answeredHours() string {
	var b strings.Builder
	for h := range 24 {
		fmt.Fprintf(&b, ",\n  sumForEach(r.answered_by_hour)[%d] AS `%d`", h+1, h)
	}
	return b.String()
}
