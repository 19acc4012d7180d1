package directory_test

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"fonoteka/internal/directory"
)

func FuzzParseImport(f *testing.F) {
	for _, s := range []string{
		"workplace,department,employee,from\n" + seat + ",Sales,Ivanov,2026-03-05\n", "Рабочее место;Отдел\r\n" + seat + ";Продажи\r\n;\r\n",
		"number\tname\n8 (495) 000-00-01\tAdvertisement\n", "workplace,department\n=\"" + seat + "\",Sales\n", "workplace,department\n\"" + seat + ",Sales\n",
		"\ufeff\"workplace\",\"department\"\nsip:" + seat + "@pbx,\"a\"\"b\"\n", "workplace,department,integration\n" + seat + "\n", "number,name,from\n+7,x,2026-03-05T10:00:00Z\n", "\"", "",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		lines, err := directory.ParseImport(bytes.NewReader(file), directory.ImportOptions{Integrations: []string{"main"}, Zone: moscow, AreaCode: "812"})
		if err != nil {
			return
		}
		last := 1
		for _, l := range lines {
			about := l.Workplace + l.External
			if l.Integration != "main" || about == "" || strings.Trim(about, "0123456789") != "" || (l.Workplace != "") == (l.External != "") || l.Number <= last-1 {
				t.Fatalf("line %+v after line %d", l, last)
			}
			last = l.Number
			if !l.From.IsZero() && (l.From.Year() < 1970 || l.From.Year() > 2200) {
				t.Fatalf("it holds from %v", l.From)
			}
			for _, s := range []*string{l.Department, l.Employee, &l.Name} {
				if s != nil && !utf8.ValidString(*s) {
					t.Fatalf("%q is no text", *s)
				}
			}
		}
		directory.Changes(lines, nil, time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC))
	})
}
