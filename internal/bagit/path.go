package bagit

import (
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

const payloadFolder = "data/"

// unsafePath says why a path must not be used, on any system: a bag travels, and what is
// a plain name here is a way out of the bag elsewhere. An empty code: it is safe.
func unsafePath(p string) (Code, string) {
	switch {
	case p == "":
		return PathForm, "the path is empty"
	case strings.ContainsRune(p, 0):
		return PathNUL, "the path has a NUL byte"
	case !utf8.ValidString(p):
		return PathForm, "the path is not UTF-8"
	case strings.HasPrefix(p, `\\`), strings.HasPrefix(p, "//"):
		return PathUNC, "the path names a server"
	case len(p) > 1 && p[1] == ':' && isLetter(p[0]):
		return PathDrive, "the path begins with the letter of a drive"
	case strings.Contains(p, `\`):
		return PathBackslash, "the path has a backslash, which separates folders on Windows"
	case p[0] == '/':
		return PathAbsolute, "the path is absolute"
	case p[0] == '~':
		return PathHome, "the path begins with ~, which is a home folder"
	}
	parts := strings.Split(p, "/")
	switch {
	case slices.Contains(parts, ".."):
		return PathTraversal, "the path has a part .."
	case slices.Contains(parts, "."), slices.Contains(parts, ""):
		return PathForm, "the path has a part that is empty or a dot"
	}
	return "", ""
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func isPayload(p string) bool { return strings.HasPrefix(p, payloadFolder) }

// foldKey is the same for names that a file system which ignores case or changes the
// normal form takes for one.
func foldKey(p string) string {
	if isASCII(p) {
		return strings.ToLower(p)
	}
	return norm.NFC.String(cases.Fold().String(norm.NFC.String(p)))
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// escaper writes a path of a manifest: RFC 8493, 2.1.3, has these three encoded, and no
// others.
var escaper = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")

// unescape is the path that is written in a manifest or fetch.txt. Version 1.0 encodes
// CR, LF and %; 0.97 encodes CR and LF only; before that nothing was encoded. stray: a
// percent sign is left that 1.0 has encoded.
func unescape(v version, written string) (path string, stray bool) {
	if v.before(0, 97) || !strings.Contains(written, "%") {
		return written, false
	}
	var b strings.Builder
	for i := 0; i < len(written); i++ {
		c := written[i]
		if c == '%' {
			decoded, ok := percentCode(written[i+1:])
			if ok && (decoded != '%' || !v.before(1, 0)) {
				b.WriteByte(decoded)
				i += 2
				continue
			}
			stray = !v.before(1, 0)
		}
		b.WriteByte(c)
	}
	return b.String(), stray
}

func percentCode(s string) (byte, bool) {
	if len(s) < 2 {
		return 0, false
	}
	switch strings.ToUpper(s[:2]) {
	case "0A":
		return '\n', true
	case "0D":
		return '\r', true
	case "25":
		return '%', true
	}
	return 0, false
}

// systemFiles are made by operating systems beside the files of people.
var systemFiles = map[string]bool{".ds_store": true, "thumbs.db": true, "desktop.ini": true, ".spotlight-v100": true, ".trashes": true}

func isSystemFile(p string) bool {
	return systemFiles[strings.ToLower(p[strings.LastIndexByte(p, '/')+1:])]
}
