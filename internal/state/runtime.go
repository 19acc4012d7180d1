package state

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"fonoteka/internal/datafile"
)

// Runtime says where the running process of an installation can be reached.
type Runtime struct {
	PID           int    `json:"pid"`
	PublicListen  string `json:"public_listen"`  // host:port as it was bound
	PrivateListen string `json:"private_listen"` // host:port as it was bound
}

// ErrNotRunning says that no process holds the installation.
var ErrNotRunning = errors.New("fonoteka does not run on this data folder")

// Announce writes the run-time facts for ReadRuntime; Close removes them.
func (s *State) Announce(r Runtime) error { return writeFile(s.dir, runtimeFile, r) }

// Running says whether a process holds the installation in dir.
func Running(dir string) (bool, error) {
	running, err := datafile.Locked(filepath.Join(dir, lockFile))
	if err != nil {
		return false, fmt.Errorf("look for a running fonoteka: %w", err)
	}
	return running, nil
}

// ReadRuntime returns where the running process can be reached. ErrNotRunning if there is
// none, even if a crashed one has left its facts behind, and while a process has
// not announced itself yet.
func ReadRuntime(dir string) (Runtime, error) {
	running, err := Running(dir)
	if err != nil {
		return Runtime{}, err
	}
	if !running {
		return Runtime{}, ErrNotRunning
	}
	var r Runtime
	err = readFile(dir, runtimeFile, &r)
	if errors.Is(err, fs.ErrNotExist) {
		return Runtime{}, ErrNotRunning
	}
	if err != nil {
		return Runtime{}, fmt.Errorf("read %s: %w", filepath.Join(dir, runtimeFile), err)
	}
	return r, nil
}
