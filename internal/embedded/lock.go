package embedded

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"fonoteka/internal/state"
)

// lockWait is how long a store waits for the folder's former owner: after a
// kill -9 of the parent an orphan needs some seconds to notice and to stop.
const lockWait = 20 * time.Second

// forcedExit is how long an orphan takes at most; shorter than lockWait.
const forcedExit = 10 * time.Second

// locked are the files of lockFile: one that nobody refers to is closed by the garbage
// collector, and its lock is given up with it.
var locked struct {
	sync.Mutex
	files []*os.File
}

// lockFile takes the exclusive lock on path for the life of this process, and writes
// the process id into it, for people. wait is how long another process is waited for.
func lockFile(path string, wait time.Duration, cut <-chan struct{}) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open the lock: %w", err)
	}
	deadline := time.Now().Add(wait)
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			if err := writePid(f); err != nil {
				f.Close()
				return fmt.Errorf("lock %s: %w", path, err)
			}
			locked.Lock()
			locked.files = append(locked.files, f)
			locked.Unlock()
			return nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			f.Close()
			return fmt.Errorf("lock %s: %w", path, err)
		}
		if time.Now().After(deadline) {
			f.Close()
			return fmt.Errorf("lock %s: another process has held it for %v", path, wait)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-cut:
			f.Close()
			return errors.New("stopped while waiting for the lock")
		}
	}
}

func writePid(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// loopback is the only address a store listens on.
const loopback = "127.0.0.1"

func address(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }

// portFree says in an operator's words that a port is taken, and the flag of
// serve that gives another; a store that fails to listen would only say so in
// its own words, late.
func portFree(port int, flag string) error {
	l, err := net.Listen("tcp", address(port))
	if err != nil {
		return fmt.Errorf("port %d is not free; end what has it, or give another with --%s: %w", port, flag, err)
	}
	return l.Close()
}

// choosePorts replaces the zeros among ports by free ones.
func choosePorts(ports ...*int) error {
	for _, p := range ports {
		if *p != 0 {
			continue
		}
		free, err := state.FreePorts(1)
		if err != nil {
			return err
		}
		*p = free[0]
	}
	return nil
}
