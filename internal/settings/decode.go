package settings

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// decoder fills the file's structs from YAML. The library's own decoder stops at the
// first mistake, and speaks of Go's types; this one reports all of them, each with its
// line, and notes the line of every key for what is found wrong later.
type decoder struct {
	p       *problems
	anchors map[string]ast.Node
}

// decode reads raw into f. It reports false where raw is no YAML at all, so that
// nothing is known of what it was meant to say.
func decode(raw []byte, f *file, p *problems) bool {
	parsed, err := parser.ParseBytes(raw, 0)
	if err != nil {
		at, why := p.file, err.Error()
		if syntax, ok := errors.AsType[*yaml.SyntaxError](err); ok { // without the lines around it, which may hold secrets
			why = syntax.Message
			if syntax.Token != nil {
				at = fmt.Sprintf("%s:%d", p.file, syntax.Token.Position.Line)
			}
		}
		p.add("%s: it cannot be read as YAML: %s", at, why)
		return false
	}
	d := &decoder{p: p, anchors: map[string]ast.Node{}}
	bodies := 0
	for _, doc := range parsed.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.NullType || doc.Body.Type() == ast.CommentType {
			continue
		}
		if bodies++; bodies > 1 {
			p.add("%s:%d: a second document (---) is not read: one file has one", p.file, line(doc.Body))
			break
		}
		ast.Walk(d, doc.Body)
		d.section(doc.Body, reflect.ValueOf(f).Elem(), "")
	}
	return true
}

// Visit notes the anchors.
func (d *decoder) Visit(n ast.Node) ast.Visitor {
	if a, ok := n.(*ast.AnchorNode); ok {
		d.anchors[a.Name.GetToken().Value] = a.Value
	}
	return d
}

// resolve is what stands behind anchors, aliases and tags; nil where nothing does.
func (d *decoder) resolve(n ast.Node) ast.Node {
	for range 100 { // an alias may name itself
		switch at := n.(type) {
		case *ast.AnchorNode:
			n = at.Value
		case *ast.AliasNode:
			n = d.anchors[at.Value.GetToken().Value]
		case *ast.TagNode:
			n = at.Value
		case *ast.NullNode, nil:
			return nil
		default:
			return n
		}
	}
	return nil
}

func line(n ast.Node) int {
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 {
		n = m.Values[0].Key
	}
	if t := n.GetToken(); t != nil {
		return t.Position.Line
	}
	return 0
}

// value reads one value into v. What is empty says nothing.
func (d *decoder) value(n ast.Node, v reflect.Value, key string) {
	if n = d.resolve(n); n == nil {
		return
	}
	switch v.Kind() {
	case reflect.String:
		text, ok := scalar(n)
		if !ok {
			d.p.key(key, "one value is wanted here, not a list or a section")
			return
		}
		v.SetString(text)
	case reflect.Slice:
		d.list(n, v, key)
	case reflect.Map:
		for _, pair := range d.pairs(n, key) {
			name, element := pair.name, reflect.New(v.Type().Elem()).Elem()
			d.value(pair.value, element, join(key, name))
			if v.IsNil() {
				v.Set(reflect.MakeMap(v.Type()))
			}
			v.SetMapIndex(reflect.ValueOf(name), element)
		}
	default:
		d.section(n, v, key)
	}
}

func scalar(n ast.Node) (string, bool) {
	switch at := n.(type) {
	case *ast.StringNode:
		return at.Value, true
	case *ast.LiteralNode:
		return at.Value.Value, true
	case ast.ScalarNode:
		return at.GetToken().Value, true // as it was written: 0600 stays 0600
	}
	return "", false
}

// list reads the elements of a list.
func (d *decoder) list(n ast.Node, v reflect.Value, key string) {
	all, ok := n.(*ast.SequenceNode)
	if !ok {
		d.p.key(key, "a list is wanted here: [one, another], or lines that begin with a dash")
		return
	}
	for i, each := range all.Values {
		at := fmt.Sprintf("%s #%d", key, i+1)
		d.p.lines[at] = line(d.orNull(each))
		element := reflect.New(v.Type().Elem()).Elem()
		d.value(each, element, at)
		if f, ok := element.Addr().Interface().(*fileIntegration); ok {
			f.at = at
		}
		v.Set(reflect.Append(v, element))
	}
}

func (d *decoder) orNull(n ast.Node) ast.Node {
	if there := d.resolve(n); there != nil {
		return there
	}
	return n
}

// pair is a key of a section with its value.
type pair struct {
	name  string
	line  int
	value ast.Node
}

// pairs are the keys of a section, with those that it merges (<<) where it has none of
// the same name.
func (d *decoder) pairs(n ast.Node, key string) (all []pair) {
	m, ok := n.(ast.MapNode)
	if !ok {
		where := "a section"
		if key == "" {
			where, key = "a list of settings", "the file"
		}
		d.p.key(key, "%s is wanted here, with lines of the form key: value", where)
		return nil
	}
	var merged []pair
	for iter := m.MapRange(); iter.Next(); {
		if iter.KeyValue().Key.IsMergeKey() {
			merged = append(merged, d.merged(iter.Value(), key)...)
			continue
		}
		name, _ := scalar(d.orNull(iter.Key()))
		all = append(all, pair{name, line(iter.Key()), iter.Value()})
	}
	for _, m := range merged {
		if !slices.ContainsFunc(all, func(own pair) bool { return own.name == m.name }) {
			all = append(all, m)
		}
	}
	return all
}

func (d *decoder) merged(n ast.Node, key string) (all []pair) {
	n = d.resolve(n)
	if list, ok := n.(*ast.SequenceNode); ok {
		for _, each := range list.Values {
			all = append(all, d.pairs(d.resolve(each), key)...)
		}
		return all
	}
	return d.pairs(n, key)
}

// section reads the keys of a section into the fields of a struct. A key that is not
// known is reported and, where it is near one that is, read as that one: so its value is
// checked, too, and the right key is not called missing.
func (d *decoder) section(n ast.Node, v reflect.Value, at string) {
	fields := map[string]reflect.Value{}
	names := fieldsOf(v, fields)
	all := d.pairs(n, at)
	for _, each := range all {
		key := join(at, each.name)
		d.p.lines[key] = each.line
		field, known := fields[each.name]
		if !known {
			meant := nearest(each.name, names)
			d.p.key(key, "this key is not known%s", d.hint(at, each.name, meant))
			if meant == "" || slices.ContainsFunc(all, func(other pair) bool { return other.name == meant }) {
				continue
			}
			key, field = join(at, meant), fields[meant]
			d.p.lines[key] = each.line
		}
		d.value(each.value, field, key)
	}
}

// hint says what may have been meant by a key that is not known: a key of the same
// section, or the same setting where it stands.
func (d *decoder) hint(at, name, meant string) string {
	flag := strings.ReplaceAll(name, "_", "-")
	elsewhere, sectioned := sections[flag]
	switch {
	case sectioned && at == "":
		section, key, _ := strings.Cut(elsewhere, ": ")
		return fmt.Sprintf(": did you mean %s in the section %s?", key, section)
	case meant != "":
		return ": did you mean " + meant + "?"
	case at == "" && slices.Contains(perIntegration, flag):
		return ": it stands beside each integration's redirect_uri, below integrations"
	}
	return ""
}

func join(section, key string) string {
	if section == "" {
		return key
	}
	return section + ": " + key
}

// fieldsOf finds the fields of a struct by their keys, those of inline ones among them,
// and returns the keys in their order.
func fieldsOf(v reflect.Value, into map[string]reflect.Value) (names []string) {
	for i := range v.NumField() {
		switch tag := v.Type().Field(i).Tag.Get("yaml"); tag {
		case "":
		case ",inline":
			names = append(names, fieldsOf(v.Field(i), into)...)
		default:
			into[tag] = v.Field(i)
			names = append(names, tag)
		}
	}
	return names
}
