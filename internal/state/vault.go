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
	"time"
)

// ErrSealed says that a file cannot be opened: another key has sealed it, or it
// is damaged. What was in it has to be got anew.
var ErrSealed = errors.New("sealed with another key, or damaged")

const (
	keyFile     = "key"
	vaultFolder = "secrets"
	sealed      = ".sealed"
	// MinKey is how many letters a key of one's own has at least.
	MinKey = 32
)

// Vault keeps what others gave the installation in trust – the operator's tokens
// and client secrets – in files of its folder, sealed with AES-256-GCM. The name
// of a file is sealed in with it, so that none can be passed off as another.
//
// What that protects from depends on where the key is. In DIR/key, mode 0600,
// beside the files: from whoever gets some files but not that one, such as a
// backup without it or a folder sent to somebody for help. Given from elsewhere
// and kept off the disk: also from whoever gets the disk or a whole backup. From
// whoever is root on the running machine, or runs as its user: never.
//
// AES-GCM of the standard library is all that is needed for a symmetric key; age
// would add recipients, which nobody here has.
type Vault struct {
	dir   string
	keys  [][]byte // the first seals, all open
	fault error    // the installation's key is another one
}

// OpenVault opens the vault of the installation in dir, which must be there,
// whether the installation runs or not. key is one's own, of at least MinKey
// letters; where it is empty, DIR/key is used and made at the first time. What
// DIR/key sealed stays readable when a key of one's own comes: each file goes
// over to it when it is written next.
//
// With another key than the one before it, or a damaged DIR/key, nothing is read
// and nothing is overwritten: Load, Save and Lock say ErrSealed, and what needs
// no secret of the operator's goes on.
func OpenVault(dir, key string) (*Vault, error) {
	if key != "" && len(key) < MinKey {
		return nil, fmt.Errorf("open the vault: a key must have at least %d letters", MinKey)
	}
	v := &Vault{dir: filepath.Join(dir, vaultFolder)}
	kept, err := keptKey(dir, key == "")
	if errors.Is(err, errDamagedKey) {
		v.fault = fmt.Errorf("%w: %s is damaged; bring it back from a backup, or stop fonoteka, remove it and %s, and log in again",
			ErrSealed, filepath.Join(dir, keyFile), v.dir)
		kept, err = rand.Text()+rand.Text(), nil // opens nothing
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

// proof is a file that shows which key is the installation's.
const proof = "proof"

// prove makes the key the installation's where none was before it, or where it
// can open what the one before it has sealed.
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

// keptKey is the key in DIR/key. Of two processes that make it at once, one does.
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

// makeFile makes a file that must not be there yet, whole and durable.
func makeFile(dir, name string, content []byte) error {
	temp := name + ".new-" + rand.Text()
	if err := writeBytes(dir, temp, content); err != nil {
		return err
	}
	defer os.Remove(filepath.Join(dir, temp))
	if err := os.Link(filepath.Join(dir, temp), filepath.Join(dir, name)); err != nil {
		return err
	}
	return syncDir(dir)
}

// Key returns 32 bytes for a purpose of its own, always the same.
func (v *Vault) Key(purpose string) []byte {
	k, err := hkdf.Expand(sha256.New, v.keys[0], "fonoteka "+purpose, 32)
	if err != nil {
		panic(err) // only of a longer one
	}
	return k
}

// Save replaces what is kept under name. When it returns nil that is durable;
// whatever happens before, the old content or the new is there.
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
	return writeBytes(v.dir, name+sealed, aead.Seal(nil, nil, plain, []byte(name))) //nolint:gosec // the cipher makes its own nonce
}

// Load reads what is kept under name: fs.ErrNotExist if nothing is, ErrSealed
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

// Lock waits until nobody else, in this process or another one, works on what is
// kept under name. The system releases it however the process ends. It removes
// what a crash of a former holder has left of a Save.
func (v *Vault) Lock(ctx context.Context, name string) (release func() error, err error) {
	if v.fault != nil {
		return nil, v.fault
	}
	for {
		f, err := takeLock(filepath.Join(v.dir, name+".lock"), 0)
		if err == nil {
			left, _ := filepath.Glob(filepath.Join(v.dir, name+sealed+".*"))
			for _, path := range left {
				_ = os.Remove(path)
			}
			return f.Close, nil
		}
		if !errors.Is(err, ErrLocked) {
			return nil, fmt.Errorf("lock %s: %w", name, err)
		}
		select {
		case <-time.After(glance / 20):
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for who else works on %s: %w", name, ctx.Err())
		}
	}
}
