package embedded_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"fonoteka/internal/embedded"
	"fonoteka/internal/embedded/embeddedtest"
)

// cached puts a library into a cache.
func cached(t *testing.T, cache, content string) (lib string) {
	t.Helper()
	lib = filepath.Join(cache, "engine", runtime.GOOS+"-"+runtime.GOARCH, embedded.EngineVersion, "libchdb.so")
	if err := errors.Join(os.MkdirAll(filepath.Dir(lib), 0o755), os.WriteFile(lib, []byte(content), 0o755)); err != nil {
		t.Fatal(err)
	}
	return lib
}

func TestTheEngineInTheCacheIsThePinnedOne(t *testing.T) {
	t.Parallel()
	if err := embedded.VerifyEngine(t.Context(), embeddedtest.Engine(t)); err != nil {
		t.Error(err)
	}
}

func TestADamagedEngineIsKnownByItsDigest(t *testing.T) {
	t.Parallel()
	lib := cached(t, t.TempDir(), "the engine")
	sum := sha256.Sum256([]byte("the engine"))
	digest := hex.EncodeToString(sum[:])
	if err := embedded.VerifyLibrary(t.Context(), 10, digest, lib); err != nil {
		t.Error(err)
	}
	for content, said := range map[string]string{"the engi": "8 bytes instead of 10", "": "0 bytes", "the engins": "its SHA-256 is"} {
		if err := os.WriteFile(lib, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := embedded.VerifyLibrary(t.Context(), 10, digest, lib); err == nil || !strings.Contains(err.Error(), said) || !strings.Contains(err.Error(), lib) {
			t.Errorf("%q: %v", content, err)
		}
	}
}

// fakeNpm is an npm that notes its environment and packs what is no engine.
func fakeNpm(t *testing.T) (noted string) {
	t.Helper()
	dir := t.TempDir()
	noted = filepath.Join(dir, "env")
	script := "#!/bin/sh\nenv >" + noted + "\necho rubbish >chdb.tgz\n"
	if err := os.WriteFile(filepath.Join(dir, "npm"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":/usr/bin:/bin")
	return noted
}

// A damaged engine is not there for ever: it is fetched again, by a program that sees
// none of our secrets, from a cache that may be named by a relative path.
func TestADamagedEngineIsFetchedAgain(t *testing.T) {
	noted := fakeNpm(t)
	t.Setenv("FONOTEKA_CLICKHOUSE_URL", "clickhouse://u:hunter2@host/x")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
	t.Setenv("NPM_TOKEN", "of the registry")
	t.Chdir(t.TempDir())
	cached(t, "cache", "damaged")
	var said strings.Builder
	_, err := embedded.FetchEngine(t.Context(), "cache", &said)
	if err == nil || !strings.Contains(err.Error(), "damaged") || !strings.Contains(err.Error(), "could not be fetched again") || !strings.Contains(err.Error(), "FONOTEKA_CLICKHOUSE_URL") {
		t.Errorf("err = %v", err)
	}
	if !strings.Contains(said.String(), "it is fetched again") {
		t.Errorf("it says %q", said.String())
	}
	env, err := os.ReadFile(noted)
	if err != nil || strings.Contains(string(env), "hunter2") || !strings.Contains(string(env), "NPM_TOKEN=of the registry") || !strings.Contains(string(env), "PATH=") {
		t.Errorf("npm saw %s, %v", env, err)
	}
}

func TestNpmSeesWhatItNeedsAlone(t *testing.T) {
	t.Parallel()
	needed := []string{"PATH=/bin", "HOME=/root", "HTTPS_PROXY=http://proxy:3128", "npm_config_registry=https://npm.example.org", "NODE_EXTRA_CA_CERTS=/ca.pem", "LC_ALL=C"}
	if got := embedded.NpmEnv(slices.Concat([]string{"FONOTEKA_KEY=k", "PATHS=1", "CREDENTIALS_DIRECTORY=/run", "GITHUB_TOKEN=t"}, needed)); !slices.Equal(got, needed) {
		t.Errorf("%v", got)
	}
}

// Whoever can change a folder above the cache, or one that a link on the way leads
// through, can put another library there.
func TestEveryFolderOnTheWayToTheEngineIsOurs(t *testing.T) {
	t.Parallel()
	above := t.TempDir()
	cache := filepath.Join(above, "cache")
	lib := cached(t, cache, "the engine")
	open := filepath.Join(above, "open")
	link := filepath.Join(open, "link")
	toLink := filepath.Join(t.TempDir(), "cache")
	if err := errors.Join(os.Mkdir(open, 0o755), os.Symlink("../cache", link), os.Symlink(link, toLink)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []string{cache, link, toLink} {
		if path, err := embedded.FindEngine(c); err != nil || path != lib {
			t.Errorf("%s: %q, %v", c, path, err)
		}
	}
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, c := range []string{link, toLink} {
		if _, err := embedded.FindEngine(c); err == nil || !strings.Contains(err.Error(), open+" may be changed by others") {
			t.Errorf("%s: %v", c, err)
		}
	}
	if path, err := embedded.FindEngine(cache); err != nil || path != lib {
		t.Errorf("beside it: %q, %v", path, err)
	}
	if err := os.Chmod(above, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := embedded.FindEngine(cache); err == nil || !strings.Contains(err.Error(), above+" may be changed by others") || !strings.Contains(err.Error(), "--engine-cache") {
		t.Errorf("a folder above the cache: %v", err)
	}
	round := filepath.Join(t.TempDir(), "round")
	if err := os.Symlink(round, round); err != nil {
		t.Fatal(err)
	}
	if _, err := embedded.FindEngine(round); err == nil {
		t.Error("a link to itself leads to an engine")
	}
}
