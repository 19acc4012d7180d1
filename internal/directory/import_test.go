package directory_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"

	"fonoteka/internal/directory"
)

var moscow = time.FixedZone("Moscow", 3*3600)

func imported(t *testing.T, text string) ([]directory.Line, error) {
	t.Helper()
	return directory.ParseImport(strings.NewReader(text), directory.ImportOptions{Integrations: []string{"main"}, Zone: moscow})
}

func TestImportReadsWhatSpreadsheetsSave(t *testing.T) {
	t.Parallel()
	cyrillic, err := charmap.Windows1251.NewEncoder().String("Рабочее место;Отдел;Сотрудник;С даты\r\n" + seat + ";Продажи;\"Иванов; старший\";05.03.2026\r\n;;;\r\n")
	if err != nil {
		t.Fatal(err)
	}
	sales, support, ivanov, empty := "Продажи", "Support", "Иванов; старший", ""
	for name, c := range map[string]struct {
		text string
		want []directory.Line
	}{
		"windows-1251, semicolons": {cyrillic, []directory.Line{{Number: 2, Integration: "main", Workplace: seat, Department: &sales, Employee: &ivanov, From: time.Date(2026, 3, 4, 21, 0, 0, 0, time.UTC)}}},
		"UTF-8 with a mark": {"\ufeffworkplace,department\nsip:" + seat + "@pbx,Support\n" + other + ",\n", []directory.Line{
			{Number: 2, Integration: "main", Workplace: seat, Department: &support}, {Number: 3, Integration: "main", Workplace: other, Department: &empty},
		}},
		"as text by a formula": {"sep=;\nworkplace;department\n=\"" + seat + "\";Support\n\"=\"\"" + other + "\"\"\";\n", []directory.Line{
			{Number: 3, Integration: "main", Workplace: seat, Department: &support}, {Number: 4, Integration: "main", Workplace: other, Department: &empty},
		}},
		"numbers": {"number\tname\tfrom\n8 (495) 000-00-01\tAdvertisement\t2026-03-05T10:00:00Z\n", []directory.Line{
			{Number: 2, Integration: "main", External: line, Name: "Advertisement", From: time.Date(2026, 3, 5, 10, 0, 0, 0, time.UTC)},
		}},
	} {
		got, err := imported(t, c.text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestImportNamesEveryMistakeAndNoValue(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"":                                     {"the file is empty"},
		"a,b\n1,2\n":                           {"names none of the tables that can be taken: workplace, department"},
		"workplace,number,name\n":              {"both workplace and number"},
		"workplace,department,отдел\n":         {"two columns department"},
		"workplace,department\nPetrov,Sales\n": {"line 2, column workplace"},
		"workplace,department,from\n" + seat + ",Sales,tomorrow\n" + other + ",Sales,32.01.2026\n": {"line 2, column from", "line 3, column from"},
		"workplace,department\n" + seat + "\",Sales\nPetrov,Sales\n":                               {"line 2: column 1: a quotation mark", "line 3, column workplace"},
		"workplace,department\n" + seat + ",Sales\n\"" + other + ",Sales\n":                        {"line 3: column 1: a quotation mark"},

		"\"workplace,department\n":                                         {"the header (line 1) cannot be read: column 1: a quotation mark"},
		"number,name\nSales,Petrov\n":                                      {"line 2, column number"},
		"workplace,department,integration\n" + seat + ",Sales,elsewhere\n": {"line 2, column integration"},
		"workplace,department\n" + seat + ",\"Petrov\n":                    {"line 2"},
	} {
		_, err := imported(t, text)
		if err == nil {
			t.Errorf("%q is taken", text)
			continue
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q: %v, want %q", text, err, w)
			}
		}
		if strings.Contains(err.Error(), "Petrov") {
			t.Errorf("shows a value: %v", err)
		}
	}
	if _, err := directory.ParseImport(strings.NewReader("workplace,department\n1,x\n"), directory.ImportOptions{Integrations: []string{"a", "b"}}); err == nil {
		t.Error("two integrations and no column")
	}
}

func TestImportChangesWhatDiffers(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC)
	staff := func(id, employee, department string, from time.Time) directory.Row {
		return directory.Row{Kind: directory.Staff, Integration: "main", ID: id, ValidFrom: from, Word: employee, Department: department, Source: "import"}
	}
	stored := []directory.Row{
		{Kind: directory.Workplace, Integration: "main", ID: seat, Word: "Ivanov"},
		{Kind: directory.Terminal, Integration: "main", ID: phone, Word: seat},
		staff(seat, "Ivan", "Sales", now.AddDate(0, 0, -10)),
	}
	lines, err := imported(t, "workplace,department,from\n"+
		seat+",Sales,\n"+ // as it is
		phone+",Support,\n"+ // a terminal
		other+",Support,2026-03-01\n"+ // not listed
		seat+",Support,2026-04-01\n"+
		seat+",Management,\n") // again
	if err != nil {
		t.Fatal(err)
	}
	rows, unknown := directory.Changes(lines, stored, now)
	april := time.Date(2026, 3, 31, 21, 0, 0, 0, time.UTC)
	want := []directory.Row{
		staff(phone, "", "Support", directory.AsFarBack), staff(other, "", "Support", time.Date(2026, 2, 28, 21, 0, 0, 0, time.UTC)),
		staff(seat, "Ivan", "Support", april), staff(seat, "Ivan", "Management", now),
	}
	if diff := cmp.Diff(want, rows); diff != "" || len(unknown) != 1 || unknown[0].Number != 4 {
		t.Errorf("unknown: %v, %s", unknown, diff)
	}
	if again, _ := directory.Changes(lines[2:3], rows, now); len(again) != 0 {
		t.Errorf("the same file again changes %v", again)
	}
}

// A bad line takes none with it: who wants to can take the others.
func TestTheGoodLinesOfABadFileAreKnown(t *testing.T) {
	t.Parallel()
	got, err := imported(t, "workplace,department\n\""+seat+",Sales\nPetrov,Sales\n=\""+other+"\",Sales\n")
	if mistakes, ok := errors.AsType[directory.Mistakes](err); !ok || len(mistakes) != 2 || mistakes[0].Line != 2 || mistakes[1].Line != 3 {
		t.Errorf("err = %v", err)
	}
	if len(got) != 1 || got[0].Number != 4 || got[0].Workplace != other {
		t.Errorf("%v", got)
	}
}

func TestLinesWithoutAnIntegrationAreOfTheOneThatIsNamed(t *testing.T) {
	t.Parallel()
	o := directory.ImportOptions{Integrations: []string{"main", "shop"}}
	const text = "workplace,department\n" + seat + ",Sales\n"
	if _, err := directory.ParseImport(strings.NewReader(text), o); err == nil || !strings.Contains(err.Error(), "(--integration): main, shop") {
		t.Errorf("err = %v", err)
	}
	o.Integration = "shop"
	if got, err := directory.ParseImport(strings.NewReader(text), o); err != nil || got[0].Integration != "shop" {
		t.Errorf("%v, %v", got, err)
	}
}
