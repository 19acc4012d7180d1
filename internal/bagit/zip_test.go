package bagit_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/bagit"
)

func TestDamagedZipsAreNamed(t *testing.T) {
	t.Parallel()
	files := inFolder("bag/", tree(t, makeBag(t, map[string]string{"data/a": "abc", "data/b": "abd"})))
	whole := zipOf(t, files)
	local := bytes.Index(whole, []byte("bag/data/a")) - 30 // its header
	directory := bytes.Index(whole, []byte("PK\x01\x02"))
	put := func(at int, value byte) []byte {
		b := slices.Clone(whole)
		b[at] = value
		return b
	}
	insert := func(at int) []byte { return slices.Insert(slices.Clone(whole), at, []byte("hidden")...) }
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"name in the local header":      {put(local+30+9, 'c'), "archive-form bag/data/a"},
		"size in the local header":      {put(local+22, 9), "archive-form bag/data/a"},
		"CRC in the local header":       {put(local+14, whole[local+14]^1), "archive-form bag/data/a"},
		"method in the local header":    {put(local+8, 8), "archive-form bag/data/a"},
		"flags in the local header":     {put(local+6, 1), "archive-form bag/data/a"},
		"content":                       {put(local+40, 'X'), "unreadable data/a"},
		"something behind the header":   {append(slices.Clone(whole), "more"...), "archive-form "},
		"no zip":                        {[]byte("hello"), "archive-form "},
		"empty":                         {nil, "archive-form "},
		"an entry not in the directory": {hiddenEntry(t, files, "bag/data/c"), "archive-form bag/manifest-sha256.txt"},
		"the last entry not in it":      {hiddenEntry(t, files, "bag/zzz"), "archive-form "},
		"CRC in a descriptor":           {changedDescriptor(t, files, 4), "archive-form bag/data/a"},
		"size in a descriptor":          {changedDescriptor(t, files, 12), "archive-form bag/data/a"},
		"an encrypted entry": {
			func() []byte {
				b := put(local+6, 1)
				b[bytes.LastIndex(b, []byte("bag/data/a"))-46+8] = 1
				return b
			}(), "unreadable data/a",
		},
		"something before it":        {insert(0), "archive-form bag/bag-info.txt"},
		"something before directory": {insert(directory), "archive-form bag/bag-info.txt"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := validateArchive(t, bagit.OpenZip, c.b, bagit.Options{Closed: true})
			if got := found(r, bagit.Error); !slices.Contains(got, c.want) {
				t.Errorf("want %q, found %q", c.want, r.Findings)
			}
		})
	}
}

// hiddenEntry is a zip with an entry more, whose line is taken out of the directory.
func hiddenEntry(t *testing.T, files map[string]string, name string) []byte {
	t.Helper()
	all := zipOf(t, mergeFiles(files, map[string]string{name: "hidden"}))
	line := 46 + len(name)
	at := bytes.LastIndex(all, []byte(name)) - 46
	b := slices.Delete(all, at, at+line)
	end := bytes.LastIndex(b, []byte("PK\x05\x06"))
	le := binary.LittleEndian
	le.PutUint16(b[end+8:], le.Uint16(b[end+8:])-1)
	le.PutUint16(b[end+10:], le.Uint16(b[end+10:])-1)
	le.PutUint32(b[end+12:], le.Uint32(b[end+12:])-uint32(line))
	return b
}

// changedDescriptor is a streamed zip in which a byte of the descriptor behind data/a is
// another one.
func changedDescriptor(t *testing.T, files map[string]string, offset int) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		to, err := w.Create(name)
		if err == nil {
			_, err = io.WriteString(to, files[name])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	header := bytes.Index(b.Bytes(), []byte("bag/data/a"))
	at := header + bytes.Index(b.Bytes()[header:], []byte("PK\x07\x08"))
	b.Bytes()[at+offset]++
	return b.Bytes()
}

func mergeFiles(a, b map[string]string) map[string]string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

func TestZipEntriesTwice(t *testing.T) {
	t.Parallel()
	files := inFolder("bag/", tree(t, makeBag(t, content)))
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		zipStored(t, w, name, files[name])
	}
	zipStored(t, w, "bag/data/empty", "another")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r := validateArchive(t, bagit.OpenZip, b.Bytes(), bagit.Options{Closed: true})
	if diff := cmp.Diff([]string{"entry-twice data/empty"}, found(r, bagit.Error)); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
}

// A bomb is neither inflated nor believed.
func TestZipBombs(t *testing.T) {
	t.Parallel()
	files := inFolder("bag/", tree(t, makeBag(t, mergeFiles(content, map[string]string{"data/bomb": strings.Repeat("\x00", 8<<20)}))))
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range files {
		to, err := w.Create(name)
		if err == nil {
			_, err = io.WriteString(to, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if r := validateArchive(t, bagit.OpenZip, b.Bytes(), bagit.Options{}); r.Has(bagit.ArchiveBomb) {
		t.Errorf("within the limit: %v", r.Findings)
	}
	read := 0
	limits := bagit.Limits{Inflate: 1 << 20, Ratio: 100}
	r := validateArchive(t, bagit.OpenZip, b.Bytes(), bagit.Options{Limits: limits, Read: func(n int) { read += n }})
	want := []string{"archive-bomb bag/data/bomb", "payload-oxum-mismatch bag-info.txt", "unreadable data/bomb"}
	if diff := cmp.Diff(want, found(r, bagit.Error)); diff != "" || read > 1<<20 {
		t.Errorf("%d bytes were read, want -, got +:\n%s", read, diff)
	}
	limits = bagit.Limits{Inflate: 8<<20 + 1000, Ratio: 1} // less than all members together
	if r := validateArchive(t, bagit.OpenZip, b.Bytes(), bagit.Options{Limits: limits}); !r.Has(bagit.ArchiveBomb) {
		t.Errorf("together beyond the limit: %v", r.Findings)
	}
	if r := validateArchive(t, bagit.OpenZip, b.Bytes(), bagit.Options{Limits: bagit.Limits{Inflate: 1, Ratio: 1000}}); r.Has(bagit.ArchiveBomb) {
		t.Errorf("within the ratio: %v", r.Findings)
	}
}

// A member that says 3 bytes and inflates to more is cut there.
func TestZipSizesAreNotBelieved(t *testing.T) {
	t.Parallel()
	files := inFolder("bag/", tree(t, makeBag(t, map[string]string{"data/b": "b"})))
	var deflated, b bytes.Buffer
	inner := zip.NewWriter(&deflated)
	to, _ := inner.CreateHeader(&zip.FileHeader{Name: "x", Method: zip.Deflate})
	io.WriteString(to, strings.Repeat("abc", 1000))
	inner.Close()
	z, err := zip.NewReader(bytes.NewReader(deflated.Bytes()), int64(deflated.Len()))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := z.File[0].OpenRaw()
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(&b)
	for name, text := range files {
		if name == "bag/data/b" {
			h := z.File[0].FileHeader
			h.Name, h.UncompressedSize64, h.Flags = name, 3, 0
			to, err := w.CreateRaw(&h)
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(to, raw)
			continue
		}
		zipStored(t, w, name, text)
	}
	w.Close()
	r := validateArchive(t, bagit.OpenZip, b.Bytes(), bagit.Options{Closed: true})
	if got := found(r, bagit.Error); !slices.Contains(got, "unreadable data/b") {
		t.Errorf("findings: %v", r.Findings)
	}
}
