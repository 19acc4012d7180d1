package call

import (
	"log/slog"
	"strings"
)

// Number is a phone number: as it came, and normalised for comparison.
// It masks itself wherever it is printed or logged.
type Number struct {
	Raw    string
	Digits string // E.164 without "+", a short extension, a SIP id, or "" (hidden, or cannot be read)
}

// ParseNumber normalises a number as the platform spells it. What is no part of the
// number is taken off: a name and angle brackets, sip: and a host, parameters,
// pauses, an extension, separators. The rest is read by the rules of a Russian
// numbering plan, where the platform works:
//
//   - with "+", or of an outside line ("…@pstn"): E.164 already;
//   - 00 and a country code: E.164 after the 00;
//   - a SIP id (883140…, 14 or 15 digits) stays as it is;
//   - 810… of 12 digits and more: international, without the 810;
//   - 11 digits from 8: the trunk prefix becomes the country code 7;
//   - 10 digits from 3, 4, 8 or 9: the country code is put before them;
//   - 7 digits: local; areaCode and 7 are put before them where it is known;
//   - zeros alone are no number: the caller withholds it;
//   - anything else stays: an extension, a short number, or E.164.
//
// What cannot be read as a number, as 79161234567.0 out of a spreadsheet, has its
// raw form and no digits.
//
// A general library (nyaruka/phonenumbers) was rejected here: it would read a
// SIP id as a number of the Universal International network and refuse what
// is merely unusual, and the rules above need to know which side of the
// exchange a spelling comes from. A test holds this against it for what begins
// with "+".
func ParseNumber(raw, areaCode string) Number {
	n := Number{Raw: raw}
	s, ok := open(raw)
	if !ok || s.digits == "" {
		return n
	}
	n.Digits = s.digits
	if !s.e164 {
		n.Digits = national(s.digits, areaCode)
	}
	return n
}

func national(d, areaCode string) string {
	switch {
	case IsSIPID(d):
		return d
	case len(d) >= 12 && strings.HasPrefix(d, "810"):
		return d[3:]
	case len(d) == 11 && d[0] == '8':
		return "7" + d[1:]
	case len(d) == 10 && strings.ContainsRune("3489", rune(d[0])):
		return "7" + d
	case len(d) == 7 && len(areaCode) == 3:
		return "7" + areaCode + d
	}
	return d
}

// IsSIPID reports whether s is an account of the platform's own: 883140… of 14
// or 15 digits.
func IsSIPID(s string) bool {
	if len(s) != 14 && len(s) != 15 || !strings.HasPrefix(s, "883140") {
		return false
	}
	return strings.Trim(s, "0123456789") == ""
}

// Hidden reports that there is nothing to compare by: withheld, anonymous,
// empty, or not a number. Hidden numbers are never one client.
func (n Number) Hidden() bool { return n.Digits == "" }

// unreadable reports that there are digits in what came, and no number: it is not
// withheld either.
func (n Number) unreadable() bool { return n.Digits == "" && strings.ContainsAny(n.Raw, "123456789") }

// outside reports a number that can stand for a line of the company or of a
// client: neither an extension nor an account.
func (n Number) outside() bool { return len(n.Digits) >= 7 && !IsSIPID(n.Digits) }

// String masks: the first four and the last two digits remain of a long number.
func (n Number) String() string {
	d := n.Digits
	switch {
	case d == "":
		return "hidden"
	case len(d) < 9:
		return strings.Repeat("*", len(d))
	}
	return d[:4] + strings.Repeat("*", len(d)-6) + d[len(d)-2:]
}

// LogValue implements slog.LogValuer: a number is never logged whole.
func (n Number) LogValue() slog.Value { return slog.StringValue(n.String()) }
