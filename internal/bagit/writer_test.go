package bagit_test

import (
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"

	"fonoteka/internal/bagit"
)

func TestWrittenBagIsClosedAndValid(t *testing.T) {
	t.Parallel()
	dir := makeBag(t, content)
	for _, opts := range []bagit.Options{{}, {Closed: true}, {Closed: true, Parallel: 4}} {
		r := validateFolder(t, dir, opts)
		if !r.Valid() || !r.Complete() || len(r.Findings) > 0 {
			t.Errorf("%+v: %v", opts, r.Findings)
		}
		if r.Version != "1.0" || r.Encoding != "UTF-8" || r.PayloadFiles != 5 || r.PayloadBytes != 300_011 {
			t.Errorf("report %+v", r)
		}
		want := append(slices.Clone(info), bagit.Field{Label: "Payload-Oxum", Value: "300011.5"})
		if diff := cmp.Diff(want, r.Info); diff != "" {
			t.Errorf("bag-info: want -, got +:\n%s", diff)
		}
	}
}

func TestResultHasTheSumOfTheTagManifest(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "bag")
	w := create(t, dir)
	if err := fill(w, content); err != nil {
		t.Fatal(err)
	}
	result, err := w.Finish(info)
	if err != nil {
		t.Fatal(err)
	}
	want := sumOf(readFile(t, dir, "tagmanifest-sha256.txt"))
	if result.TagManifest != want || result.PayloadFiles != 5 || result.PayloadBytes != 300_011 {
		t.Errorf("result %+v, want the sum %+v", result, want)
	}
	r := validateFolder(t, dir, bagit.Options{Closed: true})
	if len(r.TagManifests) != 2 || r.TagManifests[0].Sum != want {
		t.Errorf("the validator's sums: %+v", r.TagManifests)
	}
}

// sha256sum and sha512sum are on every Linux: an outsider needs nothing of ours.
func TestCoreutilsAcceptABag(t *testing.T) {
	t.Parallel()
	dir := makeBag(t, content)
	for _, algorithm := range []string{"sha256", "sha512"} {
		for _, manifest := range []string{"manifest-", "tagmanifest-"} {
			cmd := exec.Command(algorithm+"sum", "-c", "--strict", "--quiet", manifest+algorithm+".txt")
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %v\n%s", cmd.Args, err, out)
			}
		}
	}
}

func TestNamesAreEncodedInManifests(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"data/100%.txt":            "percent",
		"data/a%0Ab":               "looks encoded",
		"data/line\nbreak\r\n.txt": "breaks",
		"data/ space ":             "spaces",
		"data/*star":               "star",
	}
	for _, form := range []norm.Form{norm.NFC, norm.NFD} {
		files["data/"+form.String("зелёный йод")+map[norm.Form]string{norm.NFC: "1", norm.NFD: "2"}[form]] = "cyrillic"
	}
	dir := makeBag(t, files)
	manifest := readFile(t, dir, "manifest-sha512.txt")
	for _, want := range []string{"  data/100%25.txt\n", "  data/a%250Ab\n", "  data/line%0Abreak%0D%0A.txt\n", "  data/ space \n", "  data/*star\n"} {
		if !strings.Contains(manifest, want) {
			t.Errorf("manifest lacks %q", want)
		}
	}
	if r := validateFolder(t, dir, bagit.Options{Closed: true}); len(r.Findings) > 0 {
		t.Errorf("findings: %v", r.Findings)
	}
}

func TestUnsafeNamesAreRefused(t *testing.T) {
	t.Parallel()
	w := create(t, filepath.Join(t.TempDir(), "bag"))
	for _, name := range []string{
		"", "data", "data/", "/etc/passwd", "../x", "data/../../x", "data/./x", "data//x", "./data/x", "~/x", "~root/x",
		`data\x`, `C:\x`, "c:x", `\\server\x`, "//server/x", "data/a\x00b", "data/\xff",
		"bagit.txt", "BagIt.txt", "bag-info.txt", "package-info.txt", "fetch.txt", "manifest-md5.txt", "tagmanifest-sha256.txt", "Data/x",
		" x", "*x", "data/.bagit-X.part", "data/Thumbs.db", strings.Repeat("data/", 70) + "x",
	} {
		if _, err := w.Add(name, strings.NewReader("x"), nil); err == nil {
			t.Errorf("%q was added", name)
		}
		if _, _, err := w.Adopt(name); err == nil {
			t.Errorf("%q was adopted", name)
		}
	}
}

func TestClashingNamesAreRefused(t *testing.T) {
	t.Parallel()
	w := create(t, filepath.Join(t.TempDir(), "bag"))
	add := func(name string) error {
		_, err := w.Add(name, strings.NewReader("x"), nil)
		return err
	}
	for _, name := range []string{"data/a.txt", "data/dir/x", norm.NFC.String("data/йод"), "data/straße"} {
		if err := add(name); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"data/a.txt", "data/A.TXT", "data/a.txt/b", "data/Dir/y", "data/DIR", "data/dir", norm.NFD.String("data/йод"), "data/ЙОД", "data/STRASSE"} {
		if err := add(name); err == nil {
			t.Errorf("%q was added", name)
		}
	}
}

func TestWrongFieldsAreRefused(t *testing.T) {
	t.Parallel()
	for _, f := range []bagit.Field{
		{Label: "", Value: "x"},
		{Label: "A:B", Value: "x"},
		{Label: " A", Value: "x"},
		{Label: "A\nB", Value: "x"},
		{Label: "A\x00", Value: "x"},
		{Label: "A", Value: ""},
		{Label: "A", Value: " x"},
		{Label: "A", Value: "x\n\ny"},
		{Label: "A", Value: "x\r\ny"},
		{Label: "A", Value: "\xff"},
		{Label: "payload-oxum", Value: "1.1"},
		{Label: "Bagging-date", Value: "01.12.2026"},
	} {
		w := create(t, filepath.Join(t.TempDir(), "bag"))
		if _, err := w.Finish([]bagit.Field{f}); err == nil {
			t.Errorf("%+v was taken", f)
		}
	}
}

func TestLongFieldsAreNotFolded(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "bag")
	long := strings.Repeat("слово ", 50) + "конец"
	if _, err := create(t, dir).Finish([]bagit.Field{{Label: "X", Value: long + "\n" + long}}); err != nil {
		t.Fatal(err)
	}
	if got := readFile(t, dir, "bag-info.txt"); got != "X: "+long+"\n  "+long+"\nPayload-Oxum: 0.0\n" {
		t.Errorf("bag-info.txt is %q", got)
	}
	r := validateFolder(t, dir, bagit.Options{Closed: true})
	if value, ok := r.Field("x"); !ok || value != long+"\n"+long || !r.Valid() {
		t.Errorf("read back: %q, %v", value, r.Findings)
	}
}

func TestRefusedFileIsNotThere(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "bag")
	w := create(t, dir)
	broken, refused := errors.New("broken"), errors.New("refused")
	_, err := w.Add("data/x", io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken)), nil)
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	_, err = w.Add("data/x", strings.NewReader("whole"), func(s bagit.Sum) error {
		if s != sumOf("whole") {
			t.Errorf("sum %+v", s)
		}
		return refused
	})
	if !errors.Is(err, refused) {
		t.Errorf("error %v", err)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "data")); err != nil || len(left) > 0 {
		t.Errorf("left in data: %v, %v", left, err)
	}
	if _, err := w.Add("data/x", strings.NewReader("whole"), nil); err != nil {
		t.Errorf("third try: %v", err)
	}
}

func TestManyAddAtOnce(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "bag")
	w := create(t, dir)
	var all sync.WaitGroup
	for name, text := range content {
		all.Go(func() {
			if _, err := w.Add(name, strings.NewReader(text), nil); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if _, err := w.Finish(info); err != nil {
		t.Fatal(err)
	}
	if r := validateFolder(t, dir, bagit.Options{Closed: true, Parallel: 3}); len(r.Findings) > 0 {
		t.Errorf("findings: %v", r.Findings)
	}
}

func TestFinishedBagIsNotWrittenAgain(t *testing.T) {
	t.Parallel()
	dir := makeBag(t, content)
	if _, err := bagit.Create(dir); !errors.Is(err, bagit.ErrFinished) {
		t.Errorf("error %v", err)
	}
}

func TestFinishRefusesWhatWasNotAdded(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(t *testing.T, dir string){
		"a file more":  func(t *testing.T, dir string) { writeFile(t, dir, "data/other", "x") },
		"a tag file":   func(t *testing.T, dir string) { writeFile(t, dir, "fetch.txt", "x") },
		"another size": func(t *testing.T, dir string) { writeFile(t, dir, "data/calls.jsonl", "x") },
		"a file less":  func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, "data/calls.jsonl")) },
		"a link":       func(t *testing.T, dir string) { os.Symlink("calls.jsonl", filepath.Join(dir, "data/link")) },
		"a link instead": func(t *testing.T, dir string) {
			os.Remove(filepath.Join(dir, "data/empty"))
			os.Symlink("calls.jsonl", filepath.Join(dir, "data/empty"))
		},
		"a wrong version": func(t *testing.T, dir string) { os.Mkdir(filepath.Join(dir, "bagit.txt"), 0o700) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "bag")
			w := create(t, dir)
			if err := fill(w, content); err != nil {
				t.Fatal(err)
			}
			spoil(t, dir)
			if _, err := w.Finish(info); err == nil {
				t.Error("Finish succeeded")
			}
			if _, err := os.Lstat(filepath.Join(dir, "tagmanifest-sha256.txt")); err == nil {
				t.Error("the last tag manifest is there")
			}
		})
	}
}

// tree is what lies in a folder.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		files[name] = readFile(t, dir, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func equalTrees(t *testing.T, want, got map[string]string) {
	t.Helper()
	if !maps.Equal(want, got) {
		t.Errorf("files: want %v, got %v, or with other content", slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got)))
	}
}
