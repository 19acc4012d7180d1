package mtt

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// tree is an object as it is read by encoding/json, whole: what object must agree with.
type tree map[string]any

func treeOf(t testing.TB, v value) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(v)))
	d.UseNumber()
	var whole any
	if err := d.Decode(&whole); err != nil {
		t.Fatalf("%q was taken for valid JSON: %v", v, err)
	}
	return plainTree(whole)
}

// plainTree gives each object the plain names of its fields.
func plainTree(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = plainTree(v[i])
		}
	case map[string]any:
		o := tree{}
		for _, spelling := range slices.Sorted(maps.Keys(v)) {
			name := strings.Map(plainLetter, spelling)
			if was, twice := o[name]; slices.Contains(plainNames[:], name) && (!twice || emptyTree(was)) {
				o[name] = plainTree(v[spelling])
			}
		}
		return o
	}
	return v
}

func plainLetter(c rune) rune {
	switch {
	case c == '_':
		return -1
	case 'A' <= c && c <= 'Z':
		return c + 'a' - 'A'
	}
	return c
}

func emptyTree(v any) bool {
	switch v.(type) {
	case tree, []any:
		return false
	}
	return treeText(v) == ""
}

func treeText(v any) string {
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v)
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// agree compares what is read of a value with the tree of it.
func agree(t *testing.T, v value, want any) {
	t.Helper()
	if got := v.text(); got != treeText(want) {
		t.Errorf("text of %q is %q, want %q", v, got, treeText(want))
	}
	list, isList := want.([]any)
	o, isObject := want.(tree)
	if v.isList() != isList || v.isObject() != isObject || v.object().isNone() == isObject {
		t.Errorf("%q: list %v, object %v; want %v, %v", v, v.isList(), v.isObject(), isList, isObject)
		return
	}
	n := 0
	v.each(func(v value) bool {
		if n < len(list) {
			agree(t, v, list[n])
		}
		n++
		return true
	})
	if n != len(list) {
		t.Errorf("%q has %d entries, want %d", v, n, len(list))
	}
	fields := v.object()
	for n, plain := range plainNames {
		switch got := fields.value(name(n)); {
		case emptyTree(o[plain]):
			if len(got) > 0 && !got.empty() {
				t.Errorf("%s of %q is %q, want nothing", plain, v, got)
			}
		case len(got) == 0:
			t.Errorf("%s of %q is missing", plain, v)
		default:
			agree(t, got, o[plain])
		}
	}
	if n := int(fields.kept.to - fields.kept.from); n > len(plainNames) {
		t.Errorf("%q has %d fields", v, n)
	}
}

// FuzzObject holds the reading of objects where they lie against encoding/json.
func FuzzObject(f *testing.F) {
	files, _ := filepath.Glob("testdata/*/*.json")
	if len(files) == 0 {
		f.Fatal("no seeds")
	}
	for _, name := range files {
		body, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	for _, s := range []string{
		`{"id":"a","ID":"b","i_d":"c"}`, `{"id":"","ID":null,"_id":" ","i_d":0}`, `{"ID":"x","id":"y","ID":""}`, `{"id":1,"id":{},"id":[]}`,
		`{"\u0069d":"a\u00e9\n","tag":"\ud800"}`, "{\"id\":\"\xff\xfe\",\"\xff\":1}", ` [ 1 , "]" , {"id" : [ "\"" ]} , true ] x`, `{"a":"}","id":"{"}{`,
		`-1e5`, `"x"`, `null`, ``, `{"ID":[[[{"Id":{}}]]]}`, `{"id_______________________________________":1}`, `{"a":[1,2}`,
	} {
		f.Add([]byte(s))
	}
	f.Add([]byte("{" + strings.Repeat(`"id":1,"ID":"","i_d":"b","tag":{},`, 100) + `"id":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) > 5*maxSpellings {
			return // it may have more fields than are read
		}
		v, rest, err := firstValue(body)
		d := json.NewDecoder(bytes.NewReader(body))
		var any json.RawMessage
		if wantErr := d.Decode(&any); err != nil {
			deep := wantErr == nil && bytes.Count(body, []byte("{"))+bytes.Count(body, []byte("[")) > maxDepth
			scalar := len(any) > 0 && any[0] != '{' && any[0] != '['
			if wantErr == nil && !deep && !scalar {
				t.Fatalf("%q: %v", body, err)
			}
			return
		}
		if !bytes.HasSuffix(body, rest) || len(v)+len(rest) > len(body) {
			t.Fatalf("%q is cut into %q and %q", body, v, rest)
		}
		agree(t, v, treeOf(t, v))
	})
}

func TestTheFirstValueEndsWhereItEnds(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][2]string{
		` {"a":"}"} x`: {`{"a":"}"}`, "x"},
		`[1,[2]]]`:     {`[1,[2]]`, "]"},
		`{}{}`:         {"{}", "{}"},
		"\n 17 \n":     {"17", ""},
	} {
		v, rest, err := firstValue([]byte(body))
		if err != nil || string(v) != want[0] || string(rest) != want[1] {
			t.Errorf("%q: %q, %q, %v", body, v, rest, err)
		}
	}
}
