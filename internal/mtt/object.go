package mtt

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
)

// object is what is asked for of a JSON object: its fields under plain names, lower
// case and without underscores. A nil object has no fields.
type object []field

type field struct {
	name     string // plain
	spelling []byte
	value    value
}

// names are the plain names that are asked for; a field of another name is not kept.
var names = func() map[string]string {
	m := map[string]string{}
	for _, n := range strings.Fields(`event result eventtype callinfo call caller callee id tag state type transportid accountid reason reasoncode
		url urlrecord duration starttime centrexid displayid displayname extensionid forwarderlist
		success total numberslist number workplaceslist workplace name terminalslist terminal terminale
		error code errorcode status message errormessage description errordescription text detail title`) {
		m[n] = n
	}
	return m
}()

// longestName is more than the letters of any of them.
const longestName = 32

// maxSpellings is how many fields of names that are asked for are read of an object; the
// operator's have twenty. What comes after them is passed over: to choose between
// 100,000 spellings of a name would take longer than to read the body.
const maxSpellings = 1000

// object reads the fields of an object; of any other value it is nil.
func (v value) object() object {
	if !v.isObject() {
		return nil
	}
	o := object{}
	tidy := 2 * len(names) // fields: with more, some surely stand there again
	for at := skipBlanks(v, 1); v[at] != '}'; {
		end := endOf(v, at)
		name, spelling := plainly(v[at:end])
		at = skipBlanks(v, skipBlanks(v, end)+1) // over the colon
		end = endOf(v, at)
		if name != "" {
			o = append(o, field{name, spelling, v[at:end]})
		}
		if len(o) == tidy {
			o = o.lastOfEach()
			tidy = max(tidy, 2*len(o))
		}
		if len(o) > maxSpellings {
			break
		}
		if at = skipBlanks(v, end); v[at] == ',' {
			at = skipBlanks(v, at+1)
		}
	}
	return o.settled()
}

// plainly is a field's plain name, and the name as it is spelled; "" for a name that
// is not asked for.
func plainly(quoted value) (name string, spelling []byte) {
	spelling = quoted[1 : len(quoted)-1]
	if bytes.IndexByte(spelling, '\\') >= 0 {
		spelling = []byte(unquoted(quoted))
	}
	var buf [longestName]byte
	dst := buf[:0]
	for _, c := range spelling {
		switch {
		case c == '_':
			continue
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		}
		if len(dst) == longestName {
			return "", nil
		}
		dst = append(dst, c)
	}
	return names[string(dst)], spelling
}

// settled leaves one field of each name. Of several spellings one that is not empty
// goes before one that is, and then the first in their order, so that the same body is
// always read the same.
func (o object) settled() object {
	if !o.ambiguous() {
		return o
	}
	o = o.lastOfEach()
	kept := o[:0]
	for _, f := range o {
		switch last := len(kept) - 1; {
		case last < 0 || kept[last].name != f.name:
			kept = append(kept, f)
		case kept[last].value.empty():
			kept[last] = f
		}
	}
	return kept
}

// lastOfEach leaves one field of each spelling, in order of names and spellings: the
// last one, as with encoding/json.
func (o object) lastOfEach() object {
	slices.SortStableFunc(o, func(a, b field) int {
		return cmp.Or(strings.Compare(a.name, b.name), bytes.Compare(a.spelling, b.spelling))
	})
	kept := o[:0]
	for i, f := range o {
		if i+1 == len(o) || o[i+1].name != f.name || !bytes.Equal(o[i+1].spelling, f.spelling) {
			kept = append(kept, f)
		}
	}
	return kept
}

// ambiguous says whether a name stands there twice.
func (o object) ambiguous() bool {
	if len(o) > len(names) {
		return true
	}
	for i := range o {
		for j := range i {
			if o[i].name == o[j].name {
				return true
			}
		}
	}
	return false
}

// empty is null, or a text without anything in it.
func (v value) empty() bool { return !v.isObject() && !v.isList() && v.text() == "" }

func (o object) value(name string) value {
	for i := range o {
		if o[i].name == name {
			return o[i].value
		}
	}
	return nil
}

func (o object) node(name string) object { return o.value(name).object() }

func (o object) or(other object) object {
	if o == nil {
		return other
	}
	return o
}

func (o object) text(name string) string { return o.value(name).text() }

// texts reads a list of strings, or of objects with an id, up to limit of them.
func (o object) texts(name string, limit int) []string {
	var out []string
	o.value(name).each(func(v value) bool {
		s := v.text()
		if v.isObject() {
			s = v.object().text("id")
		}
		if s != "" {
			out = append(out, s)
		}
		return len(out) < limit
	})
	return out
}
