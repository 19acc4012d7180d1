package state

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// Ports are chosen below the range that systems use for outgoing
// connections (from 32768 on Linux): a port inside that range may be in use by
// a connection when a store needs it again.
const (
	lowestPort  = 20_000
	highestPort = 32_767
)

// given are the ports that FreePorts has returned: until the store listens, they look free.
var given sync.Map

// FreePorts returns n distinct TCP ports that are free on the loopback
// interface now, none of which it has returned before in this process.
func FreePorts(n int) ([]int, error) {
	ports := make([]int, 0, n)
	for range 1000 {
		if len(ports) == n {
			return ports, nil
		}
		port := lowestPort + rand.IntN(highestPort-lowestPort+1)
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		_ = l.Close()
		if _, again := given.LoadOrStore(port, true); !again {
			ports = append(ports, port)
		}
	}
	return nil, errors.New("choose a free port: none found")
}

func (p *Ports) all() []*int {
	return []*int{&p.ClickHouseNative, &p.ClickHouseHTTP, &p.S3, &p.Redis}
}

// check reports an invalid port; 0 is one that is not chosen yet.
func (p *Ports) check() error {
	for _, port := range p.all() {
		if *port < 0 || *port > 65535 {
			return fmt.Errorf("ports: %d is no port", *port)
		}
	}
	return nil
}

// choose replaces the zeros by free ports.
func (p *Ports) choose() error {
	free, err := FreePorts(len(p.all()))
	if err != nil {
		return fmt.Errorf("choose the stores' ports: %w", err)
	}
	for i, port := range p.all() {
		if *port == 0 {
			*port = free[i]
		}
	}
	return nil
}

// Or returns p with the ports of other where p has none (0).
func (p Ports) Or(other Ports) Ports {
	for i, port := range p.all() {
		if *port == 0 {
			*port = *other.all()[i]
		}
	}
	return p
}
