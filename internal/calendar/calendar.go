// Package calendar reads the production calendar of Russia: which days of a year
// are holidays, shortened days, or working days on a weekend.
//
// A year is read whole or not at all. Days that do not differ from their weekday
// are not listed, so that the Saturdays of a company that works on Saturdays are working
// days. Formats:
//
//   - CSV of the open data portal: a line per year, with the free days of
//     each month in quotes ("1,2,3*,9+"). An asterisk marks a shortened working day, a plus
//     a free day that was moved there.
//   - JSON and XML of xmlcalendar.ru. JSON lists all free days as CSV does, XML
//     only the days that differ from their weekday.
//
// CSV and JSON do not distinguish a holiday on a weekend from the weekend. The holidays of
// the Labour Code (article 112) are built in.
//
// A table is read by internal/importfile, the others by the standard library. A library for holidays was rejected: it knows the
// holidays of the law, but not how the government moves them each year.
package calendar

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"fonoteka/internal/importfile"
)

// Kinds of days that differ from their weekday.
const (
	Holiday = "holiday" // no work
	Working = "working" // work on a weekend
	Short   = "short"   // a day before a holiday
)

// Day is a day that differs from its weekday.
type Day struct {
	Date time.Time // midnight UTC
	Kind string
}

// Year is one year of the calendar.
type Year struct {
	Year int
	Days []Day // in order
}

// Mistakes are the lines of a CSV that cannot be read, and why.
type Mistakes []*importfile.Problem

func (m Mistakes) Error() string {
	said := make([]string, len(m))
	for i, p := range m {
		said[i] = p.Error()
	}
	return strings.Join(said, "\n")
}

// Read reads the years of a file, whose format it recognizes by the first character. Of a
// CSV with Mistakes it returns the other years as well.
func Read(file []byte) ([]Year, error) {
	file = bytes.TrimSpace(bytes.TrimPrefix(file, []byte("\xef\xbb\xbf")))
	var years []Year
	var err error
	switch {
	case len(file) == 0:
		return nil, errors.New("the file is empty")
	case file[0] == '{':
		years, err = readJSON(file)
	case file[0] == '<':
		years, err = readXML(file)
	default:
		years, err = readCSV(file)
	}
	if err == nil && len(years) == 0 {
		err = errors.New("no year found")
	}
	return years, err
}

// months are the free days of a year, and its shortened ones.
type months struct{ free, short [13]map[int]bool }

// add reads the list of one month.
func (m *months) add(year, month int, list string) error {
	if month < 1 || month > 12 {
		return fmt.Errorf("year %d: %d is not a month", year, month)
	}
	m.free[month], m.short[month] = map[int]bool{}, map[int]bool{}
	for part := range strings.SplitSeq(list, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		day, err := strconv.Atoi(strings.TrimRight(part, "*+"))
		if err != nil || day < 1 || time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Month() != time.Month(month) {
			return fmt.Errorf("year %d, month %d: %q is not a day", year, month, part)
		}
		if strings.HasSuffix(part, "*") {
			m.short[month][day] = true
		} else {
			m.free[month][day] = true
		}
	}
	return nil
}

// year compares the lists with the weekdays.
func (m *months) year(year int) (Year, error) {
	y := Year{Year: year}
	for day := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() == year; day = day.AddDate(0, 0, 1) {
		month := int(day.Month())
		if m.free[month] == nil {
			return y, fmt.Errorf("year %d: month %d is missing", year, month)
		}
		free, weekend := m.free[month][day.Day()], weekend(day)
		switch {
		case m.short[month][day.Day()]:
			y.Days = append(y.Days, Day{day, Short})
			if weekend {
				y.Days[len(y.Days)-1].Kind = Working
			}
		case free && (!weekend || byLaw(day)):
			y.Days = append(y.Days, Day{day, Holiday})
		case !free && weekend:
			y.Days = append(y.Days, Day{day, Working})
		}
	}
	if n := len(y.Days); n > 60 { // some twenty are usual
		return y, fmt.Errorf("year %d: %d days differ from their weekday, that cannot be", year, n)
	}
	return y, nil
}

func weekend(day time.Time) bool {
	return day.Weekday() == time.Saturday || day.Weekday() == time.Sunday
}

// byLaw says whether a day is a holiday of article 112 of the Labour Code.
func byLaw(day time.Time) bool {
	_, month, d := day.Date()
	return month == time.January && d <= 8 ||
		slices.Contains([]string{"02-23", "03-08", "05-01", "05-09", "06-12", "11-04"}, day.Format("01-02"))
}

func sorted(days []Day) []Day {
	slices.SortFunc(days, func(a, b Day) int { return cmp.Or(a.Date.Compare(b.Date), cmp.Compare(a.Kind, b.Kind)) })
	return days
}
