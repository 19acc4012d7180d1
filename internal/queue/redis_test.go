package queue_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// server is a real Redis on a socket of its own, without persistence: killed,
// it has lost everything.
type server struct {
	t    *testing.T
	sock string
	cmd  *exec.Cmd
}

func newServer(t *testing.T) *server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("redis-server is not installed: apt-get install redis-server")
	}
	dir, err := os.MkdirTemp("", "rq") // t.TempDir can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, sock: filepath.Join(dir, "s")}
	t.Cleanup(func() { s.kill(); os.RemoveAll(dir) })
	return s
}

func (s *server) url() string { return "unix://" + s.sock }

func (s *server) start() {
	s.t.Helper()
	s.cmd = exec.Command("redis-server", "--port", "0", "--unixsocket", s.sock, "--save", "", "--appendonly", "no",
		"--maxmemory-policy", "noeviction", "--dir", filepath.Dir(s.sock))
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	eventually(s.t, "redis-server answers", func() bool {
		c, err := net.Dial("unix", s.sock)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

func (s *server) kill() {
	if s.cmd != nil {
		s.cmd.Process.Kill()
		s.cmd.Wait()
		s.cmd = nil
	}
}

// redises runs a test on both kinds of Redis.
func redises(t *testing.T, test func(t *testing.T, url string)) {
	t.Run("real", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		s.start()
		test(t, s.url())
	})
	t.Run("in process", func(t *testing.T) {
		t.Parallel()
		test(t, "redis://"+miniredis.RunT(t).Addr())
	})
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("did not happen in 30 s: %s", what)
		}
	}
}
