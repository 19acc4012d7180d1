package bagit

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

const (
	declarationFile = "bagit.txt"
	infoFile        = "bag-info.txt"
	oldInfoFile     = "package-info.txt" // before 0.96
	fetchFile       = "fetch.txt"
	maxDeclaration  = 1 << 10 // bytes of a line of bagit.txt; real ones have 30
)

// version of the format. The rules of a bag are those of its version.
type version struct{ major, minor int }

func (v version) String() string { return fmt.Sprintf("%d.%d", v.major, v.minor) }

func (v version) before(major, minor int) bool {
	return v.major < major || v.major == major && v.minor < minor
}

// versions that were published.
var versions = map[version]bool{{0, 93}: true, {0, 94}: true, {0, 95}: true, {0, 96}: true, {0, 97}: true, {1, 0}: true}

var versionForm = regexp.MustCompile(`^([0-9]{1,3})\.([0-9]{1,3})$`)

// declaration is what bagit.txt says.
type declaration struct {
	version  version
	encoding string // as written
}

// parseDeclaration reads bagit.txt. Where it is wrong, what was found is reported, and
// the declaration is that of a bag of 1.0 in UTF-8, so that the rest can be looked at by
// the strictest rules.
func parseDeclaration(r io.Reader, f *findings) declaration {
	d := declaration{version: version{1, 0}, encoding: "UTF-8"}
	var lines []string
	mark, err := readLines(io.LimitReader(r, 4*maxDeclaration), nil, maxDeclaration, func(l line) {
		if l.broken {
			f.fail(EncodingWrong, declarationFile, "line %d is not UTF-8", l.number)
		}
		lines = append(lines, l.text)
	})
	if mark {
		f.fail(ByteOrderMark, declarationFile, "it begins with a byte-order mark")
	}
	switch {
	case errors.Is(err, errLineTooLong):
		f.fail(DeclarationForm, declarationFile, "a line is longer than %d bytes", maxDeclaration)
		return d
	case err != nil:
		f.fail(Unreadable, declarationFile, "read it: %v", err)
		return d
	}
	if len(lines) != 2 {
		f.fail(DeclarationForm, declarationFile, "it has %d lines instead of two", len(lines))
	}
	if v, ok := declared(lines, 0, "BagIt-Version", f); ok {
		d.version = parseVersion(v, f)
	}
	if e, ok := declared(lines, 1, "Tag-File-Character-Encoding", f); ok {
		d.encoding = e
	}
	return d
}

// declared is the value of a line of bagit.txt.
func declared(lines []string, n int, label string, f *findings) (string, bool) {
	if n >= len(lines) {
		return "", false
	}
	value, ok := strings.CutPrefix(lines[n], label+":")
	trimmed := strings.Trim(value, " \t")
	if !ok || trimmed == "" {
		f.fail(DeclarationForm, declarationFile, "line %d is not %q with a value", n+1, label+":")
		return "", false
	}
	if value != " "+trimmed {
		f.warn(DeclarationForm, declarationFile, "line %d has other white space than one space after the colon", n+1)
	}
	return trimmed, true
}

func parseVersion(s string, f *findings) version {
	m := versionForm.FindStringSubmatch(s)
	if m == nil {
		f.fail(VersionUnknown, declarationFile, "the version %q is not two numbers with a dot", s)
		return version{1, 0}
	}
	major, _ := strconv.Atoi(m[1])
	minor, _ := strconv.Atoi(m[2])
	if v := (version{major, minor}); versions[v] {
		return v
	}
	f.fail(VersionUnknown, declarationFile, "the version %q is none of 0.93 to 0.97 and 1.0", s)
	return version{1, 0}
}
