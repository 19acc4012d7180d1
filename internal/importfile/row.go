package importfile

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Longer values are rejected.
const (
	maxLink = 4096 // bytes
	maxID   = 512
)

func (t *Reader) row(number int, fields []string) (Row, error) {
	value := func(column string) string {
		if i, ok := t.index[column]; ok {
			return strings.TrimSpace(fields[i])
		}
		return ""
	}
	r := Row{
		Line: number, Link: value("url"), CallID: value("call_id"), AccountID: value("account_id"), Integration: value("integration"),
	}
	if r.Integration == "" {
		r.Integration = t.opts.Integration
	}
	bad := func(column string, err error) (Row, error) {
		return Row{}, &Problem{Line: number, Column: column, What: err.Error()}
	}
	zone, ok := t.opts.Zones[r.Integration]
	switch {
	case r.Integration == "":
		return bad("integration", errors.New("is empty, and there are several"))
	case !ok:
		return bad("integration", errors.New("names none that is configured"))
	}
	if err := checkLink(r.Link); err != nil {
		return bad("url", err)
	}
	for column, id := range map[string]string{"call_id": r.CallID, "account_id": r.AccountID} {
		if err := checkID(id); err != nil {
			return bad(column, err)
		}
	}
	at, err := parseTime(value("recorded_at"), zone, t.opts.Now)
	if err != nil {
		return bad("recorded_at", err)
	}
	r.RecordedAt = at
	return r, nil
}

// checkLink checks that a link is an absolute http or https URL. Whether its host is
// allowed is not checked here.
func checkLink(link string) error {
	if link == "" {
		return errors.New("is empty")
	}
	if len(link) > maxLink || !printable(link) {
		return fmt.Errorf("is not a link: longer than %d bytes, or with characters that cannot be printed", maxLink)
	}
	u, err := url.Parse(link)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("is not a link: want https://HOST/PATH, found something like %s", shape(link))
	case u.User != nil:
		return errors.New("carries a user name or a password, which a recording's link never does")
	case u.Path == "" || u.Path == "/":
		return errors.New("names a server, but no file on it")
	}
	return nil
}

func checkID(id string) error {
	switch {
	case len(id) > maxID || !printable(id):
		return fmt.Errorf("is not an id: longer than %d bytes, or with characters that cannot be printed", maxID)
	case exponent(id):
		return errors.New("was rounded by a spreadsheet (something like 8,83E+14): format the column as text and export again")
	}
	return nil
}

// exponent recognizes the notation to which spreadsheets round long numbers.
func exponent(s string) bool {
	mantissa, power, ok := strings.Cut(strings.ToUpper(s), "E+")
	return ok && power != "" && strings.Trim(power, "0123456789") == "" &&
		mantissa != "" && strings.Trim(mantissa, "0123456789.,") == ""
}

func printable(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(c rune) bool { return !unicode.IsPrint(c) }) < 0
}

// layouts of recorded_at; the last ones are those of a Russian spreadsheet.
var layouts = []string{
	time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02",
	"02.01.2006 15:04:05", "02.01.2006 15:04", "02.01.2006",
}

func parseTime(s string, zone *time.Location, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range layouts {
		at, err := time.ParseInLocation(layout, s, zone)
		if e, ok := errors.AsType[*time.ParseError](err); ok && e.Message != "" && strings.Contains(e.Message, "out of range") {
			return time.Time{}, fmt.Errorf("is no time%s", e.Message)
		}
		switch {
		case err != nil:
		case at.Year() < 2000:
			return time.Time{}, errors.New("lies before the year 2000")
		case at.After(now.Add(36 * time.Hour)): // a wrong time zone shifts it by a day at most
			return time.Time{}, errors.New("lies in the future")
		default:
			return at.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("is no time: want 2026-03-02 10:00:00 or 02.03.2026 10:00, found something like %s", shape(s))
}

// shape shows the form of a value without its contents: 9 stands for any
// digit, a for any letter.
func shape(s string) string {
	n := 0
	return `"` + strings.Map(func(c rune) rune {
		n++
		switch {
		case n == 31:
			return '…'
		case n > 31:
			return -1
		case unicode.IsDigit(c):
			return '9'
		case unicode.IsLetter(c):
			return 'a'
		}
		return c
	}, s) + `"`
}
