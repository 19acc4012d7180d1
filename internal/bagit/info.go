package bagit

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	labelDate = "Bagging-Date"
	labelOxum = "Payload-Oxum" // a Writer sets it itself
)

// Field is one line of bag-info.txt. Labels are compared without regard to case, may be
// repeated, and their order counts.
type Field struct {
	Label string
	Value string // the lines of a folded value are separated by LF, without their indentation
}

// infoReader reads the lines of bag-info.txt.
type infoReader struct {
	name   string
	v      version
	f      *findings
	fields []Field
	more   strings.Builder // lines that continue the last field: appended once, since there may be millions
}

// end gives the fields, once all lines are read.
func (r *infoReader) end() []Field {
	if n := len(r.fields); n > 0 {
		r.fields[n-1].Value += r.more.String()
	}
	r.more.Reset()
	return r.fields
}

func (r *infoReader) line(l line) {
	text := l.text
	switch {
	case l.broken:
		r.f.fail(EncodingWrong, r.name, "line %d is not in the declared encoding", l.number)
	case text == "":
		r.f.warn(BlankLine, r.name, "line %d is empty", l.number)
	case text[0] == ' ' || text[0] == '\t':
		if len(r.fields) == 0 {
			r.f.fail(InfoForm, r.name, "line %d continues no line", l.number)
			return
		}
		r.more.WriteString("\n" + strings.Trim(text, " \t"))
	default:
		r.field(l)
	}
}

// field reads a label and its value. 1.0 has no white space before the colon; it has one
// space or tab after it, but programs write more and none, and no value is lost by it.
func (r *infoReader) field(l line) {
	label, value, ok := strings.Cut(l.text, ":")
	trimmed := strings.TrimRight(label, " \t")
	if !ok || trimmed == "" {
		r.f.fail(InfoForm, r.name, "line %d is no label with a colon and a value", l.number)
		return
	}
	if trimmed != label && !r.v.before(1, 0) {
		r.f.fail(InfoForm, r.name, "line %d has white space before its colon", l.number)
	}
	r.fields = append(r.end(), Field{Label: trimmed, Value: strings.Trim(value, " \t")})
}

// oxum is a Payload-Oxum: bytes and number of the payload's files.
type oxum struct{ bytes, files int64 }

func (o oxum) String() string { return fmt.Sprintf("%d.%d", o.bytes, o.files) }

var oxumForm = regexp.MustCompile(`^([0-9]{1,19})\.([0-9]{1,19})$`)

func parseOxum(s string) (oxum, bool) {
	m := oxumForm.FindStringSubmatch(s)
	if m == nil {
		return oxum{}, false
	}
	bytes, err := strconv.ParseUint(m[1], 10, 64)
	files, err2 := strconv.ParseUint(m[2], 10, 64)
	if err != nil || err2 != nil || bytes > math.MaxInt64 || files > math.MaxInt64 {
		return oxum{}, false
	}
	return oxum{int64(bytes), int64(files)}, true
}

// Check says why a Writer does not write a field: it would not read back as it is, or is
// not what its label means. A value may have several lines, separated by LF; none may be
// empty, or begin or end with white space, since that is lost. A Bagging-Date is
// YYYY-MM-DD; the writer sets Payload-Oxum itself.
func (f Field) Check() error {
	switch {
	case sameLabel(f.Label, labelOxum):
		return fmt.Errorf("bag-info field %s: the writer sets it", f.Label)
	case f.Label == "" || strings.TrimSpace(f.Label) != f.Label || strings.ContainsRune(f.Label, ':') || hasControl(f.Label):
		return fmt.Errorf("bag-info label %q: it is empty, or has a colon, control characters or white space at an end", f.Label)
	case f.Value == "":
		return fmt.Errorf("bag-info field %s: it has no value", f.Label)
	}
	if sameLabel(f.Label, labelDate) {
		if _, err := time.Parse(time.DateOnly, f.Value); err != nil {
			return fmt.Errorf("bag-info field %s: %w", f.Label, err)
		}
	}
	for l := range strings.SplitSeq(f.Value, "\n") {
		if l == "" || strings.TrimSpace(l) != l || hasControl(l) {
			return fmt.Errorf("bag-info field %s: a line of it is empty, or has control characters or white space at an end", f.Label)
		}
	}
	return nil
}

func hasControl(s string) bool {
	return !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl)
}

// writeInfo writes fields as they are. Lines are not folded by their length: RFC 8493
// recommends 79 characters and allows any, while readers differ in what a fold is. A
// line break in a value is written as a fold.
func writeInfo(w io.Writer, fields []Field) error {
	b := bufio.NewWriter(w)
	for _, f := range fields {
		_, _ = b.WriteString(f.Label + ": " + strings.ReplaceAll(f.Value, "\n", "\n  ") + "\n")
	}
	return b.Flush()
}
