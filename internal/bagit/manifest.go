package bagit

import (
	"encoding/hex"
	"strings"
)

// manifest is one that lies in the bag.
type manifest struct {
	name      string
	algorithm string
	size      int // bytes of a digest; 0: the algorithm is not known
	tag       bool
	listed    int // files
}

// entry is a line of a manifest, read.
type entry struct {
	digest   string // raw bytes
	path     string // decoded, without "./"
	written  string // the path as it was written, without "./"
	asterisk bool
	dotSlash bool
	stray    bool // a percent sign that 1.0 has encoded
	upper    bool // hexadecimal digits in upper case
	spaces   bool // two spaces separate digest and path, as sha256sum writes it
}

// parseEntry reads a line of a manifest: a digest in hexadecimal digits, white space,
// perhaps an asterisk, a path. problem: why it cannot be read.
func parseEntry(text string, v version, size int) (e entry, problem string) {
	end := strings.IndexAny(text, " \t")
	if end < 0 {
		return e, "it has no white space between digest and path"
	}
	digits := text[:end]
	raw, err := hex.DecodeString(digits)
	switch {
	case err != nil || len(raw) == 0:
		return e, "it does not begin with a digest in hexadecimal digits"
	case size != 0 && len(raw) != size:
		return e, "its digest is not of the algorithm's length"
	}
	rest := strings.TrimLeft(text[end:], " \t")
	e.digest, e.upper = string(raw), strings.ToLower(digits) != digits
	e.spaces = text[end:] == "  "+rest
	if rest, e.asterisk = strings.CutPrefix(rest, "*"); rest == "" {
		return e, "it has no path"
	}
	e.written, e.dotSlash = cutDotSlash(rest)
	e.path, e.stray = unescape(v, e.written)
	return e, ""
}

func cutDotSlash(p string) (string, bool) {
	return strings.CutPrefix(p, "./")
}

// canonical tells whether a Writer writes the line like this.
func (e entry) canonical() bool {
	return !e.asterisk && !e.dotSlash && !e.stray && !e.upper && e.spaces && escaper.Replace(e.path) == e.written
}

// entryLine is the line that a Writer writes, as sha256sum and sha512sum read it.
func entryLine(digest []byte, path string) string {
	return hex.EncodeToString(digest) + "  " + escaper.Replace(path) + "\n"
}
