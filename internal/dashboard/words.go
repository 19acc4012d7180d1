package dashboard

import "fonoteka/internal/call"

// What a person reads of the values in the tables.
var (
	directions = []Saying{
		{"incoming", Text{"входящий", "incoming"}, ""},
		{"outgoing", Text{"исходящий", "outgoing"}, ""},
		{"internal", Text{"внутренний", "internal"}, ""},
		{"unknown", Text{"неизвестно", "unknown"}, ""},
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
		{"came back", Text{"дозвонился сам", "reached us himself"}, Blue},
		{"lapsed", Text{"никто не перезвонил", "nobody called back"}, Red},
		{"hidden", Text{"номер скрыт", "number hidden"}, Grey},
	}
	recordingStates = []Saying{
		{"archived", Text{"в архиве", "archived"}, Green},
		{"announced", Text{"ждёт скачивания", "waiting"}, Yellow},
		{"retrying", Text{"скачивается повторно", "tried again"}, Yellow},
		{"missing", Text{"у оператора ещё нет", "not at the operator's"}, Yellow},
		{"refused", Text{"запрещено настройками", "forbidden by settings"}, Orange},
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
		{"unknown", Text{"неизвестно", "unknown"}, ""},
	}
	upAndDown = []Saying{
		{"1", Text{"работает", "up"}, Green},
		{"0", Text{"не работает", "down"}, Red},
	}
	nobody = []Saying{{"", Text{nothing, nothing}, ""}}
	hidden = []Saying{{"", Text{"скрыт", "hidden"}, ""}}
)

// reasons are the words of recordings.reason_code.
func reasons() (all []Saying) {
	for _, w := range call.Codes() {
		all = append(all, Saying{string(w.Code), Text{w.RU, w.EN}, ""})
	}
	return all
}

// The goals: from where on a share is good, and how long a client may wait, in seconds.
const (
	answerGoal   = 0.9
	levelGoal    = 0.8
	reachGoal    = 0.6
	waitGoal     = 20
	soonGoal     = 0.8
	closedGoal   = 0.9
	recordedGoal = 0.98
)

const phoneDigits = 12 // of most numbers

// good colours shares: more is better.
func good(goal, passable float64) []Step { return []Step{{0, Red}, {passable, Yellow}, {goal, Green}} }

var (
	badAboveZero  = []Step{{0, Green}, {1, Red}}
	waitAboveZero = []Step{{0, Green}, {1, Yellow}}
	gapAboveZero  = []Step{{0, Green}, {1, Orange}}
	recordedSteps = good(recordedGoal, 0.9)
)

// Columns that many panels have.
var (
	timeColumn       = Column{Name: "time", Title: Text{"Время", "Time"}, Shape: Moment}
	startedColumn    = Column{Name: "started_at", Title: Text{"Когда", "When"}, Shape: Moment}
	directionColumn  = Column{Name: "direction", Title: Text{"Вид", "Kind"}, Shape: Word, Words: directions}
	outcomeColumn    = Column{Name: "outcome", Title: Text{"Итог", "Outcome"}, Shape: Word, Words: outcomes}
	clientColumn     = Column{Name: "client_number", Title: Text{"Клиент", "Client"}, Shape: Word, Words: hidden, Chars: phoneDigits}
	numberColumn     = Column{Name: "external_number", Title: Text{"Наш номер", "Our number"}, Shape: Word, Words: nobody, Chars: phoneDigits}
	employeeColumn   = Column{Name: "employee", Title: Text{"Сотрудник", "Employee"}, Shape: Word, Words: nobody}
	departmentColumn = Column{Name: "department", Title: Text{"Отдел", "Department"}, Shape: Word, Words: nobody}
	receivedColumn   = Column{Name: "received", Title: Text{"Входящие", "Incoming"}, Unit: Count, Colour: Blue}
	answeredColumn   = Column{Name: "answered", Title: Text{"Отвечено", "Answered"}, Unit: Count, Colour: Green}
	missedColumn     = Column{Name: "missed", Title: Text{"Пропущено", "Missed"}, Unit: Count, Colour: Red}
	shortColumn      = Column{Name: "abandoned", Title: Text{"Сброшено сразу", "Hung up at once"}, Unit: Count, Colour: Grey}
	outgoingColumn   = Column{Name: "outgoing", Title: Text{"Исходящие", "Outgoing"}, Unit: Count, Colour: Purple}
	reachedColumn    = Column{Name: "reached", Title: Text{"Дозвонились", "Reached"}, Unit: Count, Colour: Purple}
	rateColumn       = Column{Name: "answer_rate", Title: Text{"Доля отвеченных", "Answered, share"}, Unit: Share, Steps: good(answerGoal, 0.8), Goal: answerGoal}
	levelColumn      = Column{Name: "service_level", Title: Text{"Ответ в срок", "Answered in time"}, Unit: Share, Steps: good(levelGoal, 0.7), Goal: levelGoal}
	reachColumn      = Column{Name: "reach_rate", Title: Text{"Дозвон", "Reached, share"}, Unit: Share, Steps: good(reachGoal, 0.4), Goal: reachGoal}
	waitColumn       = Column{Name: "average_wait", Title: Text{"Ждут в среднем", "Wait, average"}, Unit: Span, Steps: []Step{{0, Green}, {waitGoal, Yellow}, {2 * waitGoal, Red}}, Goal: waitGoal}
	calledBackColumn = Column{Name: "called_back", Title: Text{"Перезвонили", "Called back"}, Unit: Count, Colour: Green}
	cameBackColumn   = Column{Name: "came_back", Title: Text{"Дозвонились сами", "Reached us themselves"}, Unit: Count, Colour: Blue}
	openColumn       = Column{Name: "open", Title: Text{"Ждут звонка", "Waiting"}, Unit: Count, Colour: Orange}
	lapsedColumn     = Column{Name: "lapsed", Title: Text{"Упущены", "Let go"}, Unit: Count, Colour: Red}
	hiddenColumn     = Column{Name: "hidden", Title: Text{"Номер скрыт", "Number hidden"}, Unit: Count, Colour: Grey}
)

// numberName is the name of an external number of a group, by which rows are
// grouped: the one it has now.
const numberName = "dictGet('directory_number', 'name', (toString(any(r.integration)), toString(external_number)), now64(3, 'UTC'))"

// line gives a column one colour, for graphs over time.
func (c Column) line(colour Colour) Column {
	c.Steps, c.Colour = nil, colour
	return c
}

// steps colours a column by its values.
func (c Column) steps(steps []Step) Column {
	c.Steps, c.Colour = steps, ""
	return c
}

// wide fixes the width of a column.
func (c Column) wide(pixels int) Column {
	c.Width = pixels
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
		SQL: "SELECT DISTINCT " + departmentChoice + " AS choice FROM report_departments AS r WHERE " + hoursWithin() + " ORDER BY r.department = '', choice",
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
