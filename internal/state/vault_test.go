package state_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"fonoteka/internal/state"
)

type secret struct{ Token string }

func vault(t *testing.T, dir, key string) *state.Vault {
	t.Helper()
	v, err := state.OpenVault(dir, key)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (s secret) kept(t *testing.T, v *state.Vault, name string) {
	t.Helper()
	var got secret
	if err := v.Load(name, &got); err != nil || got != s {
		t.Errorf("kept as %s: %v, %v", name, got, err)
	}
}

var ownKey = strings.Repeat("k", state.MinKey)

func TestWhatIsKeptInTheVaultIsNotToBeReadOnDisk(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"", ownKey} {
		dir := t.TempDir()
		s := secret{"a-token-nobody-may-read"}
		if err := vault(t, dir, key).Save("main", s); err != nil {
			t.Fatal(err)
		}
		s.kept(t, vault(t, dir, key), "main")
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			if path != dir && info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s has mode %o", path, info.Mode().Perm())
			}
			if d.IsDir() {
				return nil
			}
			b, err := os.ReadFile(path)
			if bytes.Contains(b, []byte("nobody")) || bytes.Contains(b, []byte("Token")) {
				t.Errorf("%s can be read: %q", path, b)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestASealedFileOpensOnlyWithItsKeyNameAndEveryByte(t *testing.T) {
	t.Parallel()
	dir, s := t.TempDir(), secret{"t"}
	v := vault(t, dir, ownKey)
	if err := v.Save("main", s); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "secrets", "main.sealed")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what string, v *state.Vault, name string) {
		t.Helper()
		var got secret
		if err := v.Load(name, &got); !errors.Is(err, state.ErrSealed) {
			t.Errorf("%s: %v, %v", what, got, err)
		}
	}
	refused("another key", vault(t, dir, strings.ToUpper(ownKey)), "main")
	if err := os.WriteFile(filepath.Join(dir, "secrets", "other.sealed"), whole, 0o600); err != nil {
		t.Fatal(err)
	}
	refused("another name", v, "other")
	for i := range whole {
		damaged := bytes.Clone(whole)
		damaged[i] ^= 1
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		refused("a flipped bit", v, "main")
		if err := os.WriteFile(path, whole[:i], 0o600); err != nil {
			t.Fatal(err)
		}
		refused("a cut file", v, "main")
	}
	if err := v.Load("none", new(secret)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing kept: %v", err)
	}
}

func TestAKeyOfOnesOwnTakesOverFileByFile(t *testing.T) {
	t.Parallel()
	dir, s := t.TempDir(), secret{"t"}
	if err := vault(t, dir, "").Save("main", s); err != nil {
		t.Fatal(err)
	}
	own := vault(t, dir, ownKey)
	s.kept(t, own, "main")
	if err := own.Save("main", s); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "key")); err != nil {
		t.Fatal(err)
	}
	s.kept(t, vault(t, dir, ownKey), "main")
	if _, err := os.Stat(filepath.Join(dir, "key")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a key was made that nobody needs: %v", err)
	}
	stranger := vault(t, dir, "") // as a command would be that lacks the key
	if err := stranger.Save("main", secret{"overwritten"}); !errors.Is(err, state.ErrSealed) {
		t.Errorf("saved with another key: %v", err)
	}
	if _, err := stranger.Lock(t.Context(), "main"); !errors.Is(err, state.ErrSealed) {
		t.Errorf("locked with another key: %v", err)
	}
	s.kept(t, vault(t, dir, ownKey), "main")
	if _, err := state.OpenVault(dir, "short"); err == nil {
		t.Error("a short key was taken")
	}
}

func TestOneOfManyMakesTheKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys := make([][]byte, 20)
	var all sync.WaitGroup
	for i := range keys {
		all.Go(func() { keys[i] = vault(t, dir, "").Key("test") })
	}
	all.Wait()
	for _, k := range keys {
		if len(k) != 32 || !bytes.Equal(k, keys[0]) {
			t.Fatal("they have different keys")
		}
	}
	if bytes.Equal(keys[0], vault(t, dir, "").Key("another")) {
		t.Error("two purposes share a key")
	}
}

func TestOnlyOneWorksOnASecretAndLeftoversGo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	v := vault(t, dir, "")
	left := filepath.Join(dir, "secrets", "main.sealed.123")
	if err := os.WriteFile(left, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	release, err := v.Lock(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what a crash left of a Save is still there: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := vault(t, dir, "").Lock(ctx, "main"); !errors.Is(err, context.Canceled) {
		t.Errorf("a second Lock: %v", err)
	}
	other, err := v.Lock(t.Context(), "second")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(other(), release()); err != nil {
		t.Error(err)
	}
	if release, err = v.Lock(t.Context(), "main"); err != nil {
		t.Fatal(err)
	}
	_ = release()
}

func TestADamagedKeyStopsOnlyWhatNeedsIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	v, err := state.OpenVault(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Save("grant", "kept"); err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(dir, "key")
	whole, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, left := range [][]byte{nil, whole[:20]} {
		if err := os.WriteFile(key, left, 0o600); err != nil {
			t.Fatal(err)
		}
		damaged, err := state.OpenVault(dir, "")
		if err != nil {
			t.Fatalf("the vault does not open at all: %v", err)
		}
		var got string
		if err := damaged.Load("grant", &got); !errors.Is(err, state.ErrSealed) || !strings.Contains(err.Error(), "backup") {
			t.Errorf("Load: %v", err)
		}
		if err := damaged.Save("grant", "lost"); !errors.Is(err, state.ErrSealed) {
			t.Errorf("Save: %v", err)
		}
	}
	if err := os.WriteFile(key, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := state.OpenVault(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	var got string
	if err := again.Load("grant", &got); err != nil || got != "kept" {
		t.Errorf("%q, %v", got, err)
	}
}
