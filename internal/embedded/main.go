package embedded

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Hidden subcommands by which this executable starts itself.
const (
	clickhouseCommand = "embedded-clickhouse"
	s3Command         = "embedded-s3"
)

// Main runs a store and exits if this process was started to be one; otherwise
// it returns at once. Call it first thing in main, and in TestMain.
func Main() {
	if len(os.Args) < 2 {
		return
	}
	run := map[string]func(*lifeLine) error{clickhouseCommand: clickhouseMain, s3Command: s3Main}[os.Args[1]]
	if run == nil {
		return
	}
	// Only the end of the life line stops a store: a terminal's Ctrl-C or a
	// service manager's SIGTERM to the whole group must not take it away while
	// its parent still flushes into it. SIGPIPE is no reason to die either.
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	life, err := openLifeLine(os.Stdin)
	if err == nil {
		err = run(life)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, fatalPrefix+err.Error())
		os.Exit(1)
	}
	os.Exit(0)
}

// fatalPrefix marks the one line on stderr that says why a child gave up.
const fatalPrefix = "fatal: "

// ownsFolder is the line on stderr by which a child says, once, that it has its
// folder and its ports. Until then whoever answers there may be the orphan of a
// parent that was killed, on its way out.
const ownsFolder = "owns its folder"

// lifeLine is the child's end of the pipe its parent holds: first a line of
// JSON with the child's settings – so that no secret stands in the arguments –
// then silence until the parent closes it or dies.
type lifeLine struct {
	settings []byte
	cut      chan struct{} // closed when the parent closed the pipe or died
}

func openLifeLine(f *os.File) (*lifeLine, error) {
	// The descriptor is moved away from 0, which the engine's terminal takes.
	fd, err := syscall.Dup(int(f.Fd()))
	if err != nil {
		return nil, fmt.Errorf("duplicate the life line: %w", err)
	}
	syscall.CloseOnExec(fd)
	r := bufio.NewReader(os.NewFile(uintptr(fd), "life line"))
	settings, err := r.ReadBytes('\n')
	if err != nil {
		return nil, fmt.Errorf("read settings from the life line: %w", err)
	}
	l := &lifeLine{settings: settings, cut: make(chan struct{})}
	go func() {
		_, _ = io.Copy(io.Discard, r)
		close(l.cut)
	}()
	return l, nil
}

func (l *lifeLine) decode(settings any) error {
	if err := json.Unmarshal(l.settings, settings); err != nil {
		return fmt.Errorf("decode settings: %w", err)
	}
	return nil
}
