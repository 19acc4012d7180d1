//go:build !noengine && (linux || darwin)

package embedded

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"unsafe"

	"github.com/creack/pty"
	"github.com/ebitengine/purego"
	"golang.org/x/sys/unix"
)

// engineSupported is nil where this binary can load the engine.
func engineSupported() error { return nil }

// clickhouseMain is the child: clickhouse-local, which opens real native and
// HTTP ports, until its life line is cut.
//
// It runs interactively on a pseudo-terminal. In batch mode an exception that
// escapes a connection – a client's reset is enough – ends the whole server;
// at a prompt it is shown and the server goes on.
//
// When the life line is cut the process ends at once, as by a kill, which loses
// nothing acknowledged. Typing "exit" was rejected: the engine's own session ends
// then, while the ports stay open for up to ten seconds, and the place of the user
// "default" is free for whoever knocks.
func clickhouseMain(life *lifeLine) error {
	var s clickhouseSettings
	if err := life.decode(&s); err != nil {
		return err
	}
	if err := lockFile(s.Lock, lockWait, life.cut); err != nil {
		return err
	}
	if err := portFree(s.NativePort, "clickhouse-port"); err != nil {
		return err
	}
	if err := portFree(s.HTTPPort, "clickhouse-http-port"); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, ownsFolder)
	// Flushing system logs hangs on what an earlier run left of them.
	if err := os.RemoveAll(s.Data + "/data/system"); err != nil {
		return fmt.Errorf("remove old system tables: %w", err)
	}
	terminal := os.NewFile(terminalFD, "terminal")
	go func() { _, _ = io.Copy(io.Discard, terminal) }() // the prompt's chatter
	go func() {
		<-life.cut
		runtime.KeepAlive(terminal) // closed by the garbage collector, it would end the engine's session
		os.Exit(0)
	}()
	return runEngine(s.Library, life.reach, []string{
		"clickhouse", "--config-file=" + s.Config, "--path", s.Data,
		"--listen_host", loopback,
		"--tcp_port", strconv.Itoa(s.NativePort), "--http_port", strconv.Itoa(s.HTTPPort),
		"--interactive", "--disable_suggestion", "--history_file=/dev/null",
		"--query", "SYSTEM START LISTEN TCP; SYSTEM START LISTEN HTTP",
	})
}

// openTerminal makes a pseudo-terminal for the child. It is opened here, since
// whoever may open terminals may read those of people.
func openTerminal() (*terminal, error) {
	master, slave, err := pty.Open()
	if err != nil {
		return nil, fmt.Errorf("open a pseudo-terminal: %w", err)
	}
	return &terminal{master, slave}, nil
}

// offMainThread runs f on a thread that is not the first of the process, and
// returns when it has. Of the first one alone the C library knows the stack only
// from /proc/self/maps, which a confined process may not read.
func offMainThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			offMainThread(f) // another goroutine, and not on this thread
			return
		}
		f()
	}()
	<-done
}

// runEngine calls clickhouse-local's main in the library and returns when it
// has ended. Its thread is confined to r, if there is one.
func runEngine(library string, r *reach, args []string) error {
	handle, err := purego.Dlopen(library, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return fmt.Errorf("load the engine: %w", err)
	}
	var (
		cmdline     func(argc int32, argv unsafe.Pointer) uintptr
		resultError func(result uintptr) string
		setSignals  func(enabled int32)
	)
	for name, f := range map[string]any{
		"chdb_query_cmdline": &cmdline, "chdb_result_error": &resultError, "chdb_set_signal_handlers_enabled": &setSignals,
	} {
		if _, err := purego.Dlsym(handle, name); err != nil {
			return fmt.Errorf("load the engine: %w", err)
		}
		purego.RegisterLibFunc(f, handle, name)
	}
	setSignals(0) // they are Go's; the engine's own handlers would break its runtime

	var pin runtime.Pinner // argv is kept by the engine for as long as it runs
	defer pin.Unpin()
	argv := make([]*byte, len(args)+1)
	pin.Pin(&argv[0])
	for i, arg := range args {
		b := append([]byte(arg), 0)
		pin.Pin(&b[0])
		argv[i] = &b[0]
	}
	var result uintptr
	offMainThread(func() {
		if r != nil {
			if err = confineThread(*r); err != nil {
				return
			}
		}
		result = cmdline(int32(len(args)), unsafe.Pointer(&argv[0]))
	})
	if err != nil {
		return err
	}
	if result != 0 {
		if msg := resultError(result); msg != "" {
			return fmt.Errorf("the engine ended: %s", msg)
		}
	}
	return nil
}
