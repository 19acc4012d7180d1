package directory

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/importfile"
	"fonoteka/internal/printable"
)

// columns of an imported file, each with the names that are accepted for it. A file
// has workplace and department or employee, or number and name.
var columns = map[string][]string{
	"workplace":   {"workplace", "sip", "account", "рабочее место", "sip id"},
	"department":  {"department", "отдел", "подразделение"},
	"employee":    {"employee", "сотрудник", "фио"},
	"number":      {"number", "номер", "внешний номер"},
	"name":        {"name", "название", "имя"},
	"from":        {"from", "с", "дата", "с даты"},
	"integration": {"integration", "интеграция"},
}

// ImportOptions of ParseImport.
type ImportOptions struct {
	Integrations []string       // the known ones
	Zone         *time.Location // of days without a zone; nil: UTC
	AreaCode     string
}

// Line is one line of an imported file.
type Line struct {
	Number      int // from 1
	Integration string
	Workplace   string // "": the line names an external number
	Department  *string
	Employee    *string // nil: the file does not say, and what is known stays
	External    string  // digits
	Name        string
	From        time.Time // zero: from the import on
}

// maxLines is the longest file that is read.
const maxLines = 100_000

// ParseImport reads a table of departments and employees, or of names of
// numbers: with a header, fields separated by comma, semicolon or tab, in UTF-8
// or windows-1251. All mistakes are reported at once, by line and column; they
// hold no values.
func ParseImport(r io.Reader, o ImportOptions) ([]Line, error) {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	text, err := importfile.ReadText(r, maxLines)
	if err != nil {
		return nil, err
	}
	table := csv.NewReader(strings.NewReader(text))
	table.Comma = separator(text)
	table.FieldsPerRecord, table.TrimLeadingSpace = -1, true
	header, err := table.Read()
	if err != nil {
		_, why := csvProblem(err)
		return nil, fmt.Errorf("the header cannot be read: %w", why)
	}
	index, err := columnIndex(header)
	if err != nil {
		return nil, err
	}
	if _, ok := index["integration"]; !ok && len(o.Integrations) != 1 {
		return nil, errors.New("there are several integrations: the table needs a column integration")
	}
	var lines []Line
	var mistakes []error
	for {
		fields, err := table.Read()
		if errors.Is(err, io.EOF) {
			return lines, errors.Join(mistakes...)
		}
		if err != nil {
			number, why := csvProblem(err)
			return nil, errors.Join(append(mistakes, fmt.Errorf("line %d: %w", number, why))...)
		}
		number, _ := table.FieldPos(0)
		if strings.Join(fields, "") == "" {
			continue
		}
		l, err := o.line(index, fields)
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("line %d, %w", number, err))
			continue
		}
		l.Number = number
		lines = append(lines, l)
	}
}

// csvProblem says in which line the record begins that cannot be split into fields, and why.
func csvProblem(err error) (line int, why error) {
	if e, ok := errors.AsType[*csv.ParseError](err); ok {
		return e.StartLine, errors.New("a quotation mark is opened and not closed, or stands within a field")
	}
	return 0, err
}

func separator(text string) rune {
	first, _, _ := strings.Cut(text, "\n")
	best := ','
	for _, sep := range ";\t" {
		if strings.Count(first, string(sep)) > strings.Count(first, string(best)) {
			best = sep
		}
	}
	return best
}

// columnIndex maps our names of columns to their places in the header.
func columnIndex(header []string) (map[string]int, error) {
	index := map[string]int{}
	for i, h := range header {
		h = strings.ToLower(strings.TrimSpace(h))
		for ours, names := range columns {
			if !slices.Contains(names, h) {
				continue
			}
			if _, twice := index[ours]; twice {
				return nil, fmt.Errorf("the header has two columns %s", ours)
			}
			index[ours] = i
		}
	}
	has := func(c string) bool { _, ok := index[c]; return ok }
	switch {
	case has("workplace") && has("number"):
		return nil, errors.New("the header has both workplace and number: a file is about one of them")
	case has("workplace") && (has("department") || has("employee")), has("number") && has("name"):
		return index, nil
	}
	return nil, fmt.Errorf("the header has %q; wanted: workplace, department[, employee][, from], or number, name[, from]", strings.Join(header, ", "))
}

func (o ImportOptions) line(index map[string]int, fields []string) (l Line, err error) {
	cell := func(c string) *string {
		i, ok := index[c]
		if !ok || i >= len(fields) {
			return nil
		}
		s := strings.TrimSpace(fields[i])
		return &s
	}
	text := func(c string) string {
		if s := cell(c); s != nil {
			return *s
		}
		return ""
	}
	if l.Integration = text("integration"); l.Integration == "" && len(o.Integrations) == 1 {
		l.Integration = o.Integrations[0]
	}
	if !slices.Contains(o.Integrations, l.Integration) {
		return l, errors.New("column integration: it is none of the configured ones")
	}
	for c := range index {
		if err := printable.Check(text(c)); err != nil {
			return l, fmt.Errorf("column %s: %w", c, err)
		}
	}
	if l.From, err = o.day(text("from")); err != nil {
		return l, fmt.Errorf("column from: %w", err)
	}
	if _, named := index["number"]; named {
		l.External, l.Name = call.ParseNumber(text("number"), o.AreaCode).Digits, text("name")
		if l.External == "" {
			return l, errors.New("column number: it is no phone number")
		}
		return l, nil
	}
	l.Workplace, _, _ = strings.Cut(strings.TrimPrefix(text("workplace"), "sip:"), "@")
	if l.Workplace == "" || strings.Trim(l.Workplace, "0123456789") != "" {
		return l, errors.New("column workplace: it is no SIP id (digits only)")
	}
	l.Department, l.Employee = cell("department"), cell("employee")
	return l, nil
}

// day reads a time; of a day without a time, the first moment.
func (o ImportOptions) day(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, "02.01.2006", "2006-01-02 15:04", "2006-01-02 15:04:05", "02.01.2006 15:04", time.RFC3339} {
		if t, err := time.ParseInLocation(layout, s, o.Zone); err == nil {
			if t.Year() < 1971 || t.Year() > 2199 {
				return t, errors.New("it is out of range")
			}
			return t.UTC(), nil
		}
	}
	return time.Time{}, errors.New("it is neither a day such as 2026-03-02 or 02.03.2026 nor a time")
}

// Changes are the rows that lines add to the stored ones, which are those valid now: only
// lines that change something make one. A line without a day is valid from now on; the
// first one of a workplace or number, AsFarBack. unknown counts the lines about
// workplaces and numbers that the operator does not list.
func Changes(lines []Line, stored []Row, now time.Time) (rows []Row, unknown int) {
	type key struct {
		integration string
		kind        Kind
		id          string
	}
	have := map[key]Row{}
	for _, r := range stored {
		have[key{r.Integration, r.Kind, r.ID}] = r
	}
	for _, l := range lines {
		k := key{l.Integration, Staff, l.Workplace}
		listed := []Kind{Workplace, Terminal}
		if l.Workplace == "" {
			k, listed = key{l.Integration, Label, l.External}, []Kind{Number}
		}
		if !slices.ContainsFunc(listed, func(kind Kind) bool { return have[key{k.integration, kind, k.id}].ID != "" }) {
			unknown++
		}
		was := have[k]
		r := Row{Kind: k.kind, Integration: k.integration, ID: k.id, Word: was.Word, Department: was.Department, Source: "import", ValidFrom: l.From}
		if l.Workplace == "" {
			r.Word = l.Name
		}
		if l.Department != nil {
			r.Department = *l.Department
		}
		if l.Employee != nil {
			r.Word = *l.Employee
		}
		same := was.ID != "" && was.Word == r.Word && was.Department == r.Department
		if same && (l.From.IsZero() || !l.From.Before(was.ValidFrom)) {
			continue
		}
		switch {
		case l.From.IsZero() && was.ID == "":
			r.ValidFrom = AsFarBack
		case l.From.IsZero():
			r.ValidFrom = after(now, was)
		}
		rows = append(rows, r)
		if !r.ValidFrom.Before(was.ValidFrom) && !r.ValidFrom.After(now) {
			have[k] = r // later lines of the file are compared with it
		}
	}
	return rows, unknown
}
