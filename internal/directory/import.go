package directory

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"fonoteka/internal/bounded"
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
	Integration  string         // of lines that name none; empty: the only one of Integrations
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

// What a file may have at most.
const (
	maxLines = 100_000
	maxFile  = 16 << 20 // bytes
)

// Mistakes are the lines of a file that cannot be taken, and why. They hold no values.
type Mistakes []*importfile.Problem

func (m Mistakes) Error() string {
	said := make([]string, len(m))
	for i, p := range m {
		said[i] = p.Error()
	}
	return strings.Join(said, "\n")
}

// ParseImport reads a table of departments and employees, or of names of
// numbers, as importfile.Table does, with a header. It returns the lines that can be
// taken, and with them Mistakes that name all the others.
func ParseImport(r io.Reader, o ImportOptions) ([]Line, error) {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Integration == "" && len(o.Integrations) == 1 {
		o.Integration = o.Integrations[0]
	}
	file, err := bounded.Read(r, maxFile)
	if err != nil {
		return nil, err
	}
	table, err := importfile.NewTable(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	index, err := columnIndex(table.Header().Fields)
	if err != nil {
		return nil, err
	}
	if _, ok := index["integration"]; !ok && o.Integration == "" {
		return nil, fmt.Errorf("there are several integrations: the table needs a column integration, or name one of them (--integration): %s", strings.Join(o.Integrations, ", "))
	}
	var lines []Line
	var mistakes Mistakes
	for {
		record, err := table.Next()
		problem, bad := errors.AsType[*importfile.Problem](err)
		switch {
		case errors.Is(err, io.EOF) && len(mistakes) > 0:
			return lines, mistakes
		case errors.Is(err, io.EOF):
			return lines, nil
		case bad:
			mistakes = append(mistakes, problem)
		case err != nil:
			return nil, err
		case strings.Join(record.Fields, "") == "":
		default:
			l, problem := o.line(index, record)
			if problem != nil {
				mistakes = append(mistakes, problem)
			} else {
				lines = append(lines, l)
			}
		}
		if len(lines)+len(mistakes) > maxLines {
			return nil, fmt.Errorf("the file has more than %d lines", maxLines)
		}
	}
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
	return nil, fmt.Errorf("the header (%d columns) names none of the tables that can be taken: workplace, department[, employee][, from], or number, name[, from]", len(header))
}

func (o ImportOptions) line(index map[string]int, record importfile.Record) (l Line, problem *importfile.Problem) {
	cell := func(c string) *string {
		i, ok := index[c]
		if !ok || i >= len(record.Fields) {
			return nil
		}
		s := strings.TrimSpace(record.Fields[i])
		return &s
	}
	text := func(c string) string {
		if s := cell(c); s != nil {
			return *s
		}
		return ""
	}
	bad := func(column, what string) (Line, *importfile.Problem) {
		return Line{}, &importfile.Problem{Line: record.Line, Column: column, What: what}
	}
	l.Number = record.Line
	l.Integration = cmp.Or(text("integration"), o.Integration)
	if !slices.Contains(o.Integrations, l.Integration) {
		return bad("integration", "it is none of the configured ones: "+strings.Join(o.Integrations, ", "))
	}
	for _, c := range slices.Sorted(maps.Keys(index)) {
		if err := printable.Check(text(c)); err != nil {
			return bad(c, err.Error())
		}
	}
	from, err := o.day(text("from"))
	if err != nil {
		return bad("from", err.Error())
	}
	l.From = from
	if _, named := index["number"]; named {
		l.External, l.Name = call.ParseNumber(text("number"), o.AreaCode).Digits, text("name")
		if l.External == "" {
			return bad("number", "it is no phone number")
		}
		return l, nil
	}
	l.Workplace, _, _ = strings.Cut(strings.TrimPrefix(text("workplace"), "sip:"), "@")
	if l.Workplace == "" || strings.Trim(l.Workplace, "0123456789") != "" {
		return bad("workplace", "it is no SIP id (digits only)")
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
// first one of a workplace or number, AsFarBack. unknown are the lines about
// workplaces and numbers that the operator does not list.
func Changes(lines []Line, stored []Row, now time.Time) (rows []Row, unknown []Line) {
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
			unknown = append(unknown, l)
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
