package mtt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// maxDepth is how deep objects and lists may lie in each other. A notification of the
// operator's has six levels.
const maxDepth = 64

var (
	errDeep = fmt.Errorf("it is nested more than %d deep", maxDepth)
	errEnds = errors.New("it breaks off")
)

// value is a valid JSON value, without spaces around it, as a part of a body: it
// is parsed only where it is needed. Parsing the whole body into a tree was rejected:
// for small objects that takes fifty times the memory of the body, and most of
// it is not used. It is a string so that the texts in it are substrings, and take
// no memory of their own.
type value string

// lenient is JSON as encoding/json accepts it: the last of equal names counts, U+FFFD
// replaces invalid UTF-8. jsontext checks it three times as fast.
var lenient = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

func valid(body []byte) bool { return jsontext.Value(body).IsValid(lenient...) }

// firstValue checks the value that a body begins with, and returns it and what comes
// after it. Its depth is checked before anything else is done with it.
func firstValue(body []byte) (v value, rest []byte, err error) {
	body = bytes.TrimLeft(body, blanks)
	end := len(body)
	if len(body) > 0 && (body[0] == '{' || body[0] == '[') {
		if end = endOfNested(body, 0, maxDepth); end < 0 {
			return "", nil, errDeep
		}
	}
	first := bytes.TrimRight(body[:end], blanks)
	if valid(first) {
		return value(first), bytes.TrimLeft(body[end:], blanks), nil
	}
	err = json.Unmarshal(first, new(any)) // checks before it reads
	if syntax, ok := errors.AsType[*json.SyntaxError](err); !ok || strings.Contains(syntax.Error(), "unexpected end") {
		err = errEnds
	}
	return "", nil, err
}

const blanks = " \t\r\n"

// text is JSON, before and after it was found to be valid.
type text interface{ ~string | ~[]byte }

func skipBlanks[T text](b T, at int) int {
	for at < len(b) && (b[at] == ' ' || b[at] == '\t' || b[at] == '\r' || b[at] == '\n') {
		at++
	}
	return at
}

// endOf is the index after the value that begins at an index of valid JSON.
func endOf(b value, at int) int {
	switch b[at] {
	case '"':
		return endOfText(b, at)
	case '{', '[':
		return endOfNested(b, at, len(b))
	}
	for at < len(b) && !strings.ContainsRune(",]}"+blanks, rune(b[at])) {
		at++
	}
	return at
}

// endOfText is the index after the string that begins at an index, or the end of b.
func endOfText[T text](b T, at int) int {
	for at++; at < len(b); at++ {
		switch b[at] {
		case '\\':
			at++
		case '"':
			return at + 1
		}
	}
	return len(b)
}

// endOfNested is the index after the object or list that begins at an index; the end
// of b where it has no end, and -1 where it is nested deeper than depth.
func endOfNested[T text](b T, at, depth int) int {
	for level := 0; at < len(b); at++ {
		switch b[at] {
		case '"':
			at = endOfText(b, at) - 1
		case '{', '[':
			if level++; level > depth {
				return -1
			}
		case '}', ']':
			if level--; level == 0 {
				return at + 1
			}
		}
	}
	return len(b)
}

func (v value) isObject() bool { return len(v) > 0 && v[0] == '{' }
func (v value) isList() bool   { return len(v) > 0 && v[0] == '[' }

// text is a string, or a number or boolean as it was written; else "".
func (v value) text() string {
	switch {
	case len(v) == 0 || v.isObject() || v.isList() || v[0] == 'n':
		return ""
	case v[0] == '"':
		return strings.TrimSpace(unquoted(v))
	}
	return string(v)
}

// unescaped is the text between the quotes of a field's name.
func unescaped(quoted value) string {
	if strings.IndexByte(string(quoted), '\\') >= 0 {
		return unquoted(quoted)
	}
	return string(quoted[1 : len(quoted)-1])
}

// unquoted reads a string. Most are ASCII without escapes, and returned as substrings.
func unquoted(v value) string {
	inner := string(v[1 : len(v)-1])
	for i := range len(inner) {
		if inner[i] >= utf8.RuneSelf || inner[i] == '\\' {
			return unquotedAny(v)
		}
	}
	return inner
}

func unquotedAny(v value) string {
	if inner := string(v[1 : len(v)-1]); strings.IndexByte(inner, '\\') < 0 && utf8.ValidString(inner) {
		return inner
	}
	var s string
	_ = json.Unmarshal([]byte(v), &s) // it is valid
	return s
}

// each calls do for each value of a list, until it returns false.
func (v value) each(do func(value) bool) {
	if !v.isList() {
		return
	}
	for at := skipBlanks(v, 1); v[at] != ']'; {
		end := endOf(v, at)
		if !do(v[at:end]) {
			return
		}
		if at = skipBlanks(v, end); v[at] == ',' {
			at = skipBlanks(v, at+1)
		}
	}
}
