package calendar

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

func readCSV(file []byte) ([]Year, error) {
	r := csv.NewReader(bytes.NewReader(file))
	r.FieldsPerRecord, r.LazyQuotes = -1, true
	if line, _, _ := strings.Cut(string(file), "\n"); strings.Count(line, ";") > strings.Count(line, ",") {
		r.Comma = ';'
	}
	var years []Year
	for n := 1; ; n++ {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return years, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read CSV: %w", err)
		}
		year, err := strconv.Atoi(strings.TrimSpace(fields[0]))
		if err != nil && n == 1 { // the heading
			continue
		}
		if err != nil || year < 1990 || year > 2100 || len(fields) < 13 {
			return nil, fmt.Errorf("line %d is not a year and the days of its twelve months", n)
		}
		var m months
		for month := 1; month <= 12; month++ {
			if err := m.add(year, month, fields[month]); err != nil {
				return nil, err
			}
		}
		y, err := m.year(year)
		if err != nil {
			return nil, err
		}
		years = append(years, y)
	}
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
