package embedded

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"fonoteka/internal/run"
)

// Users and the database of the embedded ClickHouse.
const (
	ClickHouseWriter = "fonoteka" // may do everything in every database
	ClickHouseReader = "reader"   // reads ClickHouseDatabase only, with limits, final = 1; see ClickHouseOptions.AllowUnconfined
	// ClickHouseAnalyst is for Grafana and SQL tools: as ClickHouseReader, but without
	// HiddenColumns. It exists where ClickHouseReader does.
	ClickHouseAnalyst = "analyst"
	// ClickHouseDictionaries reads the tables of ClickHouseDatabase whose names begin
	// with directory_: as this user the engine loads its dictionaries. Its password
	// is in their definitions, in the engine's folder, where clients can read it.
	ClickHouseDictionaries = "dictionaries"
	ClickHouseDatabase     = "fonoteka" // the reader's; created by the migrations, not here
)

// Column of a table of ClickHouseDatabase.
type Column struct{ Table, Column string }

// HiddenColumns hold the operator's own links to recordings, alone or within a
// notification, which can be played without a password for 90 days; what the salts of
// packages and of chains of custody are made from; and why a package was exported.
func HiddenColumns() []Column {
	return []Column{
		{"events", "body"},
		{"recordings", "url"},
		{"recordings_open", "url"},
		{"recordings_opened", "url"},
		{"rejected", "body"},
		{"custody_secret", "secret"},
		{"exports", "reason"},
		{"exports", "salt"},
	}
}

// ClickHouseOptions says how to start the embedded ClickHouse.
type ClickHouseOptions struct {
	Dir            string // its folder, created 0700; one process at a time
	Library        string // path of libchdb.so, see FetchEngine
	NativePort     int    // 0 = a free one
	HTTPPort       int    // 0 = a free one
	WriterPassword string // of ClickHouseWriter
	ReaderPassword string // of ClickHouseReader

	AnalystPassword string        // of ClickHouseAnalyst; "": there is no such user
	Memory          int64         // of this machine, in bytes: the engine takes half of it; 0 = ask the system
	Log             *slog.Logger  // the engine's own warnings and errors go here
	Executable      string        // a program that calls Main; default: this one
	StartTimeout    time.Duration // default 60 s, the wait for a former owner's lock included
	StopTimeout     time.Duration // default 20 s, then it is killed
	Landlock        int           // the version that a test pretends the kernel has; 0: the kernel's, -1: none

	DictionariesPassword string // of ClickHouseDictionaries; "": there is no such user

	// AllowUnconfined creates ClickHouseReader even where the engine is not confined
	// (see Confinement), so that its queries may read every file that this
	// process may. Without it there is no such user on such a machine.
	AllowUnconfined bool
}

func (o *ClickHouseOptions) validate() error {
	var missing []string
	for name, value := range map[string]string{"Dir": o.Dir, "Library": o.Library, "WriterPassword": o.WriterPassword, "ReaderPassword": o.ReaderPassword} {
		if value == "" {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("embedded ClickHouse: options missing: %s", strings.Join(missing, ", "))
	}
	o.Log = run.Log(o.Log)
	if o.Memory == 0 {
		o.Memory = machineMemory()
	}
	if o.StartTimeout == 0 {
		o.StartTimeout = 60 * time.Second
	}
	if o.StopTimeout == 0 {
		o.StopTimeout = 20 * time.Second
	}
	return nil
}

// ClickHouse is a running engine.
type ClickHouse struct {
	opts  ClickHouseOptions
	child *child
}

// clickhouseSettings are the settings of the child.
type clickhouseSettings struct {
	Library, Config, Users, Data, Lock string
	NativePort, HTTPPort               int
}

// limits say how many processors and how much memory this process may use.
var limits = []string{"/proc/self/cgroup", "/sys/fs/cgroup", "/sys/devices/system/cpu/online", "/sys/devices/system/cpu/possible"}

// reach is what the engine needs to access. abi is Landlock's version; 0: it is not confined.
func (s clickhouseSettings) reach(abi int) *reach {
	if abi == 0 {
		return nil
	}
	return &reach{
		ABI:    abi,
		Change: []string{s.Data, s.Lock},
		Read: append([]string{
			s.Config, s.Users, "/dev/urandom",
			"/proc/self/statm", // how much memory it takes; it does not start without
			"/proc/self/task",  // the cost of each query; without it each query throws and catches an exception, a tenth of a short one's time
			// How much memory there is and how to take it.
			"/proc/meminfo", "/proc/sys/vm/overcommit_memory", "/sys/kernel/mm/transparent_hugepage",
		}, limits...),
		Use:    []string{os.DevNull},
		Load:   []string{s.Library},
		Listen: []int{s.NativePort, s.HTTPPort},
	}
}

// StartClickHouse starts the engine and returns when it answers on both ports
// and lets the writer in: after 0.1 to 0.5 s. Idle, 260 MB of it are resident,
// 50 MB of its own and the rest pages of the library. ctx bounds the start only.
func StartClickHouse(ctx context.Context, opts ClickHouseOptions) (*ClickHouse, error) {
	if err := opts.validate(); err != nil {
		return nil, err
	}
	for _, path := range []*string{&opts.Dir, &opts.Library} { // the child has another working directory
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return nil, fmt.Errorf("start ClickHouse: %w", err)
		}
		*path = absolute
	}
	if err := engineSupported(); err != nil {
		return nil, err
	}
	if _, err := os.Stat(opts.Library); err != nil {
		return nil, fmt.Errorf("start ClickHouse: find its engine: %w", err)
	}
	if err := choosePorts(&opts.NativePort, &opts.HTTPPort); err != nil {
		return nil, fmt.Errorf("start ClickHouse: %w", err)
	}
	abi, unconfined := confinement(opts.Landlock)
	terminal, err := openTerminal()
	if err != nil {
		return nil, fmt.Errorf("start ClickHouse: %w", err)
	}
	defer terminal.close() // the child has its own
	lines := engineLog{log: opts.Log}
	settings := clickhouseSettings{
		Library: opts.Library, Config: filepath.Join(opts.Dir, "config.xml"), Users: filepath.Join(opts.Dir, "users.xml"),
		Data: filepath.Join(opts.Dir, "data"), Lock: filepath.Join(opts.Dir, "lock"),
		NativePort: opts.NativePort, HTTPPort: opts.HTTPPort,
	}
	if err := writeClickHouseConfig(&opts, settings, unconfined == nil || opts.AllowUnconfined); err != nil {
		return nil, fmt.Errorf("start ClickHouse: %w", err)
	}
	c, err := startChild(program{
		executable: opts.Executable, command: clickhouseCommand, dir: opts.Dir, settings: settings,
		reach: settings.reach(abi), terminal: terminal, onLine: lines.line, stopTimeout: opts.StopTimeout,
	})
	if err != nil {
		return nil, fmt.Errorf("start ClickHouse: %w", err)
	}
	ch := &ClickHouse{opts: opts, child: c}
	if err := ch.awaitReady(ctx); err != nil {
		c.kill()
		return nil, fmt.Errorf("start ClickHouse: %w", err)
	}
	logConfinement(opts.Log, StoreClickHouse, abi, unconfined)
	return ch, nil
}

// NativeAddr is host:port of the native protocol.
func (c *ClickHouse) NativeAddr() string { return address(c.opts.NativePort) }

// HTTPAddr is host:port of the HTTP interface.
func (c *ClickHouse) HTTPAddr() string { return address(c.opts.HTTPPort) }

// Done is closed when the engine has died or was stopped.
func (c *ClickHouse) Done() <-chan struct{} { return c.child.done }

// Err says why the engine died; nil while it runs and after a clean Stop.
func (c *ClickHouse) Err() error { return c.child.reason() }

// Stop ends the engine, or kills it at the context's end or after StopTimeout,
// which it reports. It returns when the process has ended. Running queries are
// cancelled; nothing acknowledged is lost either way. It takes some 20 ms.
func (c *ClickHouse) Stop(ctx context.Context) error { return c.child.stop(ctx) }

// Probe says whether the engine listens on both ports and answers a ping.
func (c *ClickHouse) Probe(ctx context.Context) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", c.NativeAddr())
	if err != nil {
		return fmt.Errorf("probe the native port: %w", err)
	}
	conn.Close()
	return answers(ctx, c.HTTPAddr(), "/ping")
}

// awaitReady polls until the engine answers a ping, runs a query of the writer
// and listens on the native port.
func (c *ClickHouse) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.opts.StartTimeout)
	defer cancel()
	return awaitReady(ctx, c.child, func(client *http.Client) error {
		if err := expect(ctx, client, c.HTTPAddr(), "/ping", "", "", "Ok.\n"); err != nil {
			return err
		}
		if err := expect(ctx, client, c.HTTPAddr(), "/?query=SELECT%201", ClickHouseWriter, c.opts.WriterPassword, "1\n"); err != nil {
			return err
		}
		return dial(ctx, c.NativeAddr())
	})
}

// expect asks an HTTP address and compares the answer.
func expect(ctx context.Context, client *http.Client, addr, path, user, password, want string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path, nil)
	if err != nil {
		return err
	}
	if user != "" {
		req.Header.Set("X-ClickHouse-User", user)
		req.Header.Set("X-ClickHouse-Key", password)
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	if err != nil {
		return err
	}
	if string(body) != want {
		return fmt.Errorf("%s answered status %d", addr, resp.StatusCode)
	}
	return nil
}
