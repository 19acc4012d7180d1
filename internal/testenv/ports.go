package testenv

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"fonoteka/internal/datafile"
)

// Test ports lie below those that the program chooses by itself, so that
// nothing which a test starts takes one by chance.
const (
	lowestPort  = 10_000
	highestPort = 19_999
)

// Ports returns n free TCP ports of the loopback interface that no other test
// of this machine is given while this process lives: a server that a test
// stops finds its port free when it comes again, whatever the tests beside it
// have started meanwhile.
func Ports(t testing.TB, n int) []int {
	t.Helper()
	ports, err := TakePorts(n)
	if err != nil {
		t.Fatal(err)
	}
	return ports
}

// TakePorts is Ports for what belongs to no test.
func TakePorts(n int) ([]int, error) {
	// Shared by the processes, so it stays when they end.
	locks := filepath.Join(os.TempDir(), "fonoteka-test-ports-"+strconv.Itoa(os.Getuid()))
	if err := os.MkdirAll(locks, 0o700); err != nil {
		return nil, err
	}
	var ports []int
	for port := lowestPort; port <= highestPort && len(ports) < n; port++ {
		taken, err := takePort(filepath.Join(locks, strconv.Itoa(port)), port)
		if err != nil {
			return nil, fmt.Errorf("take port %d for a test: %w", port, err)
		}
		if taken {
			ports = append(ports, port)
		}
	}
	if len(ports) < n {
		return nil, fmt.Errorf("no %d ports are free for tests from %d to %d", n, lowestPort, highestPort)
	}
	return ports, nil
}

// takePort locks the port's file until the process ends.
func takePort(file string, port int) (bool, error) {
	f, err := datafile.TryLockPath(file)
	if errors.Is(err, datafile.ErrLocked) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false, nil
	}
	if err := datafile.KeepLocked(f); err != nil {
		return false, errors.Join(err, l.Close())
	}
	return true, l.Close()
}
