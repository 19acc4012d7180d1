package verify_test

import (
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/bagit"
	"fonoteka/internal/export"
	"fonoteka/internal/export/exporttest"
	"fonoteka/internal/pack"
	"fonoteka/internal/sign"
	"fonoteka/internal/state"
	"fonoteka/internal/verify"
)

var now = time.Date(2026, 3, 10, 9, 30, 0, 0, time.UTC)

// sender makes packages.
type sender struct {
	t    *testing.T
	ring sign.Ring
}

func newSender(t *testing.T) sender {
	t.Helper()
	vault, err := state.OpenVault(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	s := sender{t, sign.Ring{Store: vault}}
	if _, err := s.ring.Create(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s sender) bundle() (sign.Private, sign.Bundle) {
	s.t.Helper()
	key, bundle, err := s.ring.Open()
	if err != nil {
		s.t.Fatal(err)
	}
	return key, bundle
}

// write makes a package in a folder.
func (s sender) write(change func(*export.Options)) string {
	s.t.Helper()
	trail, err := exporttest.NewTrail(filepath.Join(s.t.TempDir(), "audit"))
	if err != nil {
		s.t.Fatal(err)
	}
	key, bundle := s.bundle()
	o := export.Options{
		Dir: filepath.Join(s.t.TempDir(), "package"), Source: exporttest.New(), Trail: trail, Signer: &key, Bundle: bundle, Now: func() time.Time { return now },
		Query: pack.Query{Program: "fonoteka test", Installation: "TEST", Case: "A40-1234/2026"}, SQL: "SELECT 1\n",
	}
	if change != nil {
		change(&o)
	}
	if _, err := export.Run(s.t.Context(), o); err != nil {
		s.t.Fatal(err)
	}
	return o.Dir
}

func (s sender) trust() sign.Trusted {
	s.t.Helper()
	_, b := s.bundle()
	return sign.Trusted{Keys: []sign.Public{b.Key}}
}

func check(t *testing.T, path string, o verify.Options) *verify.Result {
	t.Helper()
	src, err := verify.Open(path, bagit.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	r, err := verify.Check(t.Context(), src, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// names tells whether a code was found, about a path.
func names(r *verify.Result, code, path string) bool {
	return slices.ContainsFunc(r.Findings, func(f verify.Finding) bool {
		return f.Severity == verify.Error && f.Code == verify.Code(code) && (path == "" || f.Path == path) && f.EN != "" && f.RU != ""
	})
}

func clone(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "package")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

func get(t *testing.T, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// edit changes a file.
func edit(t *testing.T, dir, name, old, now string) {
	t.Helper()
	text := get(t, dir, name)
	if !strings.Contains(text, old) {
		t.Fatalf("%s has no %q", name, old)
	}
	put(t, dir, name, strings.Replace(text, old, now, 1))
}

func remove(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

// first is a recording of a package.
func first(t *testing.T, dir string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "data/recordings/2026/03/*.wav"))
	if err != nil || len(found) == 0 {
		t.Fatal("no recording", err)
	}
	name, err := filepath.Rel(dir, found[0])
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// reseal makes all lists of a package anew, as a forger does who cannot sign.
func reseal(t *testing.T, dir string) {
	t.Helper()
	var payload, tags []string
	bytes := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		switch {
		case strings.HasPrefix(name, "data/"):
			payload = append(payload, name)
			bytes += len(get(t, dir, name))
		case !strings.HasPrefix(name, "tagmanifest-") && !strings.HasPrefix(name, "manifest-"):
			tags = append(tags, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var info strings.Builder
	for line := range strings.Lines(get(t, dir, "bag-info.txt")) {
		if strings.HasPrefix(line, "Payload-Oxum") {
			line = fmt.Sprintf("Payload-Oxum: %d.%d\n", bytes, len(payload))
		}
		info.WriteString(line)
	}
	put(t, dir, "bag-info.txt", info.String())
	tags = append(tags, "manifest-sha256.txt", "manifest-sha512.txt")
	slices.Sort(payload)
	slices.Sort(tags)
	for _, list := range []struct {
		kind  string
		files []string
	}{{"manifest-", payload}, {"tagmanifest-", tags}} {
		var short, large strings.Builder
		for _, name := range list.files {
			text := []byte(get(t, dir, name))
			fmt.Fprintf(&short, "%x  %s\n", sha256.Sum256(text), name)
			fmt.Fprintf(&large, "%x  %s\n", sha512.Sum512(text), name)
		}
		put(t, dir, list.kind+"sha256.txt", short.String())
		put(t, dir, list.kind+"sha512.txt", large.String())
	}
}

// resign lets a key sign a package that was resealed.
func resign(t *testing.T, dir string, key sign.Private) {
	t.Helper()
	signature, err := key.Sign([]byte(get(t, dir, pack.TagManifest)), pack.TagManifest, now)
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, pack.SignatureFile, string(signature))
}
