package calendar_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"fonoteka/internal/calendar"
)

func FuzzRead(f *testing.F) {
	var months []string
	for i, days := range months2024 {
		months = append(months, fmt.Sprintf(`{"month":%d,"days":%q}`, i+1, days))
	}
	for _, s := range []string{
		"\ufeffГод/Месяц,Январь\r\n2024,\"" + strings.Join(months2024, `","`) + "\",248\r\n", "2024;\"" + strings.Join(months2024, `";"`) + "\"\n",
		`{"year":2024,"months":[` + strings.Join(months, ",") + `]}`, `{"year":-5}`, `{"year":9223372036854775807,"months":[{"month":1,"days":"1"}]}`,
		`<?xml version="1.0"?><calendar year="2024"><days><day d="02.23" t="1"/><day d="02.22" t="2"/><day d="04.27" t="3"/></days></calendar>`,
		`<calendar year="-1"><days><day d="02.23" t="1"/></days></calendar>`, `<calendar year="20240"><days><day d="02.29" t="1"/><day d="02.29" t="3"/></days></calendar>`,
		"sep=;\nГод;Январь\n2024;=\"" + strings.Join(months2024, `";="`) + "\"\n2025,1\n",
		"1,\"1\n", "2024,1,2\n", "{", "<", "",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		years, err := calendar.Read(file)
		if _, some := errors.AsType[calendar.Mistakes](err); err != nil && !some {
			return
		}
		if err == nil && len(years) == 0 {
			t.Fatal("neither a year nor an error")
		}
		for _, y := range years {
			if y.Year < 1990 || y.Year > 2100 || len(y.Days) > 366 {
				t.Fatalf("year %d with %d days", y.Year, len(y.Days))
			}
			if !slices.IsSortedFunc(y.Days, func(a, b calendar.Day) int { return a.Date.Compare(b.Date) }) {
				t.Fatalf("year %d is out of order", y.Year)
			}
			for i, d := range y.Days {
				if d.Date.Year() != y.Year || i > 0 && d.Date.Equal(y.Days[i-1].Date) || !slices.Contains([]string{calendar.Holiday, calendar.Short, calendar.Working}, d.Kind) {
					t.Fatalf("year %d has the day %v, %s", y.Year, d.Date, d.Kind)
				}
			}
		}
	})
}
