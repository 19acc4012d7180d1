package embedded

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// child is a store that runs as a process of its own. It stops when its life line is
// closed, a connection whose other end only this process has open.
//
// PR_SET_PDEATHSIG was rejected: it is tied to the thread that forked, which Go
// may end at any time, and it leaves the child no time to stop cleanly.
type child struct {
	name        string
	cmd         *exec.Cmd
	life        *os.File
	stopTimeout time.Duration
	owns        chan struct{} // closed when it has locked its folder and its ports are free
	owning      sync.Once
	done        chan struct{}
	stopping    sync.Once

	mu      sync.Mutex
	stopped bool   // Stop was called
	fatal   string // the error that the child reported before it ended
	err     error  // why it ended, once done is closed
}

// program describes a child.
type program struct {
	executable  string // one that calls Main; "": this one
	command     string // of Main's
	dir         string // its folder, and working directory
	settings    any
	reach       *reach       // what it may access; nil: all that this process may
	terminal    *terminal    // nil: it has none
	onLine      func(string) // is called with every line of its stderr except ownsFolder and its fatal error
	stopTimeout time.Duration
}

// terminal is a pseudo-terminal. The slave becomes the child's stdin and stdout;
// the child itself has the master, since it must not depend on its parent.
type terminal struct{ master, slave *os.File }

func (t *terminal) close() {
	t.master.Close()
	t.slave.Close()
}

// argsOfChild are the program's name, the command and the folder.
const argsOfChild = 3

// cmd returns the command of the program, without its life line.
func (p program) cmd() (*exec.Cmd, error) {
	executable := p.executable
	if executable == "" {
		var err error
		if executable, err = self(); err != nil {
			return nil, err
		}
	}
	cmd := exec.Command(executable)
	cmd.Args = []string{filepath.Base(os.Args[0]), p.command, p.dir} // the folder only shows in ps which installation it belongs to
	cmd.Dir = p.dir
	cmd.Env = childEnv(p.dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a terminal's Ctrl-C is for the parent
	return cmd, nil
}

// startChild starts a program and sends it its settings.
func startChild(p program) (*child, error) {
	cmd, err := p.cmd()
	if err != nil {
		return nil, err
	}
	settings, err := json.Marshal(p.settings)
	if err != nil {
		return nil, fmt.Errorf("encode settings: %w", err)
	}
	first, err := json.Marshal(hello{p.reach, settings})
	if err != nil {
		return nil, fmt.Errorf("encode settings: %w", err)
	}
	lifeOut, lifeIn, err := socketPair("life line")
	if err != nil {
		return nil, err
	}
	defer lifeOut.Close()
	stderr, theirs, err := socketPair("stderr")
	if err != nil {
		lifeIn.Close()
		return nil, err
	}
	defer theirs.Close()
	cmd.Stderr, cmd.ExtraFiles = theirs, []*os.File{lifeOut}
	if p.terminal != nil {
		cmd.Stdin, cmd.Stdout = p.terminal.slave, p.terminal.slave
		cmd.ExtraFiles = append(cmd.ExtraFiles, p.terminal.master)
	}
	if err := cmd.Start(); err != nil {
		lifeIn.Close()
		stderr.Close()
		return nil, fmt.Errorf("start %s: %w", p.command, err)
	}
	c := &child{name: p.command, cmd: cmd, life: lifeIn, stopTimeout: p.stopTimeout, owns: make(chan struct{}), done: make(chan struct{})}
	go c.watch(stderr, p.onLine)
	if _, err := lifeIn.Write(append(first, '\n')); err != nil {
		c.kill()
		return nil, fmt.Errorf("send %s its settings: %w", p.command, errors.Join(err, c.reason()))
	}
	return c, nil
}

// logConfinement logs, once a store is up, whether it is confined.
func logConfinement(log *slog.Logger, store Store, abi int, unconfined error) {
	if unconfined == nil {
		log.Info("embedded store is confined to its folder", "store", store, "landlock", abi)
		return
	}
	log.Warn("embedded store is not confined: who takes it over can read every file that this process can", "store", store, "err", unconfined)
}

// socketPair returns two connected ends. A pipe was rejected, because it can be opened again
// through the child's /proc/self/fd: a client of the engine could
// read its log, or block it. A socket cannot be opened.
func socketPair(name string) (a, b *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("open the %s: %w", name, err)
	}
	return os.NewFile(uintptr(fds[0]), name), os.NewFile(uintptr(fds[1]), name), nil
}

// inherited are the environment variables that children get from this process:
// they tune Go's runtime and the loader, and hold no secret.
var inherited = []string{"GODEBUG", "GOGC", "GOMAXPROCS", "GOMEMLIMIT", "GOTRACEBACK", "LD_LIBRARY_PATH"}

// childEnv is the whole environment of a child. That of this process has
// secrets – the product's, a cloud's, a token of the person who started it – and
// clients of a store may be able to read its environment. HOME keeps the engine from reading
// a person's client settings. The engine resolves its own host's name; confined it
// may not read the resolver's configuration, and with RES_OPTIONS it gives up after a second.
func childEnv(dir string) []string {
	env := []string{"TZ=UTC", "HOME=" + dir, "RES_OPTIONS=timeout:1 attempts:1"}
	for _, name := range inherited {
		if value, set := os.LookupEnv(name); set {
			env = append(env, name+"="+value)
		}
	}
	return env
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

func (c *child) watch(stderr io.ReadCloser, onLine func(string)) {
	defer stderr.Close()
	// Lines may be long: an error of the engine contains the query. Longer ones are cut, and
	// never block.
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

// reason is why the child ended; nil while it runs and after a clean stop.
func (c *child) reason() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// stop closes the life line and waits; after the context's end or the stop
// timeout the child is killed. It returns when the process has ended.
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
