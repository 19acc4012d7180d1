// Package state stores what belongs to one installation: the
// passwords and ports of its embedded stores, its admin token, and where its
// running process can be reached; and, sealed in the Vault, secrets of others.
//
// Contract. The values that Open returns are on disk, mode 0600, and the same at every
// later start. One process at a time holds an installation: Open takes a lock
// that the system releases however the process ends. Read needs no lock: it is for a command
// beside a running process. A command that uses an embedded store while nothing runs locks
// that store alone (TakeStore).
//
// Two small JSON files are written as a whole and replaced by rename; a database
// for twelve values was rejected.
package state

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"fonoteka/internal/datafile"
)

// ErrLocked says that another process holds the installation.
var ErrLocked = errors.New("another fonoteka runs on this data folder")

// ErrNone says that the folder holds no installation.
var ErrNone = errors.New("no fonoteka installation here")

const (
	stateFile   = "state.json"
	runtimeFile = "runtime.json"
	lockFile    = "lock"
)

// Values are the installation's own secrets, name and ports.
type Values struct {
	ClickHouseWriterPassword  string `json:"clickhouse_writer_password"`
	ClickHouseReaderPassword  string `json:"clickhouse_reader_password"`
	ClickHouseAnalystPassword string `json:"clickhouse_analyst_password"`
	// Is in the dictionaries' definitions: every user of ClickHouse can read it.
	ClickHouseDictionariesPassword string `json:"clickhouse_dictionaries_password"`
	S3AccessKey                    string `json:"s3_access_key"`
	S3SecretKey                    string `json:"s3_secret_key"`
	RedisPassword                  string `json:"redis_password"`
	AdminToken                     string `json:"admin_token"`         // lets a command change things through the private listener
	RecordingsPassword             string `json:"recordings_password"` // lets people listen to recordings in a browser
	Installation                   string `json:"installation"`        // a name that the bucket knows this installation by; no secret
	Ports                          Ports  `json:"ports"`
}

// Ports are the TCP ports of the embedded stores on the loopback interface,
// chosen among the free ones at the first start and kept from then on, so that
// Grafana and SQL tools find the stores again.
type Ports struct {
	ClickHouseNative int `json:"clickhouse_native"`
	ClickHouseHTTP   int `json:"clickhouse_http"`
	S3               int `json:"s3"`
	Redis            int `json:"redis"`
}

// secrets are the random fields, which are generated at the first start; one that a later
// version adds is generated when that version starts.
func (v *Values) secrets() []*string {
	return []*string{
		&v.ClickHouseWriterPassword, &v.ClickHouseReaderPassword, &v.ClickHouseAnalystPassword, &v.ClickHouseDictionariesPassword,
		&v.S3AccessKey, &v.S3SecretKey, &v.RedisPassword, &v.AdminToken, &v.RecordingsPassword, &v.Installation,
	}
}

// State is an installation that this process holds.
type State struct {
	dir    string
	lock   *os.File
	mu     sync.Mutex
	values Values
}

// Open takes the installation in dir, creating what is missing: the folder
// (0700, also an existing one that was open to others), the secrets, the ports. ErrLocked if
// another process holds it.
func Open(dir string) (*State, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open data folder: %w", err)
	}
	if err := tighten(dir); err != nil {
		return nil, fmt.Errorf("open data folder: %w", err)
	}
	lock, err := takeLock(filepath.Join(dir, lockFile), probeWait)
	if err != nil {
		return nil, fmt.Errorf("open data folder %s: %w", dir, err)
	}
	s := &State{dir: dir, lock: lock}
	if err := s.load(); err != nil {
		lock.Close()
		return nil, fmt.Errorf("open data folder %s: %w", dir, err)
	}
	return s, nil
}

// tighten removes the permissions of others from a folder, unless it belongs to another
// user, who alone may do that.
func tighten(dir string) error {
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return err
	}
	if err := os.Chmod(dir, 0o700); err != nil && !errors.Is(err, fs.ErrPermission) { //nolint:gosec // a folder
		return err
	}
	return nil
}

func (s *State) load() error {
	// The run-time facts of a crashed process: since we have the lock, they are stale.
	if err := os.Remove(filepath.Join(s.dir, runtimeFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	values, err := Read(s.dir)
	if err != nil && !errors.Is(err, ErrNone) {
		return err
	}
	found := values
	if values.ClickHouseDictionariesPassword == "" {
		values.ClickHouseWriterPassword = "" // former versions put it into the dictionaries' definitions
	}
	for _, secret := range values.secrets() {
		if *secret == "" {
			*secret = rand.Text() // 26 letters and digits, 130 random bits
		}
	}
	if err := values.Ports.choose(); err != nil {
		return err
	}
	s.values = values
	if values == found {
		return nil
	}
	return writeFile(s.dir, stateFile, values)
}

// Values returns the installation's secrets and ports.
func (s *State) Values() Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.values
}

// SavePorts saves the ports that a person has configured instead of those chosen; a
// 0 among them means the present one.
func (s *State) SavePorts(p Ports) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	values := s.values
	values.Ports = p.Or(values.Ports)
	if values == s.values {
		return nil
	}
	if err := writeFile(s.dir, stateFile, values); err != nil {
		return err
	}
	s.values = values
	return nil
}

// Close ends a run: the run-time facts are removed and the lock is free.
func (s *State) Close() error {
	err := os.Remove(filepath.Join(s.dir, runtimeFile))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, s.lock.Close())
}

// Read returns the secrets and ports of the installation in dir, whether it
// runs or not; ErrNone where there is none.
func Read(dir string) (Values, error) {
	var v Values
	err := readFile(dir, stateFile, &v)
	if errors.Is(err, fs.ErrNotExist) {
		return Values{}, fmt.Errorf("%w: %s", ErrNone, dir)
	}
	if err == nil {
		err = v.Ports.check()
	}
	if errors.Is(err, errDamaged) {
		err = fmt.Errorf("%w. Restore it from a backup; without it (remove it then) passwords and ports are made anew, and this is another installation to its bucket", err)
	}
	if err != nil {
		return Values{}, fmt.Errorf("read %s: %w", filepath.Join(dir, stateFile), err)
	}
	return v, nil
}

// errDamaged says that a file has other contents than this program writes.
var errDamaged = errors.New("the file is damaged")

// readFile reads a file of JSON that holds an object. Anything else is damage: of null,
// as some tools leave it, the decoder would make an object without values.
func readFile(dir, name string, into any) error {
	content, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	if content = bytes.TrimSpace(content); !bytes.HasPrefix(content, []byte("{")) {
		return fmt.Errorf("%w: it has %d bytes, and they are no JSON object", errDamaged, len(content))
	}
	if err := json.Unmarshal(content, into); err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	return nil
}

// writeFile replaces a file of JSON durably.
func writeFile(dir, name string, content any) error {
	b, err := json.MarshalIndent(content, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return datafile.Replace(filepath.Join(dir, name), append(b, '\n'))
}
