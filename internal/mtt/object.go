package mtt

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// object is the known fields of a JSON object, by their plain names in lower
// case and without underscores. The zero object has no fields.
type object struct {
	r    *reader
	kept span // in r.kept
}

// field is a field by its positions in the JSON of its reader. With strings instead of
// positions the garbage collector would follow them, which took a third of the time of
// reading a notification.
type field struct {
	name     name
	spelling span // without quotes
	value    span
	isRead   bool // the value is an object whose fields are at inner
	inner    span // in reader.kept
}

// span is [from, to) of something.
type span struct{ from, to int32 }

// maxSpellings is how many fields with known names are read of an object; the
// operator's have twenty. Further ones are ignored: choosing between
// 100,000 spellings of a name would take longer than reading the body.
const maxSpellings = 1000

// maxRead is how many fields are kept of all objects nested in one. Further objects
// are read when they are needed: a hostile body may have a hundred thousand.
const maxRead = 500

// reader reads an object, and with it the nested objects with known names, so
// that each byte is read once.
type reader struct {
	in    value
	open  []field // of the objects that are being read
	kept  []field // of those that have been
	links links   // if they are wanted
	deep  bool    // in is nested deeper than maxDepth
}

// readers are reused: their memory is most of what reading a notification takes.
var readers = sync.Pool{New: func() any { return &reader{open: make([]field, 0, 20), kept: make([]field, 0, 40)} }}

// done returns a reader to the pool. Its objects are no longer valid.
func (r *reader) done() {
	if cap(r.kept) <= maxRead {
		*r = reader{open: r.open, kept: r.kept}
		readers.Put(r)
	}
}

// object reads the fields of an object; of any other value it is the zero object.
func (v value) object() object { return new(reader).read(v) }

// read is value.object with this reader, whose earlier objects are no longer valid.
func (r *reader) read(v value) object {
	if !v.isObject() {
		return object{}
	}
	r.in, r.open, r.kept = v, r.open[:0], r.kept[:0]
	kept, _ := r.object(0, 1)
	return object{r, kept}
}

// notification reads a body, and the links in it. Of a list only the links are read.
func (r *reader) notification(v value) object {
	r.links.wanted = true
	if v.isObject() {
		return r.read(v)
	}
	r.in = v
	r.skip(0, 0)
	return object{}
}

// object reads the object that begins at an index and is nested in depth-1 others; end is
// the index after it.
func (r *reader) object(begin, depth int) (kept span, end int) {
	v, outer := r.in, len(r.open)
	tidy := 2 * names // number of fields from which on some must be duplicates
	at := skipBlanks(v, begin+1)
	for v[at] != '}' {
		from, to := at, endOfText(v, at)
		quoted := v[from:to]
		f := field{spelling: span{int32(from + 1), int32(to - 1)}}
		n, asked := plainName(quoted)
		from = skipBlanks(v, skipBlanks(v, to)+1) // over the colon
		r.linkOf(quoted, from)
		switch {
		case v[from] == '{' && asked && len(r.kept) < maxRead && depth < maxDepth:
			f.isRead = true
			f.inner, to = r.object(from, depth+1)
		case v[from] == '{' || v[from] == '[':
			to = r.skip(from, depth)
		default:
			to = endOf(v, from)
		}
		if fields := len(r.open) - outer; asked && fields <= maxSpellings {
			f.name, f.value = n, span{int32(from), int32(to)}
			r.open = append(r.open, f)
			if fields+1 == tidy {
				left := r.lastOfEach(r.open[outer:])
				r.open = r.open[:outer+len(left)]
				tidy = max(tidy, 2*len(left))
			}
		}
		if at = skipBlanks(v, to); v[at] == ',' {
			at = skipBlanks(v, at+1)
		}
	}
	before := len(r.kept)
	r.kept = append(r.kept, r.unique(r.open[outer:])...)
	r.open = r.open[:outer]
	return span{int32(before), int32(len(r.kept))}, at + 1
}

// unique returns one field of each name. Of several spellings a non-empty one
// is preferred, then the first in alphabetical order, so that the same body is
// always read the same.
func (r *reader) unique(fields []field) []field {
	if !ambiguous(fields) {
		return fields
	}
	fields = r.lastOfEach(fields)
	left := fields[:0]
	for _, f := range fields {
		switch last := len(left) - 1; {
		case last < 0 || left[last].name != f.name:
			left = append(left, f)
		case r.valueOf(left[last]).empty():
			left[last] = f
		}
	}
	return left
}

// lastOfEach returns one field of each spelling, in order of names and spellings: the
// last one, as encoding/json does.
func (r *reader) lastOfEach(fields []field) []field {
	slices.SortStableFunc(fields, func(a, b field) int {
		return cmp.Or(cmp.Compare(a.name, b.name), strings.Compare(r.spellingOf(a), r.spellingOf(b)))
	})
	left := fields[:0]
	for i, f := range fields {
		if i+1 == len(fields) || fields[i+1].name != f.name || r.spellingOf(fields[i+1]) != r.spellingOf(f) {
			left = append(left, f)
		}
	}
	return left
}

// ambiguous says whether a name occurs twice.
func ambiguous(fields []field) bool {
	seen := uint64(0)
	for _, f := range fields {
		if seen&(1<<f.name) != 0 {
			return true
		}
		seen |= 1 << f.name
	}
	return false
}

func (r *reader) spellingOf(f field) string {
	return unescaped(r.in[f.spelling.from-1 : f.spelling.to+1])
}

func (r *reader) valueOf(f field) value { return r.in[f.value.from:f.value.to] }

// empty says whether the value is null or an empty text.
func (v value) empty() bool { return !v.isObject() && !v.isList() && v.text() == "" }

func (o object) isNone() bool { return o.r == nil }

// find is the field of a plain name; nil where there is none.
func (o object) find(n name) *field {
	if o.isNone() {
		return nil
	}
	fields := o.r.kept[o.kept.from:o.kept.to]
	for i := range fields {
		if fields[i].name == n {
			return &fields[i]
		}
	}
	return nil
}

func (o object) value(n name) value {
	if f := o.find(n); f != nil {
		return o.r.valueOf(*f)
	}
	return ""
}

func (o object) node(n name) object {
	f := o.find(n)
	switch {
	case f == nil:
		return object{}
	case f.isRead:
		return object{o.r, f.inner}
	}
	return o.r.valueOf(*f).object()
}

func (o object) or(other object) object {
	if o.isNone() {
		return other
	}
	return o
}

func (o object) text(n name) string { return o.value(n).text() }

// texts reads a list of strings, or of objects with an id, up to limit of them.
func (o object) texts(n name, limit int) []string {
	var out []string
	var r reader
	o.value(n).each(func(v value) bool {
		s := v.text()
		if v.isObject() {
			s = r.read(v).text(fID)
		}
		if s != "" {
			out = append(out, s)
		}
		return len(out) < limit
	})
	return out
}
