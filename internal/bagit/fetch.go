package bagit

import (
	"strconv"
	"strings"
)

// fetchItem is a line of fetch.txt: a file that is to be had elsewhere. Nothing here
// fetches it.
type fetchItem struct {
	url    string
	length int64 // bytes; -1: not said
	path   string
	stray  bool
}

// parseFetch reads a line of fetch.txt: a URL, a length or "-", a path, with white space
// between them. problem: why it cannot be read.
func parseFetch(text string, v version) (item fetchItem, problem string) {
	url, rest := cutField(text)
	length, written := cutField(rest)
	switch {
	case url == "" || length == "" || written == "":
		return item, "it is not a URL, a length and a path"
	case !strings.Contains(url, ":"):
		return item, "it does not begin with a URL"
	}
	item.url, item.length = url, -1
	if length != "-" {
		n, err := strconv.ParseInt(length, 10, 64)
		if err != nil || n < 0 || length[0] == '+' {
			return item, "its length is neither a number of bytes nor a hyphen"
		}
		item.length = n
	}
	written, _ = cutDotSlash(written)
	item.path, item.stray = unescape(v, written)
	return item, ""
}

// cutField is what comes before white space, and what comes after it.
func cutField(s string) (field, rest string) {
	end := strings.IndexAny(s, " \t")
	if end < 0 {
		return s, ""
	}
	return s[:end], strings.TrimLeft(s[end:], " \t")
}
