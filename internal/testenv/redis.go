package testenv

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

const redisPassword = "test-redis"

// Redis is a redis-server of a test's own, without persistence and eviction: killed, it
// has lost everything. It answers at a TCP port and at a socket.
type Redis struct {
	t       testing.TB
	program string
	port    int
	dir     string
	cmd     *exec.Cmd // nil: it does not run
	life    func()    // ends cmd
}

// NewRedis prepares one that does not run yet.
func NewRedis(t testing.TB) *Redis {
	t.Helper()
	r := &Redis{t: t, program: Need(t, "redis-server"), port: Ports(t, 1)[0]}
	var err error
	if r.dir, err = os.MkdirTemp("", "redis"); err != nil { // t.TempDir can be too long for a socket
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Kill(); _ = os.RemoveAll(r.dir) })
	return r
}

// StartRedis starts one.
func StartRedis(t testing.TB) *Redis {
	t.Helper()
	r := NewRedis(t)
	r.Start()
	return r
}

// Addr is its host and port.
func (r *Redis) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(r.port)) }

// Password is what it asks for.
func (r *Redis) Password() string { return redisPassword }

// URL names it by its port, the password included.
func (r *Redis) URL() string { return "redis://:" + redisPassword + "@" + r.Addr() + "/0" }

// SocketURL names it by its socket, likewise.
func (r *Redis) SocketURL() string { return "unix://:" + redisPassword + "@" + r.socket() }

func (r *Redis) socket() string { return filepath.Join(r.dir, "s") }

// Start runs it and waits until it answers.
func (r *Redis) Start() {
	r.t.Helper()
	// The shell is the life line: it reads until this process closes the pipe
	// or dies, however it dies, and then takes the server along.
	r.cmd = exec.Command("/bin/sh", "-c", `"$@" & read -r _; kill -9 $!; wait $!`, "sh", r.program,
		"--port", strconv.Itoa(r.port), "--bind", "127.0.0.1", "--unixsocket", r.socket(), "--requirepass", redisPassword,
		"--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction", "--dir", r.dir)
	life, err := r.cmd.StdinPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		r.cmd = nil
		r.t.Fatalf("start redis-server: %v", err)
	}
	r.life = func() { _ = life.Close() }
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) { // it has no other way to say that it is up
		err := errors.Join(ping("tcp", r.Addr()), ping("unix", r.socket()))
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("redis-server does not answer: %v", err)
		}
	}
}

// Kill ends it at once, as kill -9, and returns when it has ended.
func (r *Redis) Kill() {
	if r.cmd == nil {
		return
	}
	r.life()
	_ = r.cmd.Wait() // its status is that of kill
	r.cmd = nil
}

// ping speaks just enough of the protocol to spare this package a client.
func ping(network, addr string) error {
	conn, err := net.DialTimeout(network, addr, time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(conn, "AUTH %s\r\n", redisPassword); err != nil {
		return err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return err
	}
	if line != "+OK\r\n" {
		return fmt.Errorf("it answered %q", line)
	}
	return nil
}
