package embedded_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fonoteka/internal/embedded"
)

// tarball packs one file as npm does, and returns npm's notation of its digest.
func tarball(t *testing.T, name, content string) (packed []byte, integrity string) {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(content))}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	sum := sha512.Sum512(b.Bytes())
	return b.Bytes(), "sha512-" + base64.StdEncoding.EncodeToString(sum[:])
}

func TestOnlyThePinnedTarballIsUnpacked(t *testing.T) {
	t.Parallel()
	packed, integrity := tarball(t, "package/libchdb.so", "the engine")
	other, _ := tarball(t, "package/libchdb.so", "another engine")
	nothing, itsIntegrity := tarball(t, "package/index.js", "no engine")
	flipped := bytes.Clone(packed)
	flipped[len(flipped)/2] ^= 1
	for _, c := range []struct {
		name, integrity string
		content         []byte
		refused         string // "" = unpacked
	}{
		{"the pinned one", integrity, packed, ""},
		{"another one", integrity, other, "digest"},
		{"a flipped bit", integrity, flipped, "digest"},
		{"a byte more", integrity, append(bytes.Clone(packed), 0), "digest"},
		{"cut short", integrity, packed[:len(packed)-9], "digest"},
		{"empty", integrity, nil, "digest"},
		{"pinned without an engine", itsIntegrity, nothing, "holds no package/libchdb.so"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path, dst := filepath.Join(dir, "a.tgz"), filepath.Join(dir, "libchdb.so")
			if err := os.WriteFile(path, c.content, 0o600); err != nil {
				t.Fatal(err)
			}
			err := embedded.Unpack(t.Context(), path, c.integrity, dst)
			if c.refused != "" {
				if err == nil || !strings.Contains(err.Error(), c.refused) {
					t.Errorf("got %v, want an error that says %q", err, c.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(dst); err != nil || string(got) != "the engine" {
				t.Errorf("unpacked %q, %v", got, err)
			}
		})
	}
}

func TestAnEngineInTheCacheIsNotFetched(t *testing.T) {
	t.Setenv("PATH", "") // no npm
	lib := filepath.Join(t.TempDir(), "missing")
	if _, err := embedded.FindEngine(lib); !errors.Is(err, embedded.ErrNoEngine) {
		t.Errorf("an empty cache: %v", err)
	}
	_, err := embedded.FetchEngine(t.Context(), lib, nil)
	if err == nil || !strings.Contains(err.Error(), "FONOTEKA_CLICKHOUSE_URL") {
		t.Errorf("without npm: %v, want advice", err)
	}
	found := embeddedtestCache(t)
	if path, err := embedded.FetchEngine(t.Context(), found, nil); err != nil || filepath.Base(path) != "libchdb.so" {
		t.Errorf("from the cache: %q, %v", path, err)
	}
}
