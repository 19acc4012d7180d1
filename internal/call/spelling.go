package call

import (
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"unicode"
)

// spelled is what is left of a number's spelling when all that is no number has
// been taken off.
type spelled struct {
	digits string
	e164   bool // with "+" or 00, or of an outside line
}

// open reads the spellings in which SIP devices, address books and people hand a
// number on: a name and angle brackets, a scheme, a host, parameters, pauses, an
// extension, separators and digits of any script. ok is false for what cannot be
// read as a number.
func open(raw string) (n spelled, ok bool) {
	s := strings.TrimSpace(raw)
	if i := strings.LastIndexByte(s, '<'); i >= 0 {
		s, _, _ = strings.Cut(s[i+1:], ">")
	}
	s = strings.TrimSpace(strings.Trim(strings.TrimSpace(s), `"`))
	if plain, err := url.PathUnescape(s); err == nil && strings.Contains(s, "%") {
		s = plain
	}
	for _, scheme := range []string{"sip:", "sips:", "tel:"} {
		if len(s) > len(scheme) && strings.EqualFold(s[:len(scheme)], scheme) {
			s = s[len(scheme):]
		}
	}
	s, host, _ := strings.Cut(s, "@")
	host, _, _ = strings.Cut(host, ";")
	if strings.Trim(s, "+0123456789") != "" { // there is something to take off
		if s = strings.TrimSpace(withoutTail(s)); fraction.MatchString(s) || isAddress(s) {
			return n, false
		}
	}
	n.digits, n.e164, ok = digits(s)
	if n.e164 && strings.HasPrefix(n.digits, "7") && len(n.digits) > 11 {
		return n, false // more than a number of country code 7 can have
	}
	whole := trimZeros(n.digits)
	n.e164 = n.e164 || whole != n.digits || strings.EqualFold(host, "pstn")
	n.digits = whole
	return n, ok
}

var (
	port      = regexp.MustCompile(`:\d{1,5}$`)
	extension = regexp.MustCompile(`(?i)^(.*?)[\s.(]*(?:доб(?:авочный)?|вн(?:утр(?:енний)?)?|ext(?:ension|n)?)[\s.:=№]*(\d{1,8})[\s)]*$`)
	// A mark alone is an extension only after a number that is whole without it.
	marked = regexp.MustCompile(`(?i)^((?:\D*\d){7,}\D*?)\s*[x#]\s*\d{1,8}$`)
	paused = regexp.MustCompile(`(?i)^((?:\D*\d){7,}\D*?)[pw][\dpw*#, ]*$`)
	// A number that went through a spreadsheet or a floating point.
	fraction = regexp.MustCompile(`^\d+\.\d{1,2}$`)
)

// withoutTail cuts what may stand after a number: parameters, pauses and what is to
// be dialled after them, a port, an extension. Where there is nothing but an
// extension, that is the number.
func withoutTail(s string) string {
	if strings.Trim(s, "+0123456789") == "" { // as most
		return s
	}
	if i := strings.IndexAny(s, ";,"); i >= 0 {
		s = s[:i]
	}
	s = port.ReplaceAllString(s, "")
	if m := extension.FindStringSubmatch(s); m != nil {
		if strings.TrimSpace(m[1]) == "" {
			return m[2]
		}
		return m[1]
	}
	for _, tail := range []*regexp.Regexp{marked, paused} {
		if m := tail.FindStringSubmatch(s); m != nil {
			return m[1]
		}
	}
	return s
}

// isAddress: some gateways announce their own where the caller has no number.
func isAddress(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

// digits reads decimal digits of any script and drops what people put between
// them: dashes and spaces of any kind, brackets and full stops, marks that cannot be
// seen. After a "+" nobody writes two numbers, so that slashes and the like are
// separators too. ok is false where anything else is found.
func digits(s string) (d string, plus, ok bool) {
	var b strings.Builder
	for _, c := range s {
		switch n, digit := decimal(c); {
		case digit:
			b.WriteByte('0' + n)
		case (c == '+' || c == '＋') && b.Len() == 0:
			plus = true
		case unicode.In(c, unicode.Dash, unicode.Space, unicode.Zs, unicode.Cf) || strings.ContainsRune("().（）．", c):
		case plus && strings.ContainsRune("[]/~［］／～⁓∼ー", c):
		default:
			return "", plus, false
		}
	}
	return b.String(), plus, true
}

// decimal is the value of a decimal digit: each script has ten of them in a row.
func decimal(c rune) (byte, bool) {
	if '0' <= c && c <= '9' {
		return byte(c - '0'), true
	}
	if c < 0x80 || !unicode.Is(unicode.Nd, c) {
		return 0, false
	}
	for _, r := range unicode.Nd.R16 {
		if rune(r.Lo) <= c && c <= rune(r.Hi) {
			return byte((c - rune(r.Lo)) % 10), true
		}
	}
	for _, r := range unicode.Nd.R32 {
		if rune(r.Lo) <= c && c <= rune(r.Hi) {
			return byte((c - rune(r.Lo)) % 10), true
		}
	}
	return 0, false
}

// trimZeros drops the "00" before a country code, which no E.164 number begins with.
// Of zeros alone nothing is left.
func trimZeros(d string) string {
	if strings.Trim(d, "0") == "" {
		return ""
	}
	if rest, ok := strings.CutPrefix(d, "00"); ok && rest[0] != '0' && len(rest) >= 7 {
		return rest
	}
	return d
}
