package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"fonoteka/internal/run"
)

// S3Region is the region of the embedded S3.
const S3Region = "us-east-1"

// S3Options says how to start the embedded S3.
type S3Options struct {
	Dir          string        // its folder, created 0700; one process at a time
	Port         int           // 0 = a free one
	AccessKey    string        // of its only account, who may do everything
	SecretKey    string        // likewise
	Log          *slog.Logger  // its internal errors go here
	Executable   string        // a program that calls Main; default: this one
	StartTimeout time.Duration // default 30 s, the wait for a former owner's lock included
	StopTimeout  time.Duration // default 20 s, then it is killed
	Landlock     int           // the version that a test pretends the kernel has; 0: the kernel's, -1: none
}

func (o *S3Options) validate() error {
	if o.Dir == "" || o.AccessKey == "" || o.SecretKey == "" {
		return errors.New("embedded S3: Dir, AccessKey and SecretKey are needed")
	}
	o.Log = run.Log(o.Log)
	if o.StartTimeout == 0 {
		o.StartTimeout = 30 * time.Second
	}
	if o.StopTimeout == 0 {
		o.StopTimeout = 20 * time.Second
	}
	return nil
}

// S3 is a running object store. What it answered with success is on disk:
// data, metadata, holds and the folders that lead there. An object under legal
// hold is not deleted, whatever its retention says.
type S3 struct {
	opts  S3Options
	child *child
}

// s3Settings are the settings of the child.
type s3Settings struct {
	Dir, AccessKey, SecretKey string
	Port                      int
}

// reach is what the object store needs to access. abi is Landlock's version; 0: it is not
// confined. The folders are named one by one because each may be a link to
// another disk; a folder of metadata is there only where it is needed.
func (s s3Settings) reach(abi int) *reach {
	if abi == 0 {
		return nil
	}
	r := &reach{
		ABI:    abi,
		Change: []string{s.Dir},
		Read: append([]string{
			"/proc/self/fd",        // the gateway gives a name to a file without one by it
			"/proc/self/mountinfo", // where the limits are, for Go's number of threads
		}, limits...),
		Use:    []string{os.DevNull},
		Listen: []int{s.Port},
	}
	for _, folder := range []string{s.objects(), s.versions(), s.metadata()} {
		if _, err := os.Stat(folder); err == nil {
			r.Change = append(r.Change, folder)
		}
	}
	return r
}

func (s s3Settings) objects() string  { return filepath.Join(s.Dir, "objects") }
func (s s3Settings) versions() string { return filepath.Join(s.Dir, "versions") }
func (s s3Settings) metadata() string { return filepath.Join(s.Dir, "metadata") }

// StartS3 starts the object store and returns when it answers. ctx bounds the
// start only.
func StartS3(ctx context.Context, opts S3Options) (*S3, error) {
	if err := opts.validate(); err != nil {
		return nil, err
	}
	var err error
	if opts.Dir, err = filepath.Abs(opts.Dir); err != nil {
		return nil, fmt.Errorf("start S3: %w", err)
	}
	if err := os.MkdirAll(opts.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("start S3: create its folder: %w", err)
	}
	if err := choosePorts(&opts.Port); err != nil {
		return nil, fmt.Errorf("start S3: %w", err)
	}
	abi, unconfined := confinement(opts.Landlock)
	settings := s3Settings{Dir: opts.Dir, AccessKey: opts.AccessKey, SecretKey: opts.SecretKey, Port: opts.Port}
	c, err := startChild(program{
		executable: opts.Executable, command: s3Command, dir: opts.Dir, settings: settings, reach: settings.reach(abi),
		onLine: func(line string) { opts.Log.Warn("s3 reports", "err", clip(line)) }, stopTimeout: opts.StopTimeout,
	})
	if err != nil {
		return nil, fmt.Errorf("start S3: %w", err)
	}
	s := &S3{opts: opts, child: c}
	if err := s.awaitReady(ctx); err != nil {
		c.kill()
		return nil, fmt.Errorf("start S3: %w", err)
	}
	logConfinement(opts.Log, StoreS3, abi, unconfined)
	return s, nil
}

// Addr is host:port of the object store; plain http.
func (s *S3) Addr() string { return address(s.opts.Port) }

// Done is closed when the object store has died or was stopped.
func (s *S3) Done() <-chan struct{} { return s.child.done }

// Err says why the object store died; nil while it runs and after a clean Stop.
func (s *S3) Err() error { return s.child.reason() }

// Stop ends the object store once its running requests are answered, or kills
// it at the context's end or after StopTimeout, which it reports. It returns
// when the process is gone; nothing acknowledged is lost either way.
func (s *S3) Stop(ctx context.Context) error { return s.child.stop(ctx) }

// Probe says whether the object store answers; without credentials it refuses.
func (s *S3) Probe(ctx context.Context) error { return answers(ctx, s.Addr(), "/") }

func (s *S3) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.opts.StartTimeout)
	defer cancel()
	return awaitReady(ctx, s.child, func(*http.Client) error {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		return s.Probe(ctx)
	})
}
