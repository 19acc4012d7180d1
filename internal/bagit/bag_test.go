package bagit_test

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fonoteka/internal/bagit"
)

// content of the bag that most tests write, by path.
var content = map[string]string{
	"data/recordings/2026/11/one.mp3":    strings.Repeat("one", 100_000),
	"data/recordings/2026/11/two.mp3":    "two",
	"data/recordings/2026/12/третий.mp3": "three",
	"data/calls.jsonl":                   "{}\n",
	"data/empty":                         "",
	"metadata/query.json":                `{"from":"2026-11-01"}`,
	"metadata/custody.jsonl":             "{}\n",
	"READ-ME.ru.txt":                     "Проверьте: sha256sum -c manifest-sha256.txt\n",
}

var info = []bagit.Field{
	{Label: "Source-Organization", Value: "ООО «Ромашка»"},
	{Label: "External-Description", Value: "Calls of a month.\nAll of them."},
	{Label: "Contact-Name", Value: "One"},
	{Label: "Contact-Name", Value: "Two"},
	{Label: "Bagging-Date", Value: "2026-11-30"},
}

// create begins or resumes a bag.
func create(t testing.TB, dir string) *bagit.Writer {
	t.Helper()
	w, err := bagit.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

// fill adds files in the order of their names, adopting those that are there.
func fill(w *bagit.Writer, files map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		sum, found, err := w.Adopt(name)
		if err != nil {
			return err
		}
		if found && sum == sumOf(files[name]) {
			continue
		}
		if _, err := w.Add(name, strings.NewReader(files[name]), nil); err != nil {
			return err
		}
	}
	return nil
}

func sumOf(s string) bagit.Sum {
	return bagit.Sum{Size: int64(len(s)), SHA256: sha256.Sum256([]byte(s)), SHA512: sha512.Sum512([]byte(s))}
}

// makeBag writes a finished bag and returns its folder.
func makeBag(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "bag")
	w := create(t, dir)
	if err := fill(w, files); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Finish(info); err != nil {
		t.Fatal(err)
	}
	return dir
}

func readFile(t testing.TB, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// rewrite changes a file of a bag.
func rewrite(t testing.TB, dir, name string, change func(string) string) {
	t.Helper()
	old := readFile(t, dir, name)
	changed := change(old)
	if changed == old {
		t.Fatalf("%s: nothing was changed", name)
	}
	writeFile(t, dir, name, changed)
}

// reseal makes both tag manifests right for the tag files that are there, as a forger
// does who cannot sign.
func reseal(t testing.TB, dir string) {
	t.Helper()
	for algorithm, digest := range map[string]func(string) string{
		"sha256": func(s string) string { d := sha256.Sum256([]byte(s)); return hex.EncodeToString(d[:]) },
		"sha512": func(s string) string { d := sha512.Sum512([]byte(s)); return hex.EncodeToString(d[:]) },
	} {
		rewriteLines(t, dir, "tagmanifest-"+algorithm+".txt", func(line string) string {
			_, name, _ := strings.Cut(line, "  ")
			if _, err := os.Lstat(filepath.Join(dir, name)); err != nil {
				return line
			}
			return digest(readFile(t, dir, name)) + "  " + name
		})
	}
}

func rewriteLines(t testing.TB, dir, name string, change func(line string) string) {
	t.Helper()
	var b strings.Builder
	for line := range strings.Lines(readFile(t, dir, name)) {
		if line = change(strings.TrimSuffix(line, "\n")); line != "" {
			b.WriteString(line + "\n")
		}
	}
	writeFile(t, dir, name, b.String())
}
