package embedded

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strconv"
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
	if err := become(run); err != nil {
		fmt.Fprintln(os.Stderr, fatalPrefix+err.Error())
		os.Exit(1)
	}
	os.Exit(0)
}

// become confines this process, if its parent says so, and runs the store.
func become(run func(*lifeLine) error) error {
	life, err := openLifeLine()
	if err != nil {
		return err
	}
	if life.reach != nil && !life.confined {
		err := confineAndRestart(*life.reach, life.line)
		runtime.KeepAlive(life) // closed by the garbage collector, the line would be cut for the process begun anew
		return err
	}
	if life.confined {
		if err := checkConfined(); err != nil {
			return err
		}
	}
	go life.watch()
	return run(life)
}

// fatalPrefix marks the one line on stderr that says why a child gave up.
const fatalPrefix = "fatal: "

// ownsFolder is the line on stderr by which a child reports, once, that it has locked its
// folder and that its ports are free. Until then the child of a killed parent may still
// answer there.
const ownsFolder = "owns its folder"

// Descriptors that the parent gives a child beside stdin, stdout and stderr.
const (
	lifeLineFD = 3 + iota
	terminalFD // of ClickHouse only
)

// hello is the first line that a child reads from its life line.
type hello struct {
	Reach    *reach // nil: it is not confined
	Settings json.RawMessage
}

// lifeLine is the child's end of a connection to its parent: first comes a line with the
// hello – so that no secret is in the arguments – then nothing until the
// parent closes it or ends.
type lifeLine struct {
	conn     *os.File
	line     []byte // the hello as it was received
	reach    *reach
	settings []byte
	confined bool          // this process is the second one, which got the hello from the first
	cut      chan struct{} // closed when the parent has closed the connection or ended
}

// openLifeLine reads the hello: from the connection, or from the descriptor that
// confineAndRestart has named in the last argument.
func openLifeLine() (*lifeLine, error) {
	l := &lifeLine{conn: os.NewFile(lifeLineFD, "life line"), cut: make(chan struct{})}
	from := l.conn
	if len(os.Args) > argsOfChild {
		kept, err := strconv.Atoi(os.Args[argsOfChild])
		if err != nil {
			return nil, fmt.Errorf("find the settings: %w", err)
		}
		from, l.confined = os.NewFile(uintptr(kept), "settings"), true
		defer from.Close()
	}
	var err error
	if l.line, err = bufio.NewReader(from).ReadBytes('\n'); err != nil {
		return nil, fmt.Errorf("read settings from the %s: %w", from.Name(), err)
	}
	var g hello
	if err := json.Unmarshal(l.line, &g); err != nil {
		return nil, fmt.Errorf("decode the hello: %w", err)
	}
	l.reach, l.settings = g.Reach, g.Settings
	return l, nil
}

// watch returns when the life line is cut.
func (l *lifeLine) watch() {
	_, _ = io.Copy(io.Discard, l.conn)
	close(l.cut)
}

func (l *lifeLine) decode(settings any) error {
	if err := json.Unmarshal(l.settings, settings); err != nil {
		return fmt.Errorf("decode settings: %w", err)
	}
	return nil
}
