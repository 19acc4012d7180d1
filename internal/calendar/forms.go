package calendar

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"fonoteka/internal/importfile"
)

// readCSV returns the years of the lines that can be read, and with them Mistakes that
// name all the others.
func readCSV(file []byte) (years []Year, err error) {
	table, err := importfile.NewTable(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	var mistakes Mistakes
	record := table.Header()
	for n := 1; ; n++ {
		year, err := yearOf(record)
		switch problem, bad := errors.AsType[*importfile.Problem](err); {
		case bad && n == 1 && len(record.Fields) > 0 && !isNumber(record.Fields[0]): // the heading
		case bad:
			mistakes = append(mistakes, problem)
		default:
			years = append(years, year)
		}
		for {
			if record, err = table.Next(); err == nil {
				break
			}
			problem, bad := errors.AsType[*importfile.Problem](err)
			switch {
			case bad:
				mistakes = append(mistakes, problem)
			case !errors.Is(err, io.EOF):
				return nil, err
			case len(mistakes) > 0:
				return years, mistakes
			default:
				return years, nil
			}
		}
	}
}

func isNumber(s string) bool {
	_, err := strconv.Atoi(strings.TrimSpace(s))
	return err == nil
}

// yearOf reads a line: a year, and the days of its twelve months.
func yearOf(r importfile.Record) (y Year, err error) {
	bad := func(column, what string) (Year, error) {
		return Year{}, &importfile.Problem{Line: r.Line, Column: column, What: what}
	}
	year, err := strconv.Atoi(strings.TrimSpace(r.Fields[0]))
	if err != nil || year < 1990 || year > 2100 || len(r.Fields) < 13 {
		return bad("", "it is not a year and the days of its twelve months")
	}
	var m months
	for month := 1; month <= 12; month++ {
		if err := m.add(year, month, r.Fields[month]); err != nil {
			return bad(strconv.Itoa(month+1), err.Error())
		}
	}
	if y, err = m.year(year); err != nil {
		return bad("", err.Error())
	}
	return y, nil
}

func readJSON(file []byte) ([]Year, error) {
	var f struct {
		Year   int `json:"year"`
		Months []struct {
			Month int    `json:"month"`
			Days  string `json:"days"`
		} `json:"months"`
	}
	if err := json.Unmarshal(file, &f); err != nil {
		return nil, fmt.Errorf("read JSON: %w", err)
	}
	var m months
	for _, month := range f.Months {
		if err := m.add(f.Year, month.Month, month.Days); err != nil {
			return nil, err
		}
	}
	y, err := m.year(f.Year)
	return []Year{y}, err
}

func readXML(file []byte) ([]Year, error) {
	var f struct {
		XMLName xml.Name `xml:"calendar"`
		Year    int      `xml:"year,attr"`
		Days    []struct {
			Day  string `xml:"d,attr"` // 01.31: January 31
			Type string `xml:"t,attr"` // 1 free, 2 shortened, 3 worked
		} `xml:"days>day"`
	}
	if err := xml.Unmarshal(file, &f); err != nil {
		return nil, fmt.Errorf("read XML: %w", err)
	}
	y := Year{Year: f.Year}
	for _, d := range f.Days {
		date, err := time.Parse("2006.01.02", strconv.Itoa(f.Year)+"."+d.Day)
		kind := map[string]string{"1": Holiday, "2": Short, "3": Working}[d.Type]
		if err != nil || kind == "" {
			return nil, fmt.Errorf("year %d: a day %q of type %q cannot be", f.Year, d.Day, d.Type)
		}
		if kind == Short && weekend(date) {
			kind = Working
		}
		y.Days = append(y.Days, Day{date, kind})
	}
	if len(y.Days) == 0 {
		return nil, fmt.Errorf("year %d has no days", f.Year)
	}
	y.Days = sorted(y.Days)
	return []Year{y}, nil
}
