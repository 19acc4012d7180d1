package sign_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/sign"
	"fonoteka/internal/state"
	"fonoteka/internal/testenv"
)

var at = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// ring is one in a real vault.
func ring(t *testing.T) (sign.Ring, string) {
	t.Helper()
	dir := t.TempDir()
	vault, err := state.OpenVault(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	return sign.Ring{Store: vault}, dir
}

func write(t *testing.T, dir, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// run runs a foreign program in a folder.
func run(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	testenv.Need(t, args[0])
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func signed(t *testing.T, r sign.Ring, message string) ([]byte, sign.Bundle) {
	t.Helper()
	key, bundle, err := r.Open()
	if err != nil {
		t.Fatal(err)
	}
	signature, err := key.Sign([]byte(message), "tagmanifest-sha256.txt", at)
	if err != nil {
		t.Fatal(err)
	}
	return signature, bundle
}

func TestMinisignAcceptsOurs(t *testing.T) {
	t.Parallel()
	r, _ := ring(t)
	if _, err := r.Create(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time with a rotation in keys.pub
		signature, bundle := signed(t, r, "content\n")
		dir := t.TempDir()
		write(t, dir, "m", []byte("content\n"))
		write(t, dir, "m.minisig", signature)
		write(t, dir, "keys.pub", []byte(bundle.Text()))
		if out, err := run(t, dir, "minisign", "-Vm", "m", "-p", "keys.pub"); err != nil || !strings.Contains(out, "verified") || !strings.Contains(out, "file:tagmanifest-sha256.txt") {
			t.Errorf("%v: %s", err, out)
		}
		if out, err := run(t, dir, "minisign", "-Vm", "m", "-P", bundle.Key.Line()); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		write(t, dir, "m", []byte("content!"))
		if out, err := run(t, dir, "minisign", "-Vm", "m", "-p", "keys.pub"); err == nil {
			t.Errorf("another content was accepted: %s", out)
		}
		if _, err := r.Rotate(t.Context(), at); err != nil {
			t.Fatal(err)
		}
	}
}

// The statement of a rotation, cut out of keys.pub, is what minisign accepts with the
// old key.
func TestMinisignAcceptsARotation(t *testing.T) {
	t.Parallel()
	r, _ := ring(t)
	first, err := r.Create(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	second, err := r.Rotate(t.Context(), at.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(second.Text(), "\n")
	dir := t.TempDir()
	write(t, dir, "rotation.txt", []byte(strings.Join(lines[3:7], "")))
	write(t, dir, "rotation.txt.minisig", []byte(strings.Join(lines[7:11], "")))
	if out, err := run(t, dir, "minisign", "-Vm", "rotation.txt", "-P", first.Key.Line()); err != nil {
		t.Errorf("%v: %s\n%s", err, out, second.Text())
	}
}

func TestWeAcceptMinisigns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "m", []byte("content\n"))
	if out, err := run(t, dir, "minisign", "-G", "-W", "-p", "k.pub", "-s", "k.sec"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if out, err := run(t, dir, "minisign", "-Sm", "m", "-s", "k.sec"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(dir, "k.pub"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := sign.ParsePublic(string(text))
	if err != nil {
		t.Fatal(err)
	}
	signature, err := os.ReadFile(filepath.Join(dir, "m.minisig"))
	if err != nil {
		t.Fatal(err)
	}
	if err := sign.Check(key, []byte("content\n"), signature); err != nil {
		t.Error(err)
	}
	if said, err := sign.ReadSignature(signature); err != nil || said.KeyID != key.ID() || said.At.IsZero() {
		t.Errorf("%+v, %v", said, err)
	}
	if out, err := run(t, dir, "sh", "-c", "sed -n 2p k.pub | base64 -d | sha256sum | cut -c 1-32"); err != nil || strings.TrimSpace(out) != strings.ReplaceAll(key.Fingerprint(), "-", "") {
		t.Errorf("the documented line says %s, we say %s (%v)", out, key.Fingerprint(), err)
	}
}

func TestWhatIsAlteredDoesNotFit(t *testing.T) {
	t.Parallel()
	r, _ := ring(t)
	if _, err := r.Create(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	signature, bundle := signed(t, r, "content")
	other, _ := ring(t)
	theirs, err := other.Create(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	if err := sign.Check(bundle.Key, []byte("content"), signature); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		key       sign.Public
		message   string
		signature []byte
		want      error
	}{
		"content":         {bundle.Key, "Content", signature, sign.ErrWrong},
		"key":             {theirs.Key, "content", signature, sign.ErrOtherKey},
		"trusted comment": {bundle.Key, "content", bytes.Replace(signature, []byte("timestamp:1"), []byte("timestamp:2"), 1), sign.ErrWrong},
		"a line more":     {bundle.Key, "content", append(bytes.Clone(signature), "x\n"...), sign.ErrNoSignature},
		"cut off":         {bundle.Key, "content", signature[:100], sign.ErrNoSignature},
		"empty":           {bundle.Key, "content", nil, sign.ErrNoSignature},
	} {
		if err := sign.Check(c.key, []byte(c.message), c.signature); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestAKeyLeadsToItsSuccessors(t *testing.T) {
	t.Parallel()
	r, _ := ring(t)
	first, err := r.Create(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	var bundle sign.Bundle
	for i := range 3 {
		if bundle, err = r.Rotate(t.Context(), at.Add(time.Duration(i)*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	read, err := sign.ParseBundle(bundle.Text())
	if err != nil {
		t.Fatal(err)
	}
	way, err := read.Trust(sign.Trusted{Keys: []sign.Public{first.Key}})
	if err != nil || len(way) != 3 || !way[0].Old.Equal(first.Key) || !way[2].New.Equal(bundle.Key) {
		t.Errorf("way %v, %v", way, err)
	}
	way, err = read.Trust(sign.Trusted{Fingerprints: []string{bundle.Key.Fingerprint()}})
	if err != nil || len(way) != 0 {
		t.Errorf("way %v, %v", way, err)
	}
	other, _ := ring(t)
	theirs, err := other.Create(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := read.Trust(sign.Trusted{Keys: []sign.Public{theirs.Key}}); !errors.Is(err, sign.ErrUntrusted) {
		t.Errorf("error %v", err)
	}
	// A thief without the old key cannot lead from it to his own.
	forged := read
	forged.Key = theirs.Key
	forged.Rotations = []sign.Rotation{{Old: first.Key, New: theirs.Key, At: at, Signature: read.Rotations[2].Signature}}
	if _, err := forged.Trust(sign.Trusted{Keys: []sign.Public{first.Key}}); !errors.Is(err, sign.ErrUntrusted) {
		t.Errorf("error %v", err)
	}
	if len(forged.Broken()) != 1 || len(read.Broken()) != 0 {
		t.Error("the broken rotations are not told")
	}
	// A circle ends.
	loop := sign.Bundle{Key: read.Key, Rotations: []sign.Rotation{read.Rotations[0], {Old: read.Rotations[0].New, New: read.Rotations[0].Old}}}
	if _, err := loop.Trust(sign.Trusted{Keys: []sign.Public{theirs.Key}}); !errors.Is(err, sign.ErrUntrusted) {
		t.Errorf("error %v", err)
	}
}

func TestARingIsMadeOnceAndSealed(t *testing.T) {
	t.Parallel()
	r, dir := ring(t)
	if _, _, err := r.Open(); !errors.Is(err, sign.ErrNone) {
		t.Errorf("error %v", err)
	}
	if _, err := r.Rotate(t.Context(), at); !errors.Is(err, sign.ErrNone) {
		t.Errorf("error %v", err)
	}
	made, err := r.Create(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Create(t.Context(), at); !errors.Is(err, sign.ErrExists) {
		t.Errorf("error %v", err)
	}
	if when, err := r.Created(); err != nil || !when.Equal(at) {
		t.Errorf("created %v, %v", when, err)
	}
	_, again, err := r.Open()
	if err != nil || !again.Key.Equal(made.Key) {
		t.Errorf("another key: %v", err)
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if bytes.Contains(raw, []byte("minisign")) || bytes.Contains(raw, []byte(made.Key.Line())) {
			t.Errorf("%s is not sealed", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// lossy is a store that loses the write.
type lossy struct{ content []byte }

func (l *lossy) Load(_ string, into any) error {
	if l.content == nil {
		return fs.ErrNotExist
	}
	return json.Unmarshal(l.content, into)
}
func (l *lossy) Save(string, any) error { return errors.New("disk full") }
func (l *lossy) Lock(context.Context, string) (func() error, error) {
	return func() error { return nil }, nil
}

func TestAKeyThatCouldNotBeKeptIsNotGiven(t *testing.T) {
	t.Parallel()
	b, err := sign.Ring{Store: &lossy{}}.Create(t.Context(), at)
	if err == nil || !b.Key.IsZero() {
		t.Errorf("%v, %v", b.Key.Line(), err)
	}
	if err != nil && strings.Contains(err.Error(), "secret") {
		t.Error("the error holds the key")
	}
}

func TestBundlesAreReadStrictly(t *testing.T) {
	t.Parallel()
	r, _ := ring(t)
	if _, err := r.Create(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	b, err := r.Rotate(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	text := b.Text()
	for name, bad := range map[string]string{
		"empty":          "",
		"a comment":      "untrusted comment: x\n",
		"no key":         "untrusted comment: x\nRWQ\n",
		"another line":   text + "x\n",
		"cut":            text[:len(text)-30],
		"other words":    strings.Replace(text, "fonoteka key rotation 1", "fonoteka key rotation 2", 1),
		"another time":   strings.Replace(text, "at 2026-11-30T12:00:00Z", "at yesterday", 1),
		"line breaks":    strings.ReplaceAll(text, "\n", "\r\n"),
		"another header": strings.Replace(text, "fonoteka public key", "a public key", 1),
	} {
		if _, err := sign.ParseBundle(bad); !errors.Is(err, sign.ErrBundle) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestFingerprintsAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	const want = "0123-4567-89ab-cdef-0123-4567-89ab-cdef"
	for _, s := range []string{want, strings.ToUpper(want), strings.ReplaceAll(want, "-", " "), strings.ReplaceAll(want, "-", ""), strings.ReplaceAll(want, "-", ":")} {
		if got, err := sign.ParseFingerprint(s); err != nil || got != want {
			t.Errorf("%q: %q, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "0123", want + "0", "x" + want[1:]} {
		if _, err := sign.ParseFingerprint(s); err == nil {
			t.Errorf("%q was taken", s)
		}
	}
}
