package warehouse_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/warehouse"
)

func TestRefusalIsTheServersWordOnTheRows(t *testing.T) {
	t.Parallel()
	db := open(t)
	ask(t, db, "ALTER TABLE events ADD CONSTRAINT short CHECK length(body) < 10")
	poison := event(1, at("2026-11-20 10:00:00"), "longer than ten")
	err := db.InsertEvents(t.Context(), []call.Notification{event(2, at("2026-11-20 10:00:00"), "{}"), poison})
	if !warehouse.IsRefusal(err) || !strings.Contains(warehouse.ServerWords(err), "short") {
		t.Errorf("violated constraint: %v", err)
	}
	if n, last := db.Health(); n != 0 || last != nil {
		t.Errorf("a refusal is an answer, but health is %d, %v", n, last)
	}
	must(t, db.InsertEvents(t.Context(), []call.Notification{event(2, at("2026-11-20 10:00:00"), "{}")}))

	ask(t, db, "DROP TABLE calls")
	_, err = db.OpenCalls(t.Context(), time.Now(), 1)
	if err == nil || warehouse.IsRefusal(err) {
		t.Errorf("a table that is not there is no refusal: %v", err)
	}
	if n, last := db.Health(); n != 1 || last == nil {
		t.Errorf("health is %d, %v", n, last)
	}
	must(t, db.Ping(t.Context()))
	if n, _ := db.Health(); n != 0 {
		t.Errorf("after an answer health is %d", n)
	}
	for _, err := range []error{nil, io.EOF, context.DeadlineExceeded, errors.New("code: 469")} {
		if warehouse.IsRefusal(err) {
			t.Errorf("a refusal: %v", err)
		}
	}
}

func TestRefusalCodesAreTheServers(t *testing.T) {
	t.Parallel()
	db := open(t)
	for code, name := range warehouse.Refusals {
		if got := ask(t, db, fmt.Sprintf("SELECT errorCodeToName(%d)", code)); got != name {
			t.Errorf("code %d is %s, not %s", code, got, name)
		}
	}
}

// gate is a way to the server that can be shut.
type gate struct {
	to   string
	wrap func(net.Listener) net.Listener // nil: plain

	mu    sync.Mutex
	ln    net.Listener
	conns []net.Conn
}

func (g *gate) open(t *testing.T, addr string) string {
	t.Helper()
	ln, err := net.Listen("tcp", addr)
	must(t, err)
	if g.wrap != nil {
		ln = g.wrap(ln)
	}
	g.mu.Lock()
	g.ln = ln
	g.mu.Unlock()
	go func() {
		for {
			in, err := ln.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", g.to)
			if err != nil {
				in.Close()
				continue
			}
			g.mu.Lock()
			g.conns = append(g.conns, in, out)
			g.mu.Unlock()
			go io.Copy(in, out)
			go io.Copy(out, in)
		}
	}()
	return ln.Addr().String()
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ln.Close()
	for _, c := range g.conns {
		c.Close()
	}
	g.conns = nil
}

func TestOutageIsAnErrorInTimeAndPasses(t *testing.T) {
	t.Parallel()
	o := options(t)
	migrated(t, o)
	g := &gate{to: o.Addrs[0]}
	addr := g.open(t, "127.0.0.1:0")
	o.Addrs = []string{addr}
	db := connect(t, o)
	rows := []call.Notification{event(1, at("2026-11-20 10:00:00"), "{}")}
	must(t, db.InsertEvents(t.Context(), rows))

	g.shut()
	for range 3 {
		if err := within(t, 2*time.Second, func(ctx context.Context) error { return db.InsertEvents(ctx, rows) }); err == nil || warehouse.IsRefusal(err) {
			t.Fatalf("while the server is gone: %v", err)
		}
	}
	if n, _ := db.Health(); n < 3 {
		t.Errorf("%d failures in a row", n)
	}

	g.open(t, addr)
	defer g.shut()
	must(t, db.InsertEvents(t.Context(), rows))
	if n, _ := db.Health(); n != 0 {
		t.Errorf("back, and still %d failures", n)
	}
}

func TestTLSChecksTheServersName(t *testing.T) {
	t.Parallel()
	o := options(t)
	web := httptest.NewTLSServer(nil) // for its certificate, of 127.0.0.1 and example.com
	defer web.Close()
	g := &gate{to: o.Addrs[0], wrap: func(ln net.Listener) net.Listener { return tls.NewListener(ln, web.TLS) }}
	o.Addrs = []string{g.open(t, "127.0.0.1:0")}
	defer g.shut()
	o.TLS = web.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	migrated(t, o)
	o.TLS.ServerName = "elsewhere.example"
	if err := within(t, 2*time.Second, connect(t, o).Ping); err == nil || !strings.Contains(err.Error(), "elsewhere.example") {
		t.Errorf("another name's certificate: %v", err)
	}
}

func TestSilentServerIsAnErrorInTime(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer silent.Close()
	db := connect(t, warehouse.Options{Addrs: []string{silent.Addr().String()}, Password: "hunter2"})
	err = within(t, time.Second, db.Ping)
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

// within runs f with a context of that limit, and ends the test where f goes on for a
// minute after it.
func within(t *testing.T, limit time.Duration, f func(context.Context) error) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	select {
	case err := <-done:
		return err
	case <-time.After(limit + time.Minute):
		t.Fatalf("it does not end with its context, a minute after %v", limit)
		return nil
	}
}
