package mtt

import (
	"bytes"
	"slices"
	"strings"
)

// linksIn are the links of recordings in a body of valid JSON, each once, in the order
// in which they stand there, and one more than maxLinks at the most.
//
// A link is the value of a field named urlRecord, at whatever depth: a string, an
// object with a field url, or a list of those. No other string is one, whatever it
// looks like: a caller chooses their own name. The fields are found by going through
// the body once; it is not read as objects for that, which takes more than all else
// that is asked of a notification.
func linksIn(body value) (links []string) {
	for at := 0; at < len(body); {
		if body[at] != '"' {
			at++
			continue
		}
		end := endOfText(body, at)
		name := body[at:end]
		at = end
		colon := skipBlanks(body, end)
		if colon >= len(body) || body[colon] != ':' || !isURLRecord(name) {
			continue
		}
		from := skipBlanks(body, colon+1)
		if from >= len(body) {
			break
		}
		links = collect(links, body[from:endOf(body, from)])
		if len(links) > maxLinks {
			break
		}
	}
	return links
}

// collect adds the links that a field named urlRecord holds. Fields of that name
// within it are found by themselves.
func collect(links []string, v value) []string {
	switch {
	case v.isList():
		v.each(func(one value) bool {
			links = collect(links, one)
			return len(links) <= maxLinks
		})
	case v.isObject():
		if inner := v.object().value("url"); inner != nil {
			return collect(links, inner)
		}
	case len(v) > 0 && v[0] == '"':
		if link := v.text(); link != "" && !slices.Contains(links, link) {
			return append(links, link)
		}
	}
	return links
}

// isURLRecord reads a name in any spelling: its letters count, in whatever case.
func isURLRecord(quoted value) bool {
	spelling := []byte(quoted[1 : len(quoted)-1])
	if bytes.IndexByte(spelling, '\\') >= 0 {
		spelling = []byte(unquoted(quoted))
	}
	const name = "urlrecord"
	n := 0
	for _, c := range spelling {
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
