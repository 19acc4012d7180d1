package embedded

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// child is a store that runs as a process of its own. It lives no longer than
// the life line, a pipe whose writing end only this process holds.
//
// PR_SET_PDEATHSIG was rejected: it follows the thread that forked, which Go
// may end at any time, and it leaves the child no moment to stop cleanly.
type child struct {
	name        string
	cmd         *exec.Cmd
	life        *os.File
	stopTimeout time.Duration
	owns        chan struct{} // closed when it has its folder and ports for itself
	owning      sync.Once
	done        chan struct{}
	stopping    sync.Once

	mu      sync.Mutex
	stopped bool   // Stop was called
	fatal   string // the child's own last words
	err     error  // why it ended, once done is closed
}

// startChild starts command with settings. onLine gets every line of its
// stderr except ownsFolder and its last words.
func startChild(executable, command, dir string, settings any, stopTimeout time.Duration, onLine func(string)) (*child, error) {
	if executable == "" {
		var err error
		if executable, err = self(); err != nil {
			return nil, err
		}
	}
	greeting, err := json.Marshal(settings)
	if err != nil {
		return nil, fmt.Errorf("encode settings: %w", err)
	}
	lifeOut, lifeIn, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("open the life line: %w", err)
	}
	defer lifeOut.Close()
	cmd := exec.Command(executable)
	cmd.Args = []string{filepath.Base(os.Args[0]), command, dir} // dir only tells a reader of ps whose it is
	cmd.Dir = dir
	cmd.Stdin = lifeOut
	cmd.Env = childEnv(dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a terminal's Ctrl-C is for the parent
	stderr, err := cmd.StderrPipe()
	if err != nil {
		lifeIn.Close()
		return nil, fmt.Errorf("open stderr of %s: %w", command, err)
	}
	if err := cmd.Start(); err != nil {
		lifeIn.Close()
		return nil, fmt.Errorf("start %s: %w", command, err)
	}
	c := &child{name: command, cmd: cmd, life: lifeIn, stopTimeout: stopTimeout, owns: make(chan struct{}), done: make(chan struct{})}
	go c.watch(stderr, onLine)
	if _, err := lifeIn.Write(append(greeting, '\n')); err != nil {
		c.kill()
		return nil, fmt.Errorf("greet %s: %w", command, errors.Join(err, c.reason()))
	}
	return c, nil
}

// childEnv is this process's environment without the product's own settings,
// which hold secrets that are no store's business. HOME keeps the engine from
// reading a person's client settings.
func childEnv(dir string) []string {
	env := slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "FONOTEKA_") })
	return append(env, "TZ=UTC", "HOME="+dir)
}

// self names this executable so that it is found even after an upgrade has
// replaced or removed the file.
func self() (string, error) {
	if runtime.GOOS == "linux" {
		return "/proc/self/exe", nil
	}
	path, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find this executable: %w", err)
	}
	return path, nil
}

func (c *child) watch(stderr io.Reader, onLine func(string)) {
	// Lines may be long: a query stands in an engine's error. Longer ones are cut, never stall.
	r := bufio.NewReaderSize(stderr, 64<<10)
	for {
		line, err := r.ReadSlice('\n')
		text := strings.TrimRight(string(line), "\n")
		if text == ownsFolder {
			c.owning.Do(func() { close(c.owns) })
		} else if words, ok := strings.CutPrefix(text, fatalPrefix); ok {
			c.mu.Lock()
			c.fatal = words
			c.mu.Unlock()
		} else if text != "" {
			onLine(text)
		}
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = r.ReadSlice('\n')
		}
		if err != nil {
			break
		}
	}
	err := c.cmd.Wait()
	c.life.Close()
	c.mu.Lock()
	switch {
	case c.fatal != "":
		c.err = errors.New(c.fatal)
	case err != nil:
		c.err = fmt.Errorf("%s ended: %w", c.name, err)
	case !c.stopped:
		c.err = fmt.Errorf("%s ended by itself", c.name)
	}
	c.mu.Unlock()
	close(c.done)
}

// reason says why the child ended; nil while it runs and after a clean stop.
func (c *child) reason() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// stop cuts the life line and waits; past the context's end or the stop
// timeout the child is killed. It returns when the process is gone.
func (c *child) stop(ctx context.Context) error {
	c.stopping.Do(func() {
		c.mu.Lock()
		c.stopped = true
		c.mu.Unlock()
		c.life.Close()
	})
	timer := time.NewTimer(c.stopTimeout)
	defer timer.Stop()
	select {
	case <-c.done:
		return nil
	case <-timer.C:
	case <-ctx.Done():
	}
	c.kill()
	return fmt.Errorf("%s did not stop in time and was killed", c.name)
}

// kill ends the child at once and waits until it is gone.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	<-c.done
}
