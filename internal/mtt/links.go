package mtt

import (
	"slices"
	"strings"
)

// links are those of recordings in a body of valid JSON, each once, in the order in
// which they stand there, and one more than maxLinks at the most.
//
// A link is the value of a field named urlRecord, at whatever depth: a string, an
// object with a field url, or a list of those. No other string is one, whatever it
// looks like: a caller chooses their own name.
type links struct {
	wanted bool
	found  []string
	inner  *reader // of objects with a field url
}

// pass is the index after the object or list that begins at an index of valid JSON. It
// collects the links in it, and notes where it is nested deeper than maxDepth.
func (r *reader) pass(at, depth int) int {
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

// linkOf collects the value at an index if its name says that it is a link.
func (r *reader) linkOf(name value, at int) {
	if r.links.wanted && len(r.links.found) <= maxLinks && isURLRecord(name) {
		r.links.collect(r.in[at:endOf(r.in, at)])
	}
}

// collect adds the links that a field named urlRecord holds. Fields of that name
// within it are found by themselves.
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

// isURLRecord reads a name in any spelling: its letters count, in whatever case.
func isURLRecord(quoted value) bool {
	switch quoted[1] {
	case 'u', 'U', '_', '-', ' ', '.', '\\':
	default: // as most
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

// onlyLinks leaves out what is a word instead of a link, as "none". A notification that
// says that a recording is ready is believed, and whatever it names is shown to people;
// others may have the field always.
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
