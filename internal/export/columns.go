package export

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"fonoteka/internal/pack"
)

// column of the tables for people: calls.csv and calls.xlsx.
type column struct {
	name   string // in CSV: that of calls.jsonl, with _local where it is by the company's clock
	ru, en string // in XLSX
	width  float64
	cell   func(c pack.Call, t *tables) any // string, time.Time (by the company's clock, or UTC), time.Duration, int; nil: not known
}

// tables are what cells are made of.
type tables struct {
	zone  *time.Location
	files map[recordingKey]string // of what is played
}

var columns = []column{
	{"started_at_local", "Начало", "Started", 20, func(c pack.Call, t *tables) any { return local(c.StartedAt, t.zone) }},
	{"started_at", "Начало (UTC)", "Started (UTC)", 20, func(c pack.Call, _ *tables) any { return local(c.StartedAt, time.UTC) }},
	{"direction", "Направление", "Direction", 22, func(c pack.Call, _ *tables) any { return c.Direction }},
	{"outcome", "Итог", "Outcome", 24, func(c pack.Call, _ *tables) any { return c.Outcome }},
	{"client_number", "Номер клиента", "Client's number", 18, func(c pack.Call, _ *tables) any { return c.ClientNumber }},
	{"external_number", "Номер компании", "Company's number", 18, func(c pack.Call, _ *tables) any { return c.ExternalNumber }},
	{"employee", "Сотрудник", "Employee", 26, func(c pack.Call, _ *tables) any { return employee(c) }},
	{"department", "Отдел", "Department", 20, func(c pack.Call, _ *tables) any { return c.Department }},
	{"caller_name", "Кто звонил (внутри)", "Caller (internal)", 22, func(c pack.Call, _ *tables) any { return cmp.Or(c.CallerName, c.Caller) }},
	{"callee_name", "Кому (внутри)", "Callee (internal)", 22, func(c pack.Call, _ *tables) any { return cmp.Or(c.CalleeName, c.Callee) }},
	{"wait_ms", "Ожидание", "Wait", 11, func(c pack.Call, _ *tables) any { return lasted(c.WaitMS) }},
	{"talk_ms", "Разговор", "Talk", 11, func(c pack.Call, _ *tables) any { return lasted(&c.TalkMS) }},
	{"attendant_ms", "Автоответчик", "Automaton", 13, func(c pack.Call, _ *tables) any { return lasted(&c.AttendantMS) }},
	{"answered_at_local", "Ответ", "Answered", 20, func(c pack.Call, t *tables) any { return local(c.AnsweredAt, t.zone) }},
	{"ended_at_local", "Конец", "Ended", 20, func(c pack.Call, t *tables) any { return local(c.EndedAt, t.zone) }},
	{"hung_up", "Кто завершил", "Hung up by", 14, func(c pack.Call, _ *tables) any { return c.HungUp }},
	{"transfers", "Переводы", "Transfers", 10, func(c pack.Call, _ *tables) any { return c.Transfers }},
	{"recordings", "Записей", "Recordings", 10, func(c pack.Call, _ *tables) any { return len(c.Recordings) }},
	{"recording_files", "Файлы записей", "Recording files", 60, func(c pack.Call, t *tables) any { return strings.Join(t.played(c), ", ") }},
	{"account_id", "Линия", "Account", 18, func(c pack.Call, _ *tables) any { return c.AccountID }},
	{"integration", "Интеграция", "Integration", 14, func(c pack.Call, _ *tables) any { return c.Integration }},
	{"call_id", "Номер звонка", "Call id", 22, func(c pack.Call, _ *tables) any { return strconv.FormatUint(c.CallID, 10) }},
}

// employee is who had the call, or, where the directory knows no name, the account.
func employee(c pack.Call) string { return cmp.Or(c.Employee, c.AccountID) }

// local is a moment by a clock, in whole milliseconds.
func local(t pack.Time, zone *time.Location) any {
	if t.IsZero() {
		return nil
	}
	return t.In(zone)
}

func lasted(ms *int64) any {
	if ms == nil {
		return nil
	}
	return time.Duration(*ms) * time.Millisecond
}

// played are the files of a call that can be played, by their paths beside calls.csv.
func (t *tables) played(c pack.Call) (files []string) {
	for _, id := range c.Recordings {
		if file := t.files[recordingKey{c.Integration, id}]; file != "" {
			files = append(files, strings.TrimPrefix(file, "data/"))
		}
	}
	return files
}

// words are codes as people say them, in both languages.
var words = map[string]string{
	"incoming": "входящий / incoming", "outgoing": "исходящий / outgoing", "internal": "внутренний / internal",
	"answered": "отвечен / answered", "missed": "пропущен / missed", "abandoned": "сброшен / abandoned", "no_answer": "без ответа / no answer",
	"us": "компания / us", "client": "клиент / client", "unknown": "неизвестно / unknown",
}

// csvCell is a cell of calls.csv.
func csvCell(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int:
		return strconv.Itoa(v)
	case time.Duration:
		return strconv.FormatInt(v.Milliseconds(), 10)
	case time.Time:
		return v.Format(time.DateTime) // as a spreadsheet reads it; calls.jsonl has the milliseconds
	}
	return ""
}
