package embeddedtest

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"fonoteka/internal/embedded"
)

const redisPassword = "test-redis"

// Redis starts the real redis-server for this test alone, without persistence
// and eviction, and returns its address and password.
func Redis(t testing.TB) (addr, password string) {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		unavailable(t, "redis-server was not found: install it (Debian: apt-get install redis-server)")
	}
	port := strconv.Itoa(Ports(t, 1)[0])
	addr = net.JoinHostPort("127.0.0.1", port)
	// The shell is the life line: it reads until this process closes the pipe
	// or dies, however it dies, and then takes the server along.
	cmd := exec.Command("/bin/sh", "-c", `"$@" & read -r _; kill -9 $!`, "sh", binary,
		"--port", port, "--bind", "127.0.0.1", "--requirepass", redisPassword,
		"--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction", "--dir", t.TempDir())
	life, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start redis-server: %v", err)
	}
	t.Cleanup(func() {
		life.Close()
		_ = cmd.Wait() // its status is that of kill
	})
	for deadline := time.Now().Add(10 * time.Second); ; {
		err := pingRedis(addr)
		if err == nil {
			return addr, redisPassword
		}
		if time.Now().After(deadline) {
			t.Fatalf("redis-server does not answer: %v", err)
		}
		time.Sleep(5 * time.Millisecond) // it has no other way to say that it is up
	}
}

// pingRedis speaks just enough of the protocol to spare this package a client.
func pingRedis(addr string) error {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
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

// MiniRedis starts the embedded Redis for this test alone and returns its
// address and password.
func MiniRedis(t testing.TB) (addr, password string) {
	t.Helper()
	r, err := embedded.StartRedis(embedded.RedisOptions{Password: redisPassword})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Stop(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	})
	return r.Addr(), redisPassword
}
