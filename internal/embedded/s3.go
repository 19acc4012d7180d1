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
}

func (o *S3Options) validate() error {
	if o.Dir == "" || o.AccessKey == "" || o.SecretKey == "" {
		return errors.New("embedded S3: Dir, AccessKey and SecretKey are needed")
	}
	o.Log = orDiscard(o.Log)
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

// s3Settings is what the child is told.
type s3Settings struct {
	Dir, AccessKey, SecretKey string
	Port                      int
}

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
	c, err := startChild(opts.Executable, s3Command, opts.Dir, s3Settings{
		Dir: opts.Dir, AccessKey: opts.AccessKey, SecretKey: opts.SecretKey, Port: opts.Port,
	}, opts.StopTimeout, func(line string) { opts.Log.Warn("s3 reports", "err", clip(line)) })
	if err != nil {
		return nil, fmt.Errorf("start S3: %w", err)
	}
	s := &S3{opts: opts, child: c}
	if err := s.awaitReady(ctx); err != nil {
		c.kill()
		return nil, fmt.Errorf("start S3: %w", err)
	}
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

func (s *S3) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.opts.StartTimeout)
	defer cancel()
	return awaitReady(ctx, s.child, func(client *http.Client) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Addr()+"/", nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		return resp.Body.Close() // any answer will do: without credentials it is a refusal
	})
}
