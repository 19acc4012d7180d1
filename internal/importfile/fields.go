package importfile

import (
	"errors"
	"fmt"
	"strings"
)

// What is wrong with quotation marks. encoding/csv finds them, too, but it has no word
// for ="0012", and it takes all that follows an unclosed one for a single field.
var (
	errUnclosed = errors.New("a quotation mark is opened and not closed")
	errStray    = errors.New("a quotation mark stands within a field (double it, and put the field between quotation marks)")
	errAfter    = errors.New("something follows a quotation mark that closes a field")
)

// split splits a record into fields. Its errors name the column by its number, and hold
// no value.
func split(text string, sep rune) ([]string, error) {
	if !strings.Contains(text, `"`) {
		return strings.Split(text, string(sep)), nil
	}
	var fields []string
	for {
		field, rest, err := firstField(text, string(sep))
		if err != nil {
			return nil, fmt.Errorf("column %d: %w", len(fields)+1, err)
		}
		fields = append(fields, field)
		next, more := strings.CutPrefix(rest, string(sep))
		if !more {
			return fields, nil
		}
		text = next
	}
}

// firstField is the first field of text, and what follows it: nothing, or the
// separator.
func firstField(text, sep string) (field, rest string, err error) {
	quoted := strings.TrimLeft(text, " ")
	formula := strings.HasPrefix(quoted, `="`)
	if formula {
		quoted = quoted[1:]
	}
	if !strings.HasPrefix(quoted, `"`) {
		field, _, _ = strings.Cut(text, sep)
		if strings.Contains(field, `"`) {
			return "", "", errStray
		}
		return field, text[len(field):], nil
	}
	field, rest, closed := untilQuote(quoted[1:])
	if !closed {
		return "", "", errUnclosed
	}
	if rest = strings.TrimLeft(rest, " "); rest != "" && !strings.HasPrefix(rest, sep) {
		return "", "", errAfter
	}
	if !formula {
		field = plain(field)
	}
	return field, rest, nil
}

// untilQuote is what stands before the quotation mark that closes a field, in which two
// of them mean one.
func untilQuote(text string) (field, rest string, closed bool) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, `"`)
		b.WriteString(before)
		if !found {
			return "", "", false
		}
		if text, found = strings.CutPrefix(after, `"`); !found {
			return b.String(), after, true
		}
		b.WriteByte('"')
	}
}

// plain is the text of a cell that was saved with its formula: "=""0012""".
func plain(cell string) string {
	inner, formula := strings.CutPrefix(cell, `="`)
	text, rest, closed := untilQuote(inner)
	if !formula || !closed || rest != "" {
		return cell
	}
	return text
}
