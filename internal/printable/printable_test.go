package printable_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"unicode"
	"unicode/utf8"

	"fonoteka/internal/printable"
)

func TestWhatActsIsShown(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                          "",
		"Иван Петров +7 (916) – ok": "Иван Петров +7 (916) – ok",
		"\x1b]0;title\x07":          `\u001b]0;title\u0007`,
		"a\nb\tc\rd":                `a\u000ab\u0009c\u000dd`,
		"\u009b31m":                 `\u009b31m`,
		"\x9b31m":                   `\ufffd31m`,
		"abc\u202egnp.exe":          `abc\u202egnp.exe`,
		"\u2066x\u2069\u200b\ufeff": `\u2066x\u2069\u200b\ufeff`,
		"\U000e0041":                `\udb40\udc41`,
		"del\x7f":                   `del\u007f`,
	} {
		if got := printable.Quote(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
		if err := printable.Check(in); (err == nil) != (in == want) || err != nil && !errors.Is(err, printable.ErrActs) {
			t.Errorf("%q: %v", in, err)
		}
	}
}

// What passes the writer piece by piece is what passes it whole.
func FuzzWriter(f *testing.F) {
	f.Add([]byte("plain\n"), 3)
	f.Add([]byte("Иван \x1b[2J\u202e\U0001f600\xff\xf0\x9f"), 1)
	f.Fuzz(func(t *testing.T, text []byte, at int) {
		at = max(0, min(at, len(text)))
		var whole, parts bytes.Buffer
		for _, w := range []struct {
			to   *bytes.Buffer
			said [][]byte
		}{{&whole, [][]byte{text}}, {&parts, [][]byte{text[:at], text[at:]}}} {
			out := printable.Writer{To: w.to}
			for _, b := range w.said {
				if n, err := out.Write(b); n != len(b) || err != nil {
					t.Fatal(n, err)
				}
			}
		}
		if !bytes.Equal(whole.Bytes(), parts.Bytes()) {
			t.Fatalf("%q and %q", whole.Bytes(), parts.Bytes())
		}
		for _, r := range whole.String() {
			if r != '\n' && r != '\t' && unicode.IsControl(r) || r == utf8.RuneError && !bytes.ContainsRune(text, utf8.RuneError) {
				t.Fatalf("%q lets %U through", whole.String(), r)
			}
		}
	})
}

func TestJSONSaysTheSame(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a\x1b\u009b\u202e\u200b\n", "\U000e0041 \U0001f600", "Иван"} {
		doc, err := json.Marshal(name)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if _, err := (&printable.Writer{To: &out}).Write(doc); err != nil {
			t.Fatal(err)
		}
		var back string
		if err := json.Unmarshal(out.Bytes(), &back); err != nil || back != name {
			t.Errorf("%q came back as %q: %v", name, back, err)
		}
	}
}
