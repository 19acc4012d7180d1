package state

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"fonoteka/internal/datafile"
)

// ErrSealed says that a file cannot be opened: another key has sealed it, or it
// is damaged. Its contents have to be obtained again.
var ErrSealed = errors.New("sealed with another key, or damaged")

const (
	keyFile     = "key"
	vaultFolder = "secrets"
	sealed      = ".sealed"
	// MinKey is how many letters a key of one's own has at least.
	MinKey = 32
)

// Vault stores secrets of others – the operator's tokens
// and client secrets – in files of its folder, sealed with AES-256-GCM. The name
// of a file is authenticated with it, so that one file cannot replace another.
//
// What that protects against depends on where the key is. In DIR/key, mode 0600,
// beside the files: against access to some files but not that one, such as a
// backup without it or a folder sent to somebody for help. Given from elsewhere
// and not stored on the disk: also against access to the disk or a whole backup. Against
// root on the running machine, or its own user: never.
//
// AES-GCM of the standard library is all that is needed for a symmetric key; age
// would add recipients, which are not needed here.
type Vault struct {
	dir   string
	keys  [][]byte // the first is used to seal, all to open
	fault error    // why the vault cannot be used: the installation's key is another one
}

// OpenVault opens the vault of the installation in dir, which must be there,
// whether the installation runs or not. key is the user's own, of at least MinKey
// letters; if it is empty, DIR/key is used, and made the first time. Files sealed with
// DIR/key stay readable after the change to a key of the user's own: each file is sealed
// with that when it is written next.
//
// With a key other than the previous one, or a damaged DIR/key, nothing is read
// and nothing is overwritten: Load, Save and Lock return ErrSealed, and everything that
// needs no secret of the operator's works.
func OpenVault(dir, key string) (*Vault, error) {
	if key != "" && len(key) < MinKey {
		return nil, fmt.Errorf("open the vault: a key must have at least %d letters", MinKey)
	}
	v := &Vault{dir: filepath.Join(dir, vaultFolder)}
	kept, err := keptKey(dir, key == "")
	if errors.Is(err, errDamagedKey) {
		v.fault = fmt.Errorf("%w: %s is damaged; bring it back from a backup, or stop fonoteka, remove it and %s, and log in again",
			ErrSealed, filepath.Join(dir, keyFile), v.dir)
		kept, err = rand.Text()+rand.Text(), nil // a key that opens nothing
	}
	if err != nil {
		return nil, fmt.Errorf("open the vault: %w", err)
	}
	for _, text := range []string{key, kept} {
		if text == "" {
			continue
		}
		k, err := hkdf.Key(sha256.New, []byte(text), nil, "fonoteka vault", 32)
		if err != nil {
			return nil, fmt.Errorf("open the vault: %w", err)
		}
		v.keys = append(v.keys, k)
	}
	if err := os.Mkdir(v.dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("open the vault: %w", err)
	}
	if v.fault == nil {
		v.fault = v.prove()
	}
	return v, nil
}

// proof is a file that identifies the installation's key.
const proof = "proof"

// prove makes the key that of the installation if there was none before, or if it
// can open what the previous one has sealed.
func (v *Vault) prove() error {
	var by string
	err := v.Load(proof, &by)
	me := hex.EncodeToString(v.Key(proof))
	if err != nil && !errors.Is(err, fs.ErrNotExist) || by == me {
		return err
	}
	return v.Save(proof, me)
}

var errDamagedKey = errors.New("it holds no key")

// keptKey is the key in DIR/key, made if it is wanted and missing. Of two processes that
// make it at the same time, one succeeds, and both use its key.
func keptKey(dir string, wanted bool) (string, error) {
	path := filepath.Join(dir, keyFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if !wanted {
			return "", nil
		}
		if err := makeFile(dir, keyFile, []byte(rand.Text()+rand.Text())); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", err
		}
		raw, err = os.ReadFile(path)
	}
	if err == nil && len(raw) < MinKey {
		err = errDamagedKey
	}
	return string(raw), err
}

// makeFile makes a file that must not exist yet, complete and durable.
func makeFile(dir, name string, content []byte) error {
	temp := name + ".new-" + rand.Text()
	if err := datafile.Replace(filepath.Join(dir, temp), content); err != nil {
		return err
	}
	defer os.Remove(filepath.Join(dir, temp))
	if err := os.Link(filepath.Join(dir, temp), filepath.Join(dir, name)); err != nil {
		return err
	}
	return datafile.SyncFolder(dir)
}

// Key derives 32 bytes for a purpose, always the same.
func (v *Vault) Key(purpose string) []byte {
	k, err := hkdf.Expand(sha256.New, v.keys[0], "fonoteka "+purpose, 32)
	if err != nil {
		panic(err) // only of a longer one
	}
	return k
}

// Save replaces the content under name. When it returns nil that is durable;
// whatever happens before, the old content or the new one is there.
func (v *Vault) Save(name string, content any) error {
	if v.fault != nil {
		return v.fault
	}
	plain, err := json.Marshal(content)
	if err != nil {
		return fmt.Errorf("seal %s: %w", name, err)
	}
	aead, err := gcm(v.keys[0])
	if err != nil {
		return fmt.Errorf("seal %s: %w", name, err)
	}
	return datafile.Replace(filepath.Join(v.dir, name+sealed), aead.Seal(nil, nil, plain, []byte(name))) //nolint:gosec // the cipher makes its own nonce
}

// Load reads the content under name: fs.ErrNotExist if there is none, ErrSealed
// if it cannot be opened.
func (v *Vault) Load(name string, into any) error {
	if v.fault != nil {
		return v.fault
	}
	raw, err := os.ReadFile(filepath.Join(v.dir, name+sealed))
	if err != nil {
		return err
	}
	for _, key := range v.keys {
		aead, err := gcm(key)
		if err != nil {
			return fmt.Errorf("open %s: %w", name, err)
		}
		if plain, err := aead.Open(nil, nil, raw, []byte(name)); err == nil {
			return json.Unmarshal(plain, into)
		}
	}
	return fmt.Errorf("%s is %w (FONOTEKA_KEY); where the key is lost, stop fonoteka, remove %s and log in again",
		filepath.Join(v.dir, name+sealed), ErrSealed, v.dir)
}

func gcm(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// Lock waits until it has the exclusive lock of the content under name, among all goroutines
// and processes. The system releases it however the process ends. It removes
// temporary files that a Save has left behind in a crash.
func (v *Vault) Lock(ctx context.Context, name string) (release func() error, err error) {
	if v.fault != nil {
		return nil, v.fault
	}
	f, err := datafile.LockPath(ctx, filepath.Join(v.dir, name+".lock"))
	if errors.Is(err, datafile.ErrLocked) {
		return nil, fmt.Errorf("wait for the lock of %s: %w", name, ctx.Err())
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	left, _ := filepath.Glob(filepath.Join(v.dir, name+sealed+".*"))
	for _, path := range left {
		_ = os.Remove(path)
	}
	return f.Close, nil
}
