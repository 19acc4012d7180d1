package dashboard

import "fonoteka/internal/call"

// What a person reads of the values in the tables.
var (
	directions = []Saying{
		{"incoming", Text{"входящий", "incoming"}, ""},
		{"outgoing", Text{"исходящий", "outgoing"}, ""},
		{"internal", Text{"внутренний", "internal"}, ""},
		{"unknown", Text{"неизвестно", "unknown"}, Grey},
	}
	outcomes = []Saying{
		{"answered", Text{"отвечен", "answered"}, Green},
		{"missed", Text{"пропущен", "missed"}, Red},
		{"abandoned", Text{"сброшен сразу", "hung up at once"}, Grey},
		{"no_answer", Text{"не дозвонились", "not reached"}, Orange},
		{"unknown", Text{"неизвестно", "unknown"}, Grey},
	}
	callbacks = []Saying{
		{"open", Text{"ждёт звонка", "waits for a call"}, Orange},
		{"called back", Text{"перезвонили", "called back"}, Green},
		{"came back", Text{"дозвонился сам", "reached us himself"}, Green},
		{"lapsed", Text{"никто не перезвонил", "nobody called back"}, Red},
		{"hidden", Text{"номер скрыт", "number hidden"}, Grey},
	}
	recordingStates = []Saying{
		{"archived", Text{"в архиве", "archived"}, Green},
		{"announced", Text{"ждёт скачивания", "waiting"}, Blue},
		{"retrying", Text{"скачивается повторно", "tried again"}, Yellow},
		{"missing", Text{"у оператора её пока нет", "not at the operator's yet"}, Yellow},
		{"refused", Text{"запрещено настройками", "forbidden by configuration"}, Orange},
		{"quarantined", Text{"пришла повреждённой", "came damaged"}, Orange},
		{"expired", Text{"потеряна", "lost"}, Red},
		{"erased", Text{"стёрта намеренно", "erased on purpose"}, Grey},
	}
	weekdays = []Saying{
		{"1", Text{"Пн", "Mon"}, ""},
		{"2", Text{"Вт", "Tue"}, ""},
		{"3", Text{"Ср", "Wed"}, ""},
		{"4", Text{"Чт", "Thu"}, ""},
		{"5", Text{"Пт", "Fri"}, ""},
		{"6", Text{"Сб", "Sat"}, ""},
		{"7", Text{"Вс", "Sun"}, ""},
	}
	hungUp = []Saying{
		{"us", Text{"мы", "us"}, ""},
		{"client", Text{"клиент", "the client"}, ""},
		{"unknown", Text{"неизвестно", "unknown"}, Grey},
	}
	nobody = []Saying{{"", Text{"–", "–"}, Grey}}
	hidden = []Saying{{"", Text{"скрыт", "hidden"}, Grey}}
)

// reasons are the words of recordings.reason_code.
func reasons() (all []Saying) {
	for _, w := range call.Codes() {
		all = append(all, Saying{string(w.Code), Text{w.RU, w.EN}, ""})
	}
	return all
}

// Steps of shares: more is better.
var goodShare = []Step{{0, Red}, {0.8, Yellow}, {0.9, Green}}

// Columns that many panels have.
var (
	timeColumn       = Column{Name: "time", Title: Text{"Время", "Time"}, Shape: Moment}
	startedColumn    = Column{Name: "started_at", Title: Text{"Когда", "When"}, Shape: Moment, Width: 175}
	directionColumn  = Column{Name: "direction", Title: Text{"Направление", "Direction"}, Shape: Word, Words: directions, Width: 120}
	outcomeColumn    = Column{Name: "outcome", Title: Text{"Итог", "Outcome"}, Shape: Word, Words: outcomes, Width: 130}
	clientColumn     = Column{Name: "client_number", Title: Text{"Клиент", "Client"}, Shape: Word, Words: hidden, Width: 130}
	numberColumn     = Column{Name: "external_number", Title: Text{"Наш номер", "Our number"}, Shape: Word, Words: nobody, Width: 130}
	employeeColumn   = Column{Name: "employee", Title: Text{"Сотрудник", "Employee"}, Shape: Word, Words: nobody}
	departmentColumn = Column{Name: "department", Title: Text{"Отдел", "Department"}, Shape: Word, Words: nobody}
	receivedColumn   = Column{Name: "received", Title: Text{"Входящие", "Incoming"}, Unit: Count, Colour: Blue}
	answeredColumn   = Column{Name: "answered", Title: Text{"Отвечено", "Answered"}, Unit: Count, Colour: Green}
	missedColumn     = Column{Name: "missed", Title: Text{"Пропущено", "Missed"}, Unit: Count, Colour: Red}
	shortColumn      = Column{Name: "short_abandons", Title: Text{"Сброшено сразу", "Hung up at once"}, Unit: Count, Colour: Grey}
	outgoingColumn   = Column{Name: "outgoing", Title: Text{"Исходящие", "Outgoing"}, Unit: Count, Colour: Purple}
	rateColumn       = Column{Name: "answer_rate", Title: Text{"Доля отвеченных", "Answered, share"}, Unit: Share, Steps: goodShare}
	levelColumn      = Column{Name: "service_level", Title: Text{"Ответ в срок", "Answered in time"}, Unit: Share, Steps: []Step{{0, Red}, {0.7, Yellow}, {0.8, Green}}}
	reachColumn      = Column{Name: "reach_rate", Title: Text{"Дозвон", "Reached, share"}, Unit: Share, Steps: []Step{{0, Red}, {0.4, Yellow}, {0.6, Green}}}
	waitColumn       = Column{Name: "average_wait", Title: Text{"Ждут в среднем", "Wait, average"}, Unit: Span, Steps: []Step{{0, Green}, {20, Yellow}, {40, Red}}}
)

// numberName is the name of an external number of a group, by which rows are
// grouped: the one it has now.
const numberName = "dictGet('directory_number', 'name', (toString(any(r.integration)), toString(external_number)), now64(3, 'UTC'))"

// line gives a column one colour, for graphs over time.
func (c Column) line(colour Colour) Column {
	c.Steps, c.Colour = nil, colour
	return c
}

// as renames a column.
func (c Column) as(ru, en string) Column {
	c.Title = Text{ru, en}
	return c
}

// led links a column.
func (c Column) led(l Link) Column {
	c.Link = &l
	return c
}

// Links between the dashboards; the window and what is chosen go along.
var (
	toCall = Link{
		Title: Text{"Открыть звонок", "Open the call"},
		URL:   "/d/fonoteka-calls-$lang?${__url_time_range}&var-call=${__data.fields.call_id}",
	}
	toEmployeeCalls = Link{
		Title: Text{"Звонки сотрудника", "Calls of this employee"},
		URL:   "/d/fonoteka-calls-$lang?${__url_time_range}&${integration:queryparam}&var-employee=${__data.fields.workplace}",
	}
	toNumberCalls = Link{
		Title: Text{"Звонки на этот номер", "Calls to this number"},
		URL:   "/d/fonoteka-calls-$lang?${__url_time_range}&${integration:queryparam}&var-number=${__value.raw:percentencode}",
	}
	toRecording = Link{
		Title: Text{"Прослушать", "Listen"}, Away: true,
		URL: "${listen}/recordings/${__data.fields.recording_id}",
	}
)

// The variables.
var (
	integrationVariable = Variable{
		Name: "integration", Title: Text{"АТС", "PBX"},
		About: Text{"Интеграция, через которую приходят звонки", "The integration that calls come through"},
		SQL:   "SELECT DISTINCT integration FROM report_settings AS r ORDER BY integration",
	}
	numberVariable = Variable{
		Name: "number", Title: Text{"Наш номер", "Our number"},
		About: Text{"Внешний номер компании, на который звонили", "The company's number that was called"},
		SQL: "SELECT external_number, concat(external_number, if(name = '', '', ' · '), name) FROM (SELECT external_number, " + numberName +
			" AS name FROM report_volume AS r WHERE " + hoursWithin("external_number != ''") + " GROUP BY external_number) ORDER BY external_number",
	}
	hoursVariable = Variable{
		Name: "hours", Title: Text{"Часы", "Hours"},
		About: Text{"Рабочее время, выходные и праздники – из настроек", "Working hours, weekends and holidays are those of the settings"},
		Options: []Saying{
			{"working", Text{"рабочие", "working hours"}, ""},
			{"rest", Text{"нерабочие", "after hours"}, ""},
		},
	}
	departmentVariable = Variable{
		Name: "department", Title: Text{"Отдел", "Department"},
		SQL: "SELECT DISTINCT department, if(department = '', '–', department) FROM report_departments AS r WHERE " + hoursWithin() + " ORDER BY department",
	}
	employeeVariable = Variable{
		Name: "employee", Title: Text{"Сотрудник", "Employee"},
		SQL: "SELECT workplace, " + person + " FROM (SELECT workplace, argMax(r.employee, r.local_day) AS employee FROM " + ofWorkplaces(byDepartment) +
			" GROUP BY workplace) AS r ORDER BY employee, workplace",
	}
	listenVariable = Variable{
		Name: "listen", Title: Text{"Адрес записей", "Address of recordings"}, Hidden: true, Single: true,
		SQL: "SELECT url FROM addresses WHERE name = 'recordings'",
	}
)
