package mtt

import (
	"slices"
	"strings"
)

// links are those of recordings in a body of valid JSON, each once, in the order in
// which they stand there, and one more than maxLinks at the most.
//
// A link is the value of a field named urlRecord, at any depth: a string, an
// object with a field url, or a list of those. No other string counts, whatever it
// looks like: callers choose their own names.
type links struct {
	wanted bool
	found  []string
	inner  *reader // of objects with a field url
}

// skip is the index after the object or list that begins at an index of valid JSON. It
// collects the links in it, and notes whether it is nested deeper than maxDepth.
func (r *reader) skip(at, depth int) int {
	v := r.in
	for level := depth; at < len(v); at++ {
		switch v[at] {
		case '"':
			from := at
			at = endOfText(v, at) - 1
			if colon := skipBlanks(v, at+1); v[colon] == ':' {
				r.linkOf(v[from:at+1], skipBlanks(v, colon+1))
			}
		case '{', '[':
			level++
			r.deep = r.deep || level > maxDepth
		case '}', ']':
			if level--; level == depth {
				return at + 1
			}
		}
	}
	return len(v)
}

// linkOf collects the value at an index if its name is that of a link.
func (r *reader) linkOf(name value, at int) {
	if r.links.wanted && len(r.links.found) <= maxLinks && isURLRecord(name) {
		r.links.collect(r.in[at:endOf(r.in, at)])
	}
}

// collect adds the links in a field named urlRecord. Nested fields of that name are found
// separately.
func (l *links) collect(v value) {
	switch {
	case v.isList():
		v.each(func(one value) bool {
			l.collect(one)
			return len(l.found) <= maxLinks
		})
	case v.isObject():
		if l.inner == nil {
			l.inner = new(reader)
		}
		if url := l.inner.read(v).value(fURL); url != "" {
			l.collect(url)
		}
	case len(v) > 0 && v[0] == '"':
		if link := v.text(); link != "" && !slices.Contains(l.found, link) {
			l.found = append(l.found, link)
		}
	}
}

// isURLRecord recognizes the name in any spelling: only its letters count, in either case.
func isURLRecord(quoted value) bool {
	switch quoted[1] {
	case 'u', 'U', '_', '-', ' ', '.', '\\':
	default: // the usual case
		return false
	}
	const name = "urlrecord"
	n := 0
	for _, c := range []byte(unescaped(quoted)) {
		switch {
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case 'a' <= c && c <= 'z':
		case c == '_' || c == '-' || c == ' ' || c == '.':
			continue
		default:
			return false
		}
		if n == len(name) || name[n] != c {
			return false
		}
		n++
	}
	return n == len(name)
}

// onlyLinks leaves out words such as "none", which are no links. It is not used for a
// notification that a recording is ready: there every value counts, and is shown to people.
// Other notifications may always have the field.
func onlyLinks(all []string) (links []string) {
	for _, s := range all {
		host, _, path := strings.Cut(s, "/")
		if strings.Contains(s, "//") || path && (host == "" || strings.ContainsAny(host, ".:")) {
			links = append(links, s)
		}
	}
	return links
}

// first is the first link, and the others.
func first(links []string) (link string, more []string) {
	switch len(links) {
	case 0:
		return "", nil
	case 1:
		return links[0], nil
	}
	return links[0], links[1:]
}
