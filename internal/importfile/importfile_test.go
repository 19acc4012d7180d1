package importfile_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"

	"fonoteka/internal/importfile"
)

var moscow = time.FixedZone("MSK", 3*3600)

func options() importfile.Options {
	return importfile.Options{Zones: map[string]*time.Location{"main": moscow}, Now: time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)}
}

// read returns the rows, and what is said of the others.
func read(t testing.TB, text string, o importfile.Options) (rows []importfile.Row, said []string) {
	t.Helper()
	r, err := importfile.NewReader(strings.NewReader(text), o)
	if err != nil {
		t.Fatal(err)
	}
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return rows, said
		}
		if p, ok := errors.AsType[*importfile.Problem](err); ok {
			said = append(said, p.Error())
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
}

func encode(t testing.TB, e interface{ String(string) (string, error) }, s string) string {
	t.Helper()
	out, err := e.String(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTheSameTableInEveryDress(t *testing.T) {
	t.Parallel()
	const plain = "Клиент,Ссылка,call_id,ACCOUNT_ID,recorded_at\n" +
		"Ёлкина,https://mtt.ru/records/1/2026/03/02/A.mp3?s=1,abc~1o,883140000000001,02.03.2026 10:00\n" +
		"Щукин,https://mtt.ru/records/1/2026/03/02/B.mp3,,,\n"
	want := []importfile.Row{
		{
			Line: 2, Link: "https://mtt.ru/records/1/2026/03/02/A.mp3?s=1", CallID: "abc~1o", AccountID: "883140000000001",
			RecordedAt: time.Date(2026, 3, 2, 7, 0, 0, 0, time.UTC), Integration: "main",
		},
		{Line: 3, Link: "https://mtt.ru/records/1/2026/03/02/B.mp3", Integration: "main"},
	}
	utf16 := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder()
	for name, text := range map[string]string{
		"utf-8":           plain,
		"byte order mark": "\ufeff" + plain,
		"semicolons":      strings.ReplaceAll(plain, ",", ";"),
		"windows-1251":    encode(t, charmap.Windows1251.NewEncoder(), strings.ReplaceAll(plain, ",", ";")),
		"tabs":            strings.ReplaceAll(plain, ",", "\t"),
		"unicode text":    encode(t, utf16, strings.ReplaceAll(strings.ReplaceAll(plain, ",", "\t"), "\n", "\r\n")),
		"crlf":            strings.ReplaceAll(plain, "\n", "\r\n"),
		"no last newline": strings.TrimSpace(plain),
		"quoted":          strings.ReplaceAll(strings.ReplaceAll(`"`+plain, ",", `","`), "\n", "\"\n\"")[:len(strings.ReplaceAll(strings.ReplaceAll(`"`+plain, ",", `","`), "\n", "\"\n\""))-1],
		"empty lines":     strings.TrimSuffix(plain, "\n") + "\n\n;;;;\n",
	} {
		o := options()
		o.Headers = map[string]string{"url": "ссылка"}
		got, said := read(t, text, o)
		if diff := cmp.Diff(want, got); diff != "" || len(said) > 0 {
			t.Errorf("%s: %v\n%s", name, said, diff)
		}
	}
	text := "sep=;\n" + strings.ReplaceAll(plain, ",", ";")
	o := options()
	o.Headers = map[string]string{"url": "Ссылка"}
	if got, _ := read(t, text, o); len(got) != 2 || got[0].Line != 3 {
		t.Errorf("with sep=: %v", got)
	}
}

func TestEveryBadLineIsNamedAndTheOthersAreTaken(t *testing.T) {
	t.Parallel()
	const good = "https://mtt.ru/a.mp3"
	lines := []struct{ text, want string }{
		{good + ",c,a,2026-03-02,main", ""},
		{",c,a,,", "column url: is empty"},
		{"79219462761,c,a,,", `column url: is not a link: want https://HOST/PATH, found something like "99999999999"`},
		{"ftp://mtt.ru/a.mp3,c,a,,", "is not a link"},
		{"https://user:secret@mtt.ru/a.mp3,c,a,,", "carries a user name"},
		{"https://mtt.ru/,c,a,,", "no file on it"},
		{good + "\x01,c,a,,", "cannot be printed"},
		{"https://mtt.ru/" + strings.Repeat("a", 4096) + ",c,a,,", "longer than 4096 bytes"},
		{good + ",c,\"8,83E+14\",,", "column account_id: was rounded by a spreadsheet"},
		{good + ",c,a,79219462761,", `column recorded_at: is no time: want`},
		{good + ",c,a,2026-13-02,", "column recorded_at: is no time: month out of range"},
		{good + ",c,a,1999-12-31,", "before the year 2000"},
		{good + ",c,a,2026-03-20,", "lies in the future"},
		{good + ",c,a,,other", "column integration: names none that is configured"},
		{good + ",c,a", "3 fields where the header has 5"},
		{good + `,"c,a,,`, "a quotation mark is opened and not closed"},
		{good + ",c,a,,", ""},
		{strings.Repeat("x", 100_000), "longer than 64 KiB"},
		{"\"https://mtt.ru/b.mp3\",\"c\",\"several\",\"\",\"main\"", ""},
		{good + `,c"d,a,,`, "a quotation mark"},
		{good + ",last,a,,", ""},
	}
	text, taken := "url,call_id,account_id,recorded_at,integration\n", 0
	want := map[int]string{}
	for i, l := range lines {
		text += l.text + "\n"
		if l.want == "" {
			taken++
		} else {
			want[i+2] = l.want
		}
	}
	rows, said := read(t, text, options())
	if len(rows) != taken || len(said) != len(want) {
		t.Errorf("%d rows and %d problems, want %d and %d", len(rows), len(said), taken, len(want))
	}
	for _, s := range said {
		var line int
		if _, err := fmt.Sscanf(s, "line %d", &line); err != nil || want[line] == "" || !strings.Contains(s, want[line]) {
			t.Errorf("said %q, want %q", s, want[line])
		}
		for _, secret := range []string{"79219462761", "secret", "mtt.ru"} {
			if strings.Contains(s, secret) {
				t.Errorf("%q shows a value", s)
			}
		}
	}
}

func TestACellMayHoldLines(t *testing.T) {
	t.Parallel()
	text := "note,url\n\"angry;\nwill \"\"call\"\" back\",https://mtt.ru/a.mp3\nx,https://mtt.ru/b.mp3\n"
	rows, said := read(t, text, options())
	if len(said) > 0 || len(rows) != 2 || rows[0].Line != 2 || rows[1].Line != 4 || rows[1].Link != "https://mtt.ru/b.mp3" {
		t.Errorf("%v, %v", rows, said)
	}
}

func TestAHeaderThatCannotServeIsRefused(t *testing.T) {
	t.Parallel()
	two := importfile.Options{Zones: map[string]*time.Location{"a": moscow, "b": moscow}}
	renamed := options()
	renamed.Headers = map[string]string{"url": "link"}
	unknown := options()
	unknown.Headers = map[string]string{"uri": "link"}
	for _, c := range []struct {
		text, want string
		o          importfile.Options
	}{
		{"", "the file is empty", options()},
		{"link;date\n", "has no column url", options()},
		{"url,URL\n", "two columns", options()},
		{"url,x\n", `no column "link"`, renamed},
		{"url\n", "none of our columns", unknown},
		{"url\n", "needs a column integration, or name one of them (--integration): a, b", two},
		{"\"url\n", "cannot be read", options()},
	} {
		_, err := importfile.NewReader(strings.NewReader(c.text), c.o)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}
}

// However a file is damaged, each row that is given is one that was written.
func TestNoDamageMakesUpRows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := []byte("url,call_id\n")
		known := map[string]bool{}
		for i := range 30 {
			link := fmt.Sprintf("https://mtt.ru/%d.mp3", i)
			known[link] = true
			text = fmt.Appendf(text, "%s,c%d\n", link, i)
		}
		for range rapid.IntRange(0, 5).Draw(t, "n") {
			at := rapid.IntRange(12, len(text)-1).Draw(t, "at")
			text[at] = rapid.SampledFrom([]byte{'"', '\n', ',', 0, 0xff}).Draw(t, "byte")
		}
		r, err := importfile.NewReader(strings.NewReader(string(text)), options())
		if err != nil {
			t.Fatal(err)
		}
		for n, last := 0, 0; ; n++ {
			row, err := r.Next()
			if errors.Is(err, io.EOF) {
				if n < 25 {
					t.Fatalf("%d rows and problems of 30 lines", n)
				}
				return
			}
			if p, ok := errors.AsType[*importfile.Problem](err); ok {
				row.Line = p.Line
			} else if err != nil {
				t.Fatal(err)
			}
			if row.Line <= last {
				t.Fatalf("line %d after %d", row.Line, last)
			}
			last = row.Line
		}
	})
}

func TestFieldsAsSpreadsheetsWriteThem(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a,b\n=\"0012\",x\n":                        "2: 0012|x",
		"a,b\n\"=\"\"0012\"\"\",x\n":                "2: 0012|x",
		"a,b\n=\"a\"\"b\",=\"\"\n":                  "2: a\"b|",
		"a,b\n \"0012\" ,x\n":                       "2: 0012|x",
		"sep=;\na;b\n1,5;x\n":                       "3: 1,5|x",
		"\ufeffSEP=|\r\na|b\r\n1|x\r\n":             "3: 1|x",
		"\"sep=;\"\na;b\n1;x\n":                     "3: 1|x",
		"\"x,y,z\";b\n1;x\n":                        "2: 1|x",
		"a,b\nООО \"Ромашка\",x\n1,2\n":             "line 2: column 1: a quotation mark stands within a field",
		"a,b\n1,\"x\" y\n1,2\n":                     "line 2: column 2: something follows a quotation mark",
		"a,b\n1,\"x\n1,2\n":                         "line 2: column 2: a quotation mark is opened and not closed",
		"a,b\n=\"1,x\n1,2\n":                        "line 2: column 1: a quotation mark is opened and not closed",
		"a,b\n1,\"x\n" + strings.Repeat("y\n", 200): "line 2: column 2: a quotation mark is opened and not closed",
	} {
		table, err := importfile.NewTable(strings.NewReader(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		r, err := table.Next()
		got := fmt.Sprintf("%d: %s", r.Line, strings.Join(r.Fields, "|"))
		if err != nil {
			got = err.Error()
			if next, err := table.Next(); err != nil || next.Line != 3 {
				t.Errorf("%q: the next line is %v, %v", text, next, err)
			}
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if _, err := importfile.NewTable(strings.NewReader("\"a\"b,c\n1,2\n")); err == nil || !strings.Contains(err.Error(), "the header (line 1) cannot be read: column 1: ") {
		t.Errorf("err = %v", err)
	}
}
