package call_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/nyaruka/phonenumbers"

	"fonoteka/internal/call"
)

// e164 is what Google's library, in nyaruka's translation, takes a text for, digits
// only; "" where it is not a valid number of some country.
func e164(text string) string {
	n, err := phonenumbers.Parse(text, "")
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return ""
	}
	return phonenumbers.Format(n, phonenumbers.E164)[1:]
}

// Every country's numbers, as they are written abroad.
func TestNumbersOfEveryCountryAreReadAsTheLibraryReadsThem(t *testing.T) {
	t.Parallel()
	read := 0
	for region := range phonenumbers.GetSupportedRegions() {
		for _, kind := range []phonenumbers.PhoneNumberType{phonenumbers.FIXED_LINE, phonenumbers.MOBILE, phonenumbers.TOLL_FREE, phonenumbers.VOIP, phonenumbers.SHARED_COST} {
			n := phonenumbers.GetExampleNumberForType(region, kind)
			if n == nil || !phonenumbers.IsValidNumber(n) {
				continue
			}
			want := phonenumbers.Format(n, phonenumbers.E164)[1:]
			written := []string{}
			for _, format := range []phonenumbers.PhoneNumberFormat{phonenumbers.E164, phonenumbers.INTERNATIONAL, phonenumbers.RFC3966} {
				s := phonenumbers.Format(n, format)
				written = append(written, s, s+";ext=101", "<"+s+">", s+" доб. 101")
			}
			written = append(written, "sip:+"+want+"@10.0.0.1:5060", "%2B"+want, want+"@pstn", "00"+want, phonenumbers.Format(n, phonenumbers.INTERNATIONAL)+" ext. 101")
			for _, s := range written {
				if got := call.ParseNumber(s, "").Digits; got != want {
					t.Errorf("%s: %q is read as %s, want %s", region, s, got, want)
				}
				read++
			}
		}
	}
	if read < 5000 {
		t.Errorf("only %d spellings", read)
	}
}

// Whatever begins with "+" and is a valid number for the library has the same digits
// here. Left out are letters, which stand for digits there, what stands behind a
// number, and digits that the library leaves out, as the trunk prefix of (0).
func FuzzNumberAsTheLibraryReadsIt(f *testing.F) {
	for _, s := range []string{
		"+79161234567", "+7 (916) 123-45-67", "+7\u00a0916\u2011123\u201345\u2014 67", "＋７９１６１２３４５６７", "+٧٩١٦١٢٣٤٥٦٧", "+44 20 7946 0958", "+39 06 1234 5678",
		"+1-212-555-1234", "+49 (30) 123456", "+883140777828301", "+7.916.123.45.67", "+1212555123.4", "+[7] 916/123~45~67", "+7 916 123 45 67 ", "+810 3 1234 5678", "+800 1234 5678",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		count := 0
		for i, c := range text {
			switch {
			case i == 0 && c != '+' && c != '＋', unicode.IsLetter(c), strings.ContainsRune("*#;,:@%<>\"", c), unicode.Is(unicode.N, c) && !unicode.Is(unicode.Nd, c):
				return
			case unicode.Is(unicode.Nd, c):
				count++
			}
		}
		want := e164(text)
		if want == "" || len(want) != count {
			return
		}
		if got := call.ParseNumber(text, "").Digits; got != want {
			t.Fatalf("%q is read as %q, by the library as %q", text, got, want)
		}
	})
}
