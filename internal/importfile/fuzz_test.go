package importfile_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"fonoteka/internal/importfile"
)

func FuzzRows(f *testing.F) {
	for _, s := range []string{
		"url,call_id,account_id,recorded_at,integration\nhttps://mtt.ru/records/1/2026/03/02/A.mp3?s=1,abc~1o,883140000000001,02.03.2026 10:00,main\n",
		"\ufeffurl;call_id\r\nhttps://mtt.ru/a.mp3;\"c\"\r\n;;\r\n", "sep=;\nurl\nhttps://mtt.ru/a.mp3\n", "\"note\nmore\",url\n\"x\",https://mtt.ru/a.mp3\n",
		"url\n\"https://mtt.ru/a.mp3\nhttps://mtt.ru/b.mp3\n", "\xff\xfeu\x00r\x00l\x00\n\x00", "url\t\"\n", "url,url\n", "url,call_id\n8,83E+14\nhttps://u:p@mtt.ru/a.mp3,x\n",
		"\xd1\xf1\xfb\xeb\xea\xe0;url\n\xe0;https://mtt.ru/a.mp3\n", "sep=\"\nurl\n", "sep=\xff\nurl\xff",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := importfile.NewReader(bytes.NewReader(file), options())
		if err != nil {
			if !utf8.ValidString(err.Error()) {
				t.Fatalf("an error that is no text: %q", err)
			}
			return
		}
		lines, last := bytes.Count(file, []byte("\n"))+1, 0
		for n := 0; ; n++ {
			if n > 2*lines+2 {
				t.Fatalf("%d lines give %d rows and problems", lines, n)
			}
			row, err := r.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if problem, ok := errors.AsType[*importfile.Problem](err); ok {
				row.Line = problem.Line
			} else if err != nil {
				return // of the file as a whole
			} else if row.Link == "" || row.Integration != "main" || len(row.Link) > 4096 || len(row.CallID) > 512 || !utf8.ValidString(row.Link+row.CallID+row.AccountID) {
				t.Fatalf("row %+v", row)
			}
			if row.Line <= last {
				t.Fatalf("line %d after line %d", row.Line, last)
			}
			last = row.Line
		}
	})
}

func FuzzTable(f *testing.F) {
	for _, s := range []string{
		"a,b\n=\"0012\",x\n", "sep=;\na;b\n\"x\ny\";\"=\"\"1\"\"\"\n", "\xff\xfea\x00\n\x00", "\xfe\xff\x00a", "\xcf\xf0\xee;\xe4\n", "\ufeffЁ", "", "\"",
		"a\n\"" + strings.Repeat("x\n", 120), "a,b\n\"\"\",\"\n=\"\n", "sep=\"\na\"b\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		table, err := importfile.NewTable(bytes.NewReader(file))
		if err != nil {
			return
		}
		last := table.Header().Line
		for {
			r, err := table.Next()
			if problem, ok := errors.AsType[*importfile.Problem](err); ok {
				r.Line = problem.Line
			} else if err != nil {
				return
			} else if len(r.Fields) == 0 || !utf8.ValidString(strings.Join(r.Fields, "")) {
				t.Fatalf("record %q", r.Fields)
			}
			if r.Line <= last {
				t.Fatalf("line %d after line %d", r.Line, last)
			}
			last = r.Line
		}
	})
}
