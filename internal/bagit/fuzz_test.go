package bagit

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// known is a Source that fails the test where something is opened that it did not name.
type known struct {
	t     *testing.T
	files map[string]string
}

func (k known) Walk(fn func(Entry) error) error {
	for path, text := range k.files {
		if err := fn(Entry{Path: path, Size: int64(len(text))}); err != nil {
			return err
		}
	}
	return nil
}

func (k known) Open(path string) (io.ReadCloser, error) {
	text, ok := k.files[path]
	if !ok {
		k.t.Fatalf("opened %q, which is not in the bag", path)
	}
	return io.NopCloser(strings.NewReader(text)), nil
}

var fuzzVersions = []version{{0, 93}, {0, 96}, {0, 97}, {1, 0}}

// Whatever a manifest says: no panic, nothing is opened that is not in the bag, nothing
// unsafe is taken for a file, and a line in the form of a Writer is written as it was read.
func FuzzManifest(f *testing.F) {
	digest := strings.Repeat("0a", 16)
	for _, s := range []string{
		digest + "  data/x\n", digest + " *./data/x\r\n", digest + "\tdata/a%0Ab%25\r", digest + " ../x", digest + "  \x00", "\xef\xbb\xbf" + digest + " data/x",
		"\xfe\xff\x00a\x00 \x00b", strings.ToUpper(digest) + " C:\\x\n", digest + " data/й\n" + digest + " data/Й\n",
	} {
		f.Add(s, 3, "UTF-8")
		f.Add(s, 2, "UTF-16")
	}
	f.Fuzz(func(t *testing.T, text string, v int, encoding string) {
		ver := fuzzVersions[uint(v)%uint(len(fuzzVersions))]
		for l := range strings.Lines(text) {
			l = strings.TrimRight(l, "\r\n")
			e, problem := parseEntry(l, ver, 16)
			if problem == "" && ver == fuzzVersions[3] && e.canonical() && entryLine([]byte(e.digest), e.path) != l+"\n" {
				t.Errorf("%q is canonical and is written as %q", l, entryLine([]byte(e.digest), e.path))
			}
		}
		files := map[string]string{
			"bagit.txt": "BagIt-Version: " + ver.String() + "\nTag-File-Character-Encoding: " + encoding + "\n",
			"data/x":    "x", "data/a%0Ab": "y", "manifest-md5.txt": text, "tagmanifest-md5.txt": text,
		}
		for _, closed := range []bool{false, true} {
			r, err := Validate(context.Background(), known{t, files}, Options{Closed: closed, Limits: Limits{Line: 1000, TagBytes: 4000, Findings: 20}})
			if err != nil {
				t.Fatal(err)
			}
			if r.Valid() && closed {
				t.Error("it has no manifest of SHA-256 and is valid")
			}
		}
	})
}

// What is read from bag-info.txt and can be written reads back as it was.
func FuzzInfo(f *testing.F) {
	f.Add("Label: value\n", "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
	f.Add("Label : value\r\n  more\r\tand more\n\n: x\nPayload-Oxum: 1.1", "\xef\xbb\xbfBagIt-Version: 0.97\rTag-File-Character-Encoding: UTF-16")
	f.Fuzz(func(t *testing.T, info, declaration string) {
		found := &findings{limit: 10}
		d := parseDeclaration(strings.NewReader(declaration), found)
		if !versions[d.version] || d.encoding == "" {
			t.Errorf("declaration %+v", d)
		}
		fields := readFields(t, info)
		if slices.ContainsFunc(fields, func(f Field) bool { return f.Check() != nil }) {
			return
		}
		var b bytes.Buffer
		if err := writeInfo(&b, fields); err != nil {
			t.Fatal(err)
		}
		if again := readFields(t, b.String()); !slices.Equal(fields, again) {
			t.Errorf("%q was read as %q, written as %q, read again as %q", info, fields, b.String(), again)
		}
		for _, f := range fields {
			if o, ok := parseOxum(f.Value); ok && (o.bytes < 0 || o.files < 0) {
				t.Errorf("oxum %v of %q", o, f.Value)
			}
		}
	})
}

func readFields(t *testing.T, text string) []Field {
	t.Helper()
	r := &infoReader{name: infoFile, v: version{1, 0}, f: &findings{limit: 10}}
	if _, err := readLines(strings.NewReader(text), nil, 1<<16, r.line); err != nil && !errors.Is(err, errLineTooLong) {
		t.Fatal(err)
	}
	return r.end()
}

// Whatever fetch.txt says: no panic, and what it names is only compared.
func FuzzFetch(f *testing.F) {
	for _, s := range []string{"http://a/x 1 data/x\n", "http://a/x\t-\t../x\r\n", "http://a/x - data/a%0Ab", "x", "http://a/x -1 /x\n", "a: 99999999999999999999 ~x"} {
		f.Add(s, 3)
	}
	f.Fuzz(func(t *testing.T, text string, v int) {
		ver := fuzzVersions[uint(v)%uint(len(fuzzVersions))]
		for l := range strings.Lines(text) {
			item, problem := parseFetch(strings.TrimRight(l, "\r\n"), ver)
			if problem == "" && (item.length < -1 || strings.ContainsAny(item.url, " \t")) {
				t.Errorf("%q was read as %+v", l, item)
			}
		}
		files := map[string]string{
			"bagit.txt":        "BagIt-Version: " + ver.String() + "\nTag-File-Character-Encoding: UTF-8\n",
			"manifest-md5.txt": strings.Repeat("00", 16) + " data/x\n", fetchFile: text,
		}
		r, err := Validate(context.Background(), known{t, files}, Options{Limits: Limits{Line: 1000, TagBytes: 4000, Findings: 20}})
		if err != nil {
			t.Fatal(err)
		}
		if r.Valid() {
			t.Error("a file is missing, and the bag is valid")
		}
	})
}
