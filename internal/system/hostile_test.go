package system

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var hostileConnections = flag.Int("hostile-connections", 1500, "slow connections of TestAHostileClientDoesNotKeepTheOperatorOut")

// attack is one of the ways to be a nuisance; it is repeated until ctx ends.
type attack struct {
	name    string
	callers int
	once    func(ctx context.Context, a *attacker)
}

// attacker has addresses of its own, as many as it likes.
type attacker struct {
	to  string
	ip  net.IP
	did *atomic.Int64
}

func (a *attacker) dial(ctx context.Context) net.Conn {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: a.ip}, Timeout: 2 * time.Second}
	c, err := d.DialContext(ctx, "tcp", a.to)
	if err != nil {
		return nil
	}
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	return c
}

// says sends what it is given and reads what comes back.
func (a *attacker) says(ctx context.Context, r io.Reader) {
	c := a.dial(ctx)
	if c == nil {
		return
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	_, _ = io.Copy(c, r)
	_, _ = io.Copy(io.Discard, c)
	a.did.Add(1)
}

func request(path, headers, body string) *strings.Reader {
	return strings.NewReader("POST " + path + " HTTP/1.1\r\nHost: x\r\n" + headers + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body)) + body)
}

// holds keeps a connection that never says all it announces.
func holds(begin string) func(context.Context, *attacker) {
	return func(ctx context.Context, a *attacker) {
		c := a.dial(ctx)
		if c == nil {
			return
		}
		defer c.Close()
		defer context.AfterFunc(ctx, func() { c.Close() })()
		_, _ = io.WriteString(c, begin)
		for ctx.Err() == nil {
			if _, err := io.WriteString(c, "x"); err != nil {
				break
			}
			pause(ctx, time.Second)
		}
		a.did.Add(1)
		pause(ctx, 10*time.Second) // who had to go comes back: a thousand a second of ten thousand
	}
}

// endless is 100 MB of a notification.
func endless() io.Reader {
	return io.LimitReader(repeat("{\"event\":\"callNotifications\","), 100<<20)
}

type repeat string

func (r repeat) Read(b []byte) (int, error) {
	n := 0
	for n < len(b) {
		n += copy(b[n:], r)
	}
	return n, nil
}

func attacks(slow int) []attack {
	tricks := []string{
		"//mtt//secret", "/mtt/../mtt/secret/events", "/mtt/secret%00", "/%6dtt/secret", "/mtt/secret;x", "*", "http://x/mtt/secre", "/mtt/secre", "/MTT/SECRET",
		"/" + strings.Repeat("a/", 4000), "/events", "/metrics", "/.env", "/mtt/secret\x00", "\\mtt\\secret",
	}
	return []attack{
		{"slow headers", slow / 2, holds("POST /mtt/wrong HTTP/1.1\r\nHost: x\r\nX-Slow: ")},
		{"slow bodies", slow - slow/2, holds("POST /mtt/wrong HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{")},
		{"wrong secrets", 4, func(ctx context.Context, a *attacker) {
			a.says(ctx, request(fmt.Sprintf("/mtt/%x/events", rand.Uint64()), "Connection: close\r\n", string(notification(1))))
		}},
		{"100 MB to a wrong path", 2, func(ctx context.Context, a *attacker) {
			a.says(ctx, io.MultiReader(strings.NewReader("POST /mtt/wrong HTTP/1.1\r\nHost: x\r\nContent-Length: 104857600\r\n\r\n"), endless()))
		}},
		{"100 MB in chunks", 2, func(ctx context.Context, a *attacker) {
			a.says(ctx, io.MultiReader(strings.NewReader("POST /mtt/wrong HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n6400000\r\n"), endless()))
		}},
		{"100 MB by who knows the path", 1, func(ctx context.Context, a *attacker) {
			a.says(ctx, io.MultiReader(strings.NewReader("POST "+redirect+" HTTP/1.1\r\nHost: x\r\nContent-Length: 104857600\r\n\r\n"), endless()))
			pause(ctx, 100*time.Millisecond)
		}},
		{"broken JSON", 2, func(ctx context.Context, a *attacker) {
			a.says(ctx, request("/mtt/wrong", "Connection: close\r\n", strings.Repeat(`{"event":[`, 2000)))
		}},
		{"header floods", 2, func(ctx context.Context, a *attacker) {
			a.says(ctx, request("/mtt/wrong", strings.Repeat("X-Flood: "+strings.Repeat("y", 1000)+"\r\n", 1000), ""))
		}},
		{"path tricks", 2, func(ctx context.Context, a *attacker) {
			a.says(ctx, request(tricks[rand.IntN(len(tricks))], "Connection: close\r\n", "{}"))
		}},
		{"no HTTP", 2, func(ctx context.Context, a *attacker) {
			a.says(ctx, bytes.NewReader(bytes.Repeat([]byte{0x16, 3, 1, 0xff}, 5000)))
		}},
	}
}

// pause waits, or ends with ctx.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func notification(n int) []byte {
	return fmt.Appendf(nil, `{"event":"callNotifications","result":{"callInfo":{"call":{"id":"honest-%d~1o"},"state":"trying","type":"incoming"}}}`, n)
}

// Thousands of slow connections, bodies without end, and all that is thrown at
// a port on the internet – and each of the operator's notifications is answered
// 200 meanwhile, with the memory of a quiet day.
func TestAHostileClientDoesNotKeepTheOperatorOut(t *testing.T) {
	in := install(t).start()
	in.honest(t, 1) // as on any day
	quiet := in.memory()
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	kinds := attacks(*hostileConnections)
	did := make([]atomic.Int64, len(kinds))
	for k, kind := range kinds {
		for i := range kind.callers {
			a := &attacker{to: in.runtime().PublicListen, ip: net.IPv4(127, byte(10+k), byte(i>>8), byte(i)), did: &did[k]}
			all.Go(func() {
				for ctx.Err() == nil {
					kind.once(ctx, a)
				}
			})
		}
	}
	var peak atomic.Int64
	all.Go(func() {
		for ctx.Err() == nil {
			peak.Store(max(peak.Load(), in.memory()))
			pause(ctx, 100*time.Millisecond)
		}
	})
	pause(ctx, 2*time.Second) // until they are all there
	took := in.honest(t, 300)
	during := in.metric("fonoteka_edge_connections")
	cancel()
	all.Wait()
	for k, kind := range kinds {
		t.Logf("%6d × %s", did[k].Load(), kind.name)
	}
	slices.Sort(took)
	t.Logf("of %d notifications, half were answered within %v, 99 in 100 within %v, all within %v; memory %d MB quiet, %d MB at most",
		len(took), took[len(took)/2].Round(10*time.Microsecond), took[len(took)*99/100].Round(10*time.Microsecond), took[len(took)-1].Round(10*time.Microsecond), quiet>>20, peak.Load()>>20)
	if peak.Load() > 200<<20 {
		t.Errorf("%d MB of memory", peak.Load()>>20)
	}
	if open, err := strconv.Atoi(during); err != nil || open < *hostileConnections/10 {
		t.Errorf("%s connections were open when the last was answered: the attack was over", during)
	}
	in.eventually(time.Minute, fmt.Sprint(len(took)), "SELECT count() FROM events WHERE body LIKE '%%honest-%%'")
	if *hostileConnections > 2048 && in.metric(`fonoteka_edge_connections_closed_total{reason="displaced"}`) == "0" {
		t.Error("no stranger had to make room")
	}
}

// honest posts notifications as the operator does, now and then over a new
// connection, and fails the test for each that is not answered 200.
func (in *installation) honest(t *testing.T, n int) (took []time.Duration) {
	t.Helper()
	local := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}
	transport := &http.Transport{DialContext: (&net.Dialer{LocalAddr: local, Timeout: 20 * time.Second}).DialContext}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 30 * time.Second}
	for i := range n {
		if i%20 == 0 {
			transport.CloseIdleConnections()
		}
		began := time.Now()
		resp, err := client.Post(in.redirectURI()+"/events", "application/json", bytes.NewReader(notification(i)))
		if err != nil {
			t.Errorf("notification %d: %v", i, err)
			continue
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("notification %d: status %d", i, resp.StatusCode)
		}
		took = append(took, time.Since(began))
	}
	return took
}

// memory is what serve has in the machine's memory, in bytes, without its
// engine.
func (in *installation) memory() int64 { return in.inStatus("VmRSS:") }

// peak is the most of it that serve has had since it started.
func (in *installation) peak() int64 { return in.inStatus("VmHWM:") }

func (in *installation) inStatus(field string) int64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", in.runtime().PID))
	if err != nil {
		in.t.Error(err)
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, field); ok {
			kb, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kb << 10
		}
	}
	return 0
}
