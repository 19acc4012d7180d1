// Package printable shows text from outside on a terminal so that it cannot act
// there. Names, Call-IDs and file names come from whoever sends a notification or
// types a user name, and a terminal obeys control characters: they can move the
// cursor over an earlier line, set the window's title, or turn the direction of
// writing, so that a forged line looks like one of ours.
//
// There are two locks. Quote is for a value that stands in a line or a table: a
// line break or a tab in it would begin a line or a cell of its own. A Writer is for
// everything that a command prints, whoever has formatted it. Both write what they
// do not let through as \uXXXX, which is also JSON's way: a JSON document says the
// same before and after. Names that people are asked for are refused instead (Check).
package printable

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// acts reports whether a terminal or a reader's eye could be led astray by r:
// control characters (C0, DEL and C1), and Unicode's formatting characters, among
// them the marks and overrides of direction (U+202A–202E, U+2066–2069) and what has
// no width (U+200B–200F, U+FEFF). A line break and a tab act, too.
func acts(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029'
}

// Quote returns s with every character that acts, and each byte that is no UTF-8,
// in a visible form. Other text stays as it is.
func Quote(s string) string {
	if utf8.ValidString(s) && strings.IndexFunc(s, acts) < 0 {
		return s
	}
	return string(quote(nil, []byte(s), acts))
}

func quote(to, from []byte, acts func(rune) bool) []byte {
	for len(from) > 0 {
		r, n := utf8.DecodeRune(from)
		switch {
		case r == utf8.RuneError && n == 1:
			to = append(to, `\ufffd`...)
		case !acts(r):
			to = append(to, from[:n]...)
		case r > 0xffff: // JSON spells it in two halves
			hi, lo := (r-0x10000)>>10+0xd800, (r-0x10000)&0x3ff+0xdc00
			to = fmt.Appendf(to, `\u%04x\u%04x`, hi, lo)
		default:
			to = fmt.Appendf(to, `\u%04x`, r)
		}
		from = from[n:]
	}
	return to
}

// ErrActs is what Check returns.
var ErrActs = errors.New("holds a control character or an invisible one, or is not UTF-8")

// Check returns an error that matches ErrActs for a name that Quote would change.
// The error shows the name quoted.
func Check(name string) error {
	if quoted := Quote(name); quoted != name {
		return fmt.Errorf("%q %w", quoted, ErrActs)
	}
	return nil
}

// Writer lets line breaks and tabs through, which the program's own lines need, and quotes all else that acts. It may be used by several goroutines.
type Writer struct {
	To io.Writer

	mu   sync.Mutex
	part []byte // the first bytes of a character that is not yet whole
}

// Write never reports fewer bytes than it took.
func (w *Writer) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := append(w.part, b...)
	whole := len(text) - unfinished(text)
	w.part = append([]byte(nil), text[whole:]...)
	_, err := w.To.Write(quote(nil, text[:whole], func(r rune) bool {
		return r != '\n' && r != '\t' && acts(r)
	}))
	return len(b), err
}

// unfinished counts the bytes at the end that may begin a character.
func unfinished(text []byte) int {
	for n := 1; n <= min(utf8.UTFMax-1, len(text)); n++ {
		if c := text[len(text)-n]; utf8.RuneStart(c) {
			if !utf8.FullRune(text[len(text)-n:]) {
				return n
			}
			return 0
		}
	}
	return 0
}
