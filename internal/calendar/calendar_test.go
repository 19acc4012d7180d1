package calendar_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/calendar"
)

// 2024 as the government had it: Saturdays of April 27, November 2 and December
// 28 were worked, and what fell on weekends in January moved to May and December.
var months2024 = []string{
	"1,2,3,4,5,6,7,8,13,14,20,21,27,28", "3,4,10,11,17,18,22*,23,24,25", "2,3,7*,8,9,10,16,17,23,24,30,31",
	"6,7,13,14,20,21,28,29+,30+", "1,4,5,8*,9,10+,11,12,18,19,25,26", "1,2,8,9,11*,12,15,16,22,23,29,30",
	"6,7,13,14,20,21,27,28", "3,4,10,11,17,18,24,25,31", "1,7,8,14,15,21,22,28,29",
	"5,6,12,13,19,20,26,27", "2*,3,4,9,10,16,17,23,24,30", "1,7,8,14,15,21,22,29,30+,31+",
}

const differs2024 = `
01-01 holiday, 01-02 holiday, 01-03 holiday, 01-04 holiday, 01-05 holiday, 01-06 holiday, 01-07 holiday, 01-08 holiday,
02-22 short, 02-23 holiday, 03-07 short, 03-08 holiday, 04-27 working, 04-29 holiday, 04-30 holiday, 05-01 holiday,
05-08 short, 05-09 holiday, 05-10 holiday, 06-11 short, 06-12 holiday, 11-02 working, 11-04 holiday,
12-28 working, 12-30 holiday, 12-31 holiday`

func show(years []calendar.Year) string {
	var days []string
	for _, d := range years[0].Days {
		days = append(days, d.Date.Format("01-02 ")+d.Kind)
	}
	return strings.Join(days, ", ")
}

func want() string { return strings.Join(strings.Fields(differs2024), " ") }

func TestOpenDataCSV(t *testing.T) {
	t.Parallel()
	file := "\ufeffГод/Месяц,Январь,Февраль,Март,Апрель,Май,Июнь,Июль,Август,Сентябрь,Октябрь,Ноябрь,Декабрь,Всего рабочих дней\r\n" +
		`2024,"` + strings.Join(months2024, `","`) + "\",248\r\n"
	years, err := calendar.Read([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want(), show(years)); diff != "" || years[0].Year != 2024 {
		t.Error(diff)
	}
}

func TestCSVAsSpreadsheetsSaveIt(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{
		"semicolons, days in quotation marks": "2024;\"" + strings.Join(months2024, `";"`) + "\"\n",
		"the separator is stated":             "sep=;\r\nГод;Январь\r\n2024;" + strings.Join(months2024, ";") + "\r\n",
		"as text by a formula":                "Год,Январь\n=\"2024\",=\"" + strings.Join(months2024, `",="`) + "\"\n",
	} {
		years, err := calendar.Read([]byte(file))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(want(), show(years)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestABadLineIsNamedAndTheOtherYearsAreRead(t *testing.T) {
	t.Parallel()
	good := `2024,"` + strings.Join(months2024, `","`) + "\"\n"
	years, err := calendar.Read([]byte("Год,Январь\n2023,1\" 2\n" + strings.Replace(good, "2024,\"1,", "2025,\"41,", 1) + good))
	if err == nil || err.Error() != "line 2: column 2: a quotation mark stands within a field (double it, and put the field between quotation marks)\nline 3, column 2: year 2025, month 1: \"41\" is not a day" {
		t.Errorf("%v", err)
	}
	if len(years) != 1 || show(years) != want() {
		t.Errorf("%v", years)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	var months []string
	for i, days := range months2024 {
		months = append(months, fmt.Sprintf(`{"month":%d,"days":%q}`, i+1, days))
	}
	years, err := calendar.Read([]byte(`{"year":2024,"months":[` + strings.Join(months, ",") + `],"transitions":[{"from":"01.06","to":"05.10"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want(), show(years)); diff != "" {
		t.Error(diff)
	}
}

func TestXML(t *testing.T) {
	t.Parallel()
	years, err := calendar.Read([]byte(`<?xml version="1.0" encoding="UTF-8"?>
		<calendar year="2024" lang="ru" country="ru"><holidays><holiday id="1" title="Новый год"/></holidays>
		<days><day d="02.23" t="1" h="3"/><day d="02.22" t="2"/><day d="04.27" t="3"/><day d="04.29" t="1" f="04.27"/></days></calendar>`))
	if err != nil {
		t.Fatal(err)
	}
	if got := show(years); got != "02-22 short, 02-23 holiday, 04-27 working, 04-29 holiday" {
		t.Error(got)
	}
}

func TestWhatIsNoCalendarIsRefused(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{
		"nothing":                  " \n",
		"a page":                   "<html><body>not found</body></html>",
		"a year without its days":  "2024,1,2,3",
		"a day that is none":       `{"year":2024,"months":[{"month":2,"days":"30"}]}`,
		"a month is missing":       `{"year":2024,"months":[{"month":1,"days":"1"}]}`,
		"no free day in the year":  "2024" + strings.Repeat(",", 12),
		"a type that is not known": `<calendar year="2024"><days><day d="02.23" t="7"/></days></calendar>`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if years, err := calendar.Read([]byte(file)); err == nil {
				t.Errorf("read %+v", years)
			}
		})
	}
}
