package bagit_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"fonoteka/internal/bagit"
)

// A writer that is killed at any step is gone on with by the next one, and the bag is
// the same, byte for byte. What has its final name in between is whole.
func TestKilledWriterResumes(t *testing.T) {
	t.Parallel()
	want := tree(t, makeBag(t, content))
	for n := 1; ; n++ {
		dir := filepath.Join(t.TempDir(), "bag")
		killed := ""
		w := create(t, dir)
		steps := 0
		bagit.SetStep(w, func(step, path string) error {
			if steps++; steps == n {
				killed = step + " " + path
				return bagit.ErrKilled
			}
			return nil
		})
		err := writeAll(w)
		if killed == "" {
			if err != nil {
				t.Fatal(err)
			}
			if n < 40 {
				t.Errorf("only %d steps were seen", n-1)
			}
			return
		}
		if !errors.Is(err, bagit.ErrKilled) {
			t.Fatalf("killed at %s: error %v", killed, err)
		}
		resume(t, killed, dir, want)
	}
}

func writeAll(w *bagit.Writer) error {
	if err := fill(w, content); err != nil {
		return err
	}
	_, err := w.Finish(info)
	return err
}

// resume looks at what a killed writer has left, and goes on.
func resume(t *testing.T, killed, dir string, want map[string]string) {
	t.Helper()
	for name, text := range tree(t, dir) {
		if text != want[name] && !strings.HasPrefix(filepath.Base(name), ".bagit-") {
			t.Errorf("killed at %s: %s is there and not whole", killed, name)
		}
	}
	w, err := bagit.Create(dir)
	if errors.Is(err, bagit.ErrFinished) {
		equalTrees(t, want, tree(t, dir))
		return
	}
	if err != nil {
		t.Fatalf("killed at %s: %v", killed, err)
	}
	defer w.Close()
	if err := writeAll(w); err != nil {
		t.Fatalf("killed at %s: %v", killed, err)
	}
	equalTrees(t, want, tree(t, dir))
}

// The same with a process that is killed.
func TestKilledProcessResumes(t *testing.T) {
	t.Parallel()
	const variable = "BAGIT_TEST_KILL"
	if spec := os.Getenv(variable); spec != "" {
		at, dir, _ := strings.Cut(spec, "|")
		w := create(t, dir)
		bagit.SetStep(w, func(step, path string) error {
			if step+" "+path == at {
				return syscall.Kill(os.Getpid(), syscall.SIGKILL)
			}
			return nil
		})
		t.Fatalf("it was not killed: %v", writeAll(w))
	}
	want := tree(t, makeBag(t, content))
	for _, at := range []string{
		"created data/recordings/2026/11/one.mp3", "written data/recordings/2026/11/one.mp3",
		"synced data/recordings/2026/11/one.mp3", "renamed data/recordings/2026/11/one.mp3",
		"folder data/recordings", "synced manifest-sha256.txt", "renamed tagmanifest-sha512.txt",
		"synced tagmanifest-sha256.txt", "renamed tagmanifest-sha256.txt",
	} {
		dir := filepath.Join(t.TempDir(), "bag")
		cmd := exec.Command(os.Args[0], "-test.run", "^TestKilledProcessResumes$")
		cmd.Env = append(os.Environ(), variable+"="+at+"|"+dir)
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("%s: %v\n%s", at, err, out)
		}
		resume(t, at, dir, want)
	}
}

func TestKnownFileIsAdoptedBySize(t *testing.T) {
	t.Parallel()
	want := tree(t, makeBag(t, content))
	dir := filepath.Join(t.TempDir(), "bag")
	first := create(t, dir)
	for name, text := range content {
		if _, err := first.Add(name, strings.NewReader(text), nil); err != nil {
			t.Fatal(err)
		}
	}
	first.Close()
	writeFile(t, dir, "data/calls.jsonl", "of another size")
	os.Remove(filepath.Join(dir, "data/empty"))

	second := create(t, dir)
	for name, text := range content {
		found, err := second.AdoptKnown(name, sumOf(text))
		if err != nil {
			t.Fatal(err)
		}
		if missing := name == "data/calls.jsonl" || name == "data/empty"; found == missing {
			t.Errorf("%s: adopted: %v", name, found)
		}
		if found {
			continue
		}
		if _, err := second.Add(name, strings.NewReader(text), nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := second.Finish(info); err != nil {
		t.Fatal(err)
	}
	equalTrees(t, want, tree(t, dir))
}

func TestLinkIsNotAdopted(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "bag")
	w := create(t, dir)
	outside := filepath.Join(t.TempDir(), "outside")
	writeFile(t, filepath.Dir(outside), "outside", "secret")
	writeFile(t, dir, "data/real", "inside")
	for i, target := range []string{outside, "absent", "real"} {
		name := fmt.Sprintf("data/link%d", i)
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		if _, found, err := w.Adopt(name); err == nil || found {
			t.Errorf("link to %s: found %v, error %v", target, found, err)
		}
	}
	if err := os.Symlink(filepath.Dir(outside), filepath.Join(dir, "data", "folder")); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Add("data/folder/new", strings.NewReader("x"), nil); err == nil {
		t.Error("a file was written through a link")
	}
}
