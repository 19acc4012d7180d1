package bagit_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/bagit"
)

// zipOf writes a zip whose local headers have sizes and CRC, stored.
func zipOf(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		zipStored(t, w, name, files[name])
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zipStored(t testing.TB, w *zip.Writer, name, text string) {
	t.Helper()
	size := uint64(len(text))
	to, err := w.CreateRaw(&zip.FileHeader{Name: name, Method: zip.Store, CRC32: crc32.ChecksumIEEE([]byte(text)), CompressedSize64: size, UncompressedSize64: size})
	if err == nil {
		_, err = io.WriteString(to, text)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func tarOf(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Size: int64(len(files[name])), Mode: 0o600})
		if err == nil {
			_, err = io.WriteString(w, files[name])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// inFolder are files of a bag as an archive has them.
func inFolder(prefix string, files map[string]string) map[string]string {
	moved := map[string]string{}
	for name, text := range files {
		moved[prefix+name] = text
	}
	return moved
}

type openArchive func(io.ReaderAt, int64, bagit.Limits) (*bagit.ArchiveSource, error)

func validateArchive(t testing.TB, open openArchive, b []byte, opts bagit.Options) *bagit.Report {
	t.Helper()
	src, err := open(bytes.NewReader(b), int64(len(b)), opts.Limits)
	if err != nil {
		t.Fatal(err)
	}
	r, err := bagit.Validate(context.Background(), src, opts)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestArchivesAreReadInPlace(t *testing.T) {
	t.Parallel()
	files := tree(t, makeBag(t, content))
	var streamed bytes.Buffer
	w := zip.NewWriter(&streamed)
	for name, text := range inFolder("пакет 1/", files) { // deflated, with descriptors, in any order
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
	for name, c := range map[string]struct {
		open openArchive
		b    []byte
	}{
		"zip, stored":       {bagit.OpenZip, zipOf(t, inFolder("bag/", files))},
		"zip, streamed":     {bagit.OpenZip, streamed.Bytes()},
		"tar":               {bagit.OpenTar, tarOf(t, inFolder("bag/", files))},
		"tar with ./":       {bagit.OpenTar, tarOf(t, inFolder("./bag/", files))},
		"tar, long names":   {bagit.OpenTar, tarOf(t, inFolder(strings.Repeat("длинное имя ", 30)+"/", files))},
		"tar, whole record": {bagit.OpenTar, append(tarOf(t, inFolder("bag/", files)), make([]byte, 10240)...)},
	} {
		for _, parallel := range []int{1, 3} {
			r := validateArchive(t, c.open, c.b, bagit.Options{Closed: true, Parallel: parallel})
			if len(r.Findings) > 0 || r.PayloadFiles != 5 || r.PayloadBytes != 300_011 {
				t.Errorf("%s: %v, %d files", name, r.Findings, r.PayloadFiles)
			}
		}
	}
}

// A tar of tar itself, in its formats: names of Cyrillic letters, folders as members.
func TestArchivesOfTar(t *testing.T) {
	t.Parallel()
	dir := makeBag(t, content)
	for _, format := range []string{"gnu", "pax", "ustar", "v7"} {
		for _, name := range []string{"bag", "./bag"} {
			b, err := exec.Command("tar", "--format="+format, "-C", filepath.Dir(dir), "-cf", "-", name).Output()
			if err != nil {
				t.Fatal(err)
			}
			if r := validateArchive(t, bagit.OpenTar, b, bagit.Options{Closed: true}); len(r.Findings) > 0 || r.PayloadFiles != 5 {
				t.Errorf("%s, %s: %v", format, name, r.Findings)
			}
		}
	}
}

func TestBagAtTheTopOfAnArchive(t *testing.T) {
	t.Parallel()
	files := tree(t, makeBag(t, content))
	for name, r := range map[string]func(opts bagit.Options) *bagit.Report{
		"zip": func(o bagit.Options) *bagit.Report { return validateArchive(t, bagit.OpenZip, zipOf(t, files), o) },
		"tar": func(o bagit.Options) *bagit.Report { return validateArchive(t, bagit.OpenTar, tarOf(t, files), o) },
	} {
		if got := r(bagit.Options{}); !got.Valid() || codes(got, bagit.Warning) != "archive-form" {
			t.Errorf("%s, foreign: %v", name, got.Findings)
		}
		if got := r(bagit.Options{Closed: true}); codes(got, bagit.Error) != "archive-form" {
			t.Errorf("%s, closed: %v", name, got.Findings)
		}
	}
}

// However an archive is cut off: it is not valid, and that is said of the archive.
func TestCutArchivesAreNamed(t *testing.T) {
	t.Parallel()
	files := inFolder("bag/", tree(t, makeBag(t, map[string]string{"data/a": "abc", "metadata/b.json": "{}"})))
	for name, c := range map[string]struct {
		open openArchive
		b    []byte
	}{"zip": {bagit.OpenZip, zipOf(t, files)}, "tar": {bagit.OpenTar, tarOf(t, files)}} {
		if r := validateArchive(t, c.open, c.b, bagit.Options{Closed: true}); !r.Valid() {
			t.Fatalf("%s, whole: %v", name, r.Findings)
		}
		for n := 0; n < len(c.b); n += 1 + len(c.b)/2500 { // a tar is mostly zeros
			r := validateArchive(t, c.open, c.b[:n], bagit.Options{Closed: true})
			if !r.Has(bagit.ArchiveForm) || r.Valid() {
				t.Fatalf("%s cut after %d of %d bytes: %v", name, n, len(c.b), r.Findings)
			}
		}
	}
}

// Whatever byte is changed: a bag that is still valid has the content that it had.
func TestChangedArchivesHideNothing(t *testing.T) {
	t.Parallel()
	files := tree(t, makeBag(t, map[string]string{"data/a": "abc", "metadata/b.json": "{}"}))
	for name, c := range map[string]struct {
		open openArchive
		b    []byte
	}{"zip": {bagit.OpenZip, zipOf(t, inFolder("bag/", files))}, "tar": {bagit.OpenTar, tarOf(t, inFolder("bag/", files))}} {
		for i := 0; i < len(c.b); i += 1 + len(c.b)/2500 {
			b := slices.Clone(c.b)
			b[i] ^= 1 << (i % 8)
			src, err := c.open(bytes.NewReader(b), int64(len(b)), bagit.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			r, err := bagit.Validate(context.Background(), src, bagit.Options{Closed: true})
			if err != nil {
				t.Fatal(err)
			}
			if !r.Valid() {
				continue
			}
			for path, want := range files {
				f, err := src.Open(path)
				if err != nil {
					t.Fatalf("%s, byte %d: %v", name, i, err)
				}
				if got, err := io.ReadAll(f); err != nil || string(got) != want && path != "tagmanifest-sha256.txt" {
					t.Errorf("%s, byte %d: %s has %q, %v", name, i, path, got, err)
				}
			}
		}
	}
}

func TestHostileMembers(t *testing.T) {
	t.Parallel()
	files := inFolder("bag/", tree(t, makeBag(t, content)))
	hostile := []string{"../x", "/etc/x", "bag/../../x", `bag\x`, "other/x", "bag/C:x", "bag/~x", "bag//x", "loose"}
	want := []string{
		"archive-form loose", "archive-form other/x", "path-absolute /etc/x", "path-absolute /x", `path-backslash bag\x`, "path-drive C:x", "path-home ~x",
		"path-traversal ../../x", "path-traversal ../x", "symbolic-link data/link",
	}
	var z, tr bytes.Buffer
	zw, tw := zip.NewWriter(&z), tar.NewWriter(&tr)
	for _, name := range append(slices.Sorted(maps.Keys(files)), hostile...) {
		zipStored(t, zw, name, files[name])
		tw.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Size: int64(len(files[name]))})
		io.WriteString(tw, files[name])
	}
	link := &zip.FileHeader{Name: "bag/data/link"}
	link.SetMode(fs.ModeSymlink | 0o777)
	to, _ := zw.CreateHeader(link)
	io.WriteString(to, "/etc/passwd")
	tw.WriteHeader(&tar.Header{Name: "bag/data/link", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"})
	zw.Close()
	tw.Close()
	for name, r := range map[string]*bagit.Report{
		"zip": validateArchive(t, bagit.OpenZip, z.Bytes(), bagit.Options{Closed: true}),
		"tar": validateArchive(t, bagit.OpenTar, tr.Bytes(), bagit.Options{Closed: true}),
	} {
		if diff := cmp.Diff(want, found(r, bagit.Error)); diff != "" {
			t.Errorf("%s: want -, got +:\n%s", name, diff)
		}
	}
}

func TestDamagedTarsAreNamed(t *testing.T) {
	t.Parallel()
	whole := tarOf(t, inFolder("bag/", tree(t, makeBag(t, content))))
	for name, b := range map[string][]byte{
		"something behind it": append(slices.Clone(whole), "hidden"...),
		"another tar":         append(slices.Clone(whole), whole...),
		"no end":              whole[:len(whole)-1024],
		"half an end":         whole[:len(whole)-512],
		"no tar":              []byte(strings.Repeat("hello", 1000)),
		"empty":               nil,
	} {
		if r := validateArchive(t, bagit.OpenTar, b, bagit.Options{Closed: true}); !r.Has(bagit.ArchiveForm) || r.Valid() {
			t.Errorf("%s: %v", name, r.Findings)
		}
	}
}

func TestArchivesOfTooManyMembers(t *testing.T) {
	t.Parallel()
	files := map[string]string{"bag/bagit.txt": declared("1.0", "UTF-8")}
	for i := range 6000 {
		files[fmt.Sprintf("bag/data/%d", i)] = ""
	}
	limits := bagit.Limits{Files: 10}
	for name, c := range map[string]struct {
		r    *bagit.Report
		left int // members that are looked at: the directory of a zip is not read at all
	}{
		"zip": {validateArchive(t, bagit.OpenZip, zipOf(t, files), bagit.Options{Limits: limits}), 0},
		"tar": {validateArchive(t, bagit.OpenTar, tarOf(t, files), bagit.Options{Limits: limits}), 9},
	} {
		if !c.r.Has(bagit.LimitExceeded) || c.r.Valid() || c.r.PayloadFiles != c.left {
			t.Errorf("%s: %d files, %v", name, c.r.PayloadFiles, c.r.Findings)
		}
	}
}

// What is wrong with an archive counts beyond the limit of findings too.
func TestFindingsOfArchivesAreCounted(t *testing.T) {
	t.Parallel()
	files := inFolder("bag/", tree(t, makeBag(t, content)))
	for i := range 30 {
		files[fmt.Sprintf("loose%d", i)] = ""
	}
	r := validateArchive(t, bagit.OpenZip, zipOf(t, files), bagit.Options{Limits: bagit.Limits{Findings: 5}})
	if len(r.Findings) != 5 || r.Dropped != 25 || r.Valid() {
		t.Errorf("%d findings, %d dropped, valid %v", len(r.Findings), r.Dropped, r.Valid())
	}
}
