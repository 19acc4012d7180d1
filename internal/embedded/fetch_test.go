package embedded_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
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

// vast is a tarball that announces a library of 3 GiB.
func vast(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	err := tar.NewWriter(z).WriteHeader(&tar.Header{Name: "package/libchdb.so", Mode: 0o755, Size: 3 << 30})
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
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
		{"another one", integrity, other, "its sha512 is"},
		{"a flipped bit", integrity, flipped, "its sha512 is"},
		{"a byte more", integrity, append(bytes.Clone(packed), 0), "its sha512 is"},
		{"cut short", integrity, packed[:len(packed)-9], "its sha512 is"},
		{"empty", integrity, nil, "its sha512 is"},
		{"a disk full", integrity, vast(t), "has 3221225472 bytes: not used"},
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

// The library runs as this process: who could put another one in its place could
// do all that the process can.
func TestAnEngineThatOthersCouldHaveMadeIsRefused(t *testing.T) {
	t.Parallel()
	cache := t.TempDir()
	version := filepath.Join(cache, "engine", runtime.GOOS+"-"+runtime.GOARCH, embedded.EngineVersion)
	lib := filepath.Join(version, "libchdb.so")
	if err := errors.Join(os.MkdirAll(version, 0o755), os.WriteFile(lib, nil, 0o755)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what, refused string // "": loaded
		change        func() error
		back          func() error
	}{
		{"as it was fetched", "", func() error { return nil }, func() error { return nil }},
		{"a file of the group", lib + " may be changed", func() error { return os.Chmod(lib, 0o775) }, func() error { return os.Chmod(lib, 0o755) }},
		{"a file of everybody", lib + " may be changed", func() error { return os.Chmod(lib, 0o757) }, func() error { return os.Chmod(lib, 0o755) }},
		{"a folder of everybody", version + " may be changed", func() error { return os.Chmod(version, 0o777) }, func() error { return os.Chmod(version, 0o755) }},
		{"the cache is everybody's", cache + " may be changed", func() error { return os.Chmod(cache, 0o777) }, func() error { return os.Chmod(cache, 0o755) }},
		{"a sticky one", "", func() error { return os.Chmod(cache, 0o777|os.ModeSticky) }, func() error { return os.Chmod(cache, 0o755) }},
		{"another user's file", lib + " belongs to another user (uid 12345)", func() error { return os.Chown(lib, 12345, -1) }, func() error { return os.Chown(lib, 0, -1) }},
		{"another user's folder", version + " belongs to another user", func() error { return os.Chown(version, 12345, -1) }, func() error { return os.Chown(version, 0, -1) }},
	} {
		if err := c.change(); errors.Is(err, fs.ErrPermission) {
			continue // only root gives away
		} else if err != nil {
			t.Fatal(err)
		}
		path, err := embedded.FindEngine(cache)
		if c.refused == "" && (err != nil || path != lib) {
			t.Errorf("%s: %q, %v", c.what, path, err)
		}
		if c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused) || !strings.Contains(err.Error(), "--engine-cache") || errors.Is(err, embedded.ErrNoEngine)) {
			t.Errorf("%s: %v", c.what, err)
		}
		if err := c.back(); err != nil {
			t.Fatal(err)
		}
	}
}
