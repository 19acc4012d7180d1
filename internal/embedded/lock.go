package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"fonoteka/internal/datafile"
	"fonoteka/internal/state"
)

// lockWait is how long a store waits for the folder's former owner: after a
// kill -9 of the parent an orphan needs some seconds to notice and to stop.
const lockWait = 20 * time.Second

// forcedExit is how long an orphan takes at most; shorter than lockWait.
const forcedExit = 10 * time.Second

// lockFile takes the exclusive lock on path for the life of this process, and writes
// the process id into it, for people. It waits for another process for as long as wait
// says, and until cut is closed.
func lockFile(path string, wait time.Duration, cut <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	stopped := make(chan struct{})
	defer close(stopped)
	go func() {
		select {
		case <-cut:
			cancel()
		case <-stopped:
		}
	}()
	f, err := datafile.LockPath(ctx, path)
	switch {
	case errors.Is(err, datafile.ErrLocked) && errors.Is(ctx.Err(), context.Canceled):
		return errors.New("stopped while waiting for the lock")
	case errors.Is(err, datafile.ErrLocked):
		return fmt.Errorf("lock %s: another process has held it for %v", path, wait)
	case err != nil:
		return err
	}
	defer f.Close()
	if err = writePid(f); err == nil {
		err = datafile.KeepLocked(f)
	}
	if err != nil {
		return fmt.Errorf("lock %s: %w", path, err)
	}
	return nil
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
