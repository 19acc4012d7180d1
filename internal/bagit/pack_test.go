package bagit_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"fonoteka/internal/bagit"
	"fonoteka/internal/testenv"
)

// texts are what a zip of the tests compresses.
func texts(path string) bool { return !strings.HasSuffix(path, ".mp3") }

var packOpts = bagit.PackOptions{Folder: "case-17", Deflate: texts}

func pack(t testing.TB, write func(context.Context, io.Writer, string, bagit.PackOptions) error, dir string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(t.Context(), &b, dir, packOpts); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPackedBagIsClosedAndValid(t *testing.T) {
	t.Parallel()
	dir := makeBag(t, content)
	for name, c := range map[string]struct {
		write func(context.Context, io.Writer, string, bagit.PackOptions) error
		open  openArchive
	}{"zip": {bagit.WriteZip, bagit.OpenZip}, "tar": {bagit.WriteTar, bagit.OpenTar}} {
		b := pack(t, c.write, dir)
		if r := validateArchive(t, c.open, b, bagit.Options{Closed: true}); len(r.Findings) > 0 || r.PayloadFiles != 5 {
			t.Errorf("%s: %v", name, r.Findings)
		}
		if !bytes.Equal(b, pack(t, c.write, dir)) {
			t.Errorf("%s: the same folder gives another archive", name)
		}
	}
}

// The local headers say it all, so that a zip can be read as a stream.
func TestLocalHeadersHaveSizeAndCRC(t *testing.T) {
	t.Parallel()
	b := pack(t, bagit.WriteZip, makeBag(t, content))
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		if f.Flags&8 != 0 {
			t.Errorf("%s has its size behind it", f.Name)
		}
		if want := map[bool]uint16{true: zip.Store, false: f.Method}[strings.HasSuffix(f.Name, ".mp3")]; f.Method != want {
			t.Errorf("%s is compressed", f.Name)
		}
		if y, m, d := f.Modified.Date(); y != 1980 || m != 1 || d != 1 {
			t.Errorf("%s is of %v", f.Name, f.Modified)
		}
	}
	if !strings.Contains(readZipped(t, z, "case-17/metadata/query.json"), "2026") {
		t.Error("a compressed file is another")
	}
}

func readZipped(t *testing.T, z *zip.Reader, name string) string {
	t.Helper()
	r, err := z.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// foreign runs a program that is not ours.
func foreign(t *testing.T, dir string, args ...string) {
	t.Helper()
	testenv.Need(t, args[0])
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %v\n%.2000s", args, err, out)
	}
}

const pythonZip = `
import sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
assert z.testzip() is None
assert len(z.namelist()) == int(sys.argv[2]), len(z.namelist())
`

func TestForeignProgramsOpenArchives(t *testing.T) {
	t.Parallel()
	bag, dir := makeBag(t, content), t.TempDir()
	writeFile(t, dir, "b.zip", string(pack(t, bagit.WriteZip, bag)))
	writeFile(t, dir, "b.tar", string(pack(t, bagit.WriteTar, bag)))
	foreign(t, dir, "unzip", "-tq", "b.zip")
	foreign(t, dir, "python3", "-c", pythonZip, "b.zip", "14")
	foreign(t, dir, "bsdtar", "-tf", "b.zip")
	foreign(t, dir, "tar", "-xf", "b.tar")
	foreign(t, filepath.Join(dir, "case-17"), "sha512sum", "-c", "--strict", "--quiet", "manifest-sha512.txt", "tagmanifest-sha512.txt")
}

// 70,000 files are more than a zip without zip64 can have.
func TestSeventyThousandFilesInOneZip(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("70,000 files")
	}
	const files = 70_000
	dir := t.TempDir()
	var one string
	for i := range files {
		folder := filepath.Join(dir, "data", fmt.Sprint(i/1000))
		if i%1000 == 0 {
			if err := os.MkdirAll(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			one = filepath.Join(t.TempDir(), "one") // a file has 65,000 links at most
			writeFile(t, filepath.Dir(one), "one", "x")
		}
		if err := os.Link(one, filepath.Join(folder, fmt.Sprintf("%d.mp3", i))); err != nil { // quicker than files of their own
			t.Fatal(err)
		}
	}
	writeFile(t, dir, "tagmanifest-sha256.txt", "") // it looks finished, which is enough here: syncing each file is not what is tested
	to := t.TempDir()
	f, err := os.Create(filepath.Join(to, "b.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := bagit.WriteZip(t.Context(), f, dir, packOpts); err != nil {
		t.Fatal(err)
	}
	foreign(t, to, "python3", "-c", pythonZip, "b.zip", fmt.Sprint(files+1))
	foreign(t, to, "unzip", "-tqq", "b.zip")
	foreign(t, to, "bsdtar", "-tf", "b.zip")
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	s, err := bagit.OpenZip(f, info.Size(), bagit.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	if err := s.Walk(func(bagit.Entry) error { seen++; return nil }); err != nil || seen != files+1 {
		t.Errorf("we see %d files: %v", seen, err)
	}
	if r, err := bagit.Validate(t.Context(), s, bagit.Options{}); err != nil || r.Has(bagit.ArchiveForm) {
		t.Errorf("the form of the zip: %v, %v", r.Findings[:1], err)
	}
}

// sparseFile leaves out blocks of zeros, so that a zip of gigabytes takes no room.
type sparseFile struct{ *os.File }

func (s sparseFile) Write(b []byte) (int, error) {
	if len(bytes.TrimLeft(b, "\x00")) > 0 {
		return s.File.Write(b)
	}
	_, err := s.Seek(int64(len(b)), io.SeekCurrent)
	return len(b), err
}

// Beyond 4 GiB, both of one file and of the place of another; some 40 s, by hand.
func TestMoreThanFourGigabytesInOneZip(t *testing.T) {
	t.Parallel()
	if os.Getenv("FONOTEKA_TEST_LARGE") == "" {
		t.Skip("set FONOTEKA_TEST_LARGE=1: reads 5 GiB several times")
	}
	dir, to := t.TempDir(), t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, dir, "data/a.mp3", "a")
	writeFile(t, dir, "data/z.mp3", "z")
	writeFile(t, dir, "tagmanifest-sha256.txt", "")
	writeFile(t, dir, "data/large.mp3", "")
	if err := os.Truncate(filepath.Join(dir, "data/large.mp3"), 5<<30); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(to, "b.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := bagit.WriteZip(t.Context(), sparseFile{f}, dir, packOpts); err != nil {
		t.Fatal(err)
	}
	foreign(t, to, "python3", "-c", pythonZip, "b.zip", "4")
	foreign(t, to, "unzip", "-tqq", "b.zip")
	foreign(t, to, "bsdtar", "-tf", "b.zip")
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	s, err := bagit.OpenZip(f, info.Size(), bagit.Limits{Inflate: 1 << 40})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := bagit.Validate(t.Context(), s, bagit.Options{}); err != nil || r.Has(bagit.ArchiveForm) {
		t.Errorf("the form of the zip: %v, %v", r.Findings, err)
	}
}

func TestLongNamesGoIntoATar(t *testing.T) {
	t.Parallel()
	long := "data/" + strings.Repeat("очень-длинное-имя/", 10) + strings.Repeat("x", 120) + ".mp3"
	dir := makeBag(t, map[string]string{long: "x"})
	b := pack(t, bagit.WriteTar, dir)
	r := tar.NewReader(bytes.NewReader(b))
	found := false
	for {
		h, err := r.Next()
		if err != nil {
			break
		}
		found = found || h.Name == "case-17/"+long
	}
	if !found {
		t.Error("the name is not there")
	}
	if r := validateArchive(t, bagit.OpenTar, b, bagit.Options{Closed: true}); len(r.Findings) > 0 {
		t.Errorf("findings: %v", r.Findings)
	}
}

func TestWhatIsNoFinishedBagIsNotPacked(t *testing.T) {
	t.Parallel()
	unfinished := t.TempDir()
	writeFile(t, unfinished, "bagit.txt", "x")
	linked := makeBag(t, content)
	if err := os.Symlink("calls.jsonl", filepath.Join(linked, "data/link")); err != nil {
		t.Fatal(err)
	}
	whole := makeBag(t, content)
	for name, c := range map[string]struct{ dir, folder string }{
		"unfinished": {unfinished, "b"}, "a link": {linked, "b"}, "no folder": {filepath.Join(unfinished, "none"), "b"},
		"a way out": {whole, ".."}, "two folders": {whole, "a/b"}, "no name": {whole, ""},
	} {
		for _, write := range []func(context.Context, io.Writer, string, bagit.PackOptions) error{bagit.WriteZip, bagit.WriteTar} {
			if err := write(t.Context(), io.Discard, c.dir, bagit.PackOptions{Folder: c.folder}); err == nil {
				t.Errorf("%s was packed", name)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := bagit.WriteZip(ctx, io.Discard, whole, packOpts); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// growing makes a file longer when the archive has got so far.
type growing struct {
	io.Writer
	grow func()
}

func (g *growing) Write(b []byte) (int, error) {
	if g.grow != nil {
		g.grow()
		g.grow = nil
	}
	return g.Writer.Write(b)
}

func TestAFileThatChangesIsAnError(t *testing.T) {
	t.Parallel()
	for _, write := range []func(context.Context, io.Writer, string, bagit.PackOptions) error{bagit.WriteZip, bagit.WriteTar} {
		dir := makeBag(t, content)
		to := &growing{io.Discard, func() { writeFile(t, dir, "metadata/query.json", "another") }}
		if err := write(t.Context(), to, dir, packOpts); err == nil || !strings.Contains(err.Error(), "changed") {
			t.Errorf("error %v", err)
		}
	}
}
