package edge_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"fonoteka/internal/edge"
)

// What may outlive its test is not ours: net/http's lingering close, and of
// certmagic a global rate limiter and the keepers of lock files, which look every
// five seconds whether theirs is still wanted.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"),
		goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.(*RingBufferRateLimiter).loop"),
		goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.keepLockfileFresh"),
		goleak.IgnoreAnyFunction("github.com/letsencrypt/pebble/v2/va.VAImpl.processTasks"), // the authority's
	)
}

// site is a server behind an edge; a request to /secret knows it.
type site struct {
	t    *testing.T
	edge *edge.Edge
	addr string
	reg  *prometheus.Registry
}

func open(t *testing.T, o edge.Options) *site {
	t.Helper()
	s := &site{t: t, reg: prometheus.NewPedanticRegistry()}
	o.Registerer = s.reg
	var err error
	if s.edge, err = edge.New(o); err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/secret" {
			s.edge.MarkAuthenticated(r)
		}
		fmt.Fprint(w, s.edge.Source(r))
	}), ReadHeaderTimeout: 20 * time.Second}
	s.edge.Configure(srv)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	done := make(chan error, 1)
	go func() { done <- srv.Serve(s.edge.Listener(elsewhere{l})) }()
	t.Cleanup(func() {
		_ = srv.Close()
		<-done
	})
	return s
}

// elsewhere is a listener whose callers seem to come from another network: who
// connects from 127.a.b.c, from 10.a.b.c. Only 127.0.0.1 is seen as it is.
type elsewhere struct{ net.Listener }

func (l elsewhere) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	a := c.RemoteAddr().(*net.TCPAddr)
	if ip := a.IP.To4(); !ip.Equal(net.IPv4(127, 0, 0, 1)) {
		a = &net.TCPAddr{IP: net.IPv4(10, ip[1], ip[2], ip[3]), Port: a.Port}
	}
	return from{c, a}, nil
}

type from struct {
	net.Conn
	addr net.Addr
}

func (c from) RemoteAddr() net.Addr { return c.addr }

// caller is a connection from an address of the loopback network.
type caller struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func (s *site) from(addr string) *caller {
	s.t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(addr)}, Timeout: 5 * time.Second}
	c, err := d.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	return &caller{s.t, c, bufio.NewReader(c)}
}

// asks returns the body of the answer, or "" if the connection is gone.
func (c *caller) asks(path string, header ...string) string {
	_, err := io.WriteString(c.conn, "GET "+path+" HTTP/1.1\r\nHost: x\r\n"+strings.Join(append(header, ""), "\r\n")+"\r\n")
	if err != nil {
		return ""
	}
	_ = c.conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return string(b)
}

func (s *site) counted(reason string, want float64) {
	s.t.Helper()
	if got := s.metric(reason); got != want {
		s.t.Errorf("%s: %v, want %v", reason, got, want)
	}
}

// metric is how many connections were closed for a reason.
func (s *site) metric(reason string) float64 {
	s.t.Helper()
	families, err := s.reg.Gather()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetValue() == reason {
					return m.GetCounter().GetValue()
				}
			}
		}
	}
	s.t.Errorf("no metric for %s", reason)
	return 0
}

// With more sources than can be told apart, those that share one place are still
// many: they are not limited as one, and no knowledge of one of them is another's.
func TestACrowdIsNotOneSource(t *testing.T) {
	t.Parallel()
	s := open(t, edge.Options{MaxConnections: 4, MaxPerSource: 2})
	for i := range 1 << 13 {
		s.edge.AllowProbe(&http.Request{RemoteAddr: fmt.Sprintf("10.0.%d.%d:1", i>>8, i&255)})
	}
	if s.from("127.0.0.2").asks("/secret") == "" {
		t.Fatal("not served")
	}
	for i := range 7 {
		if s.from(fmt.Sprintf("127.0.1.%d", i+1)).asks("/") == "" {
			t.Fatalf("stranger %d is not served", i)
		}
	}
}

func TestTheStrangerWhoCameFirstMakesRoom(t *testing.T) {
	t.Parallel()
	s := open(t, edge.Options{MaxConnections: 4, MaxPerSource: 100})
	operator := s.from("127.0.0.2")
	if operator.asks("/secret") == "" {
		t.Fatal("not served")
	}
	var strangers []*caller
	for i := range 20 {
		c := s.from(fmt.Sprintf("127.0.1.%d", i+1))
		if c.asks("/") == "" {
			t.Fatalf("stranger %d is not served", i)
		}
		strangers = append(strangers, c)
	}
	if operator.asks("/secret") == "" {
		t.Error("the operator had to go")
	}
	if strangers[0].asks("/") != "" || strangers[19].asks("/") == "" {
		t.Error("not the first stranger had to go")
	}
	s.counted("displaced", 17)
	if problems, err := testutil.GatherAndLint(s.reg); err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
}

func TestPlacesAreFreedAsConnectionsEnd(t *testing.T) {
	t.Parallel()
	s := open(t, edge.Options{MaxConnections: 3})
	for i := range 50 {
		c := s.from("127.0.0.2")
		if c.asks([]string{"/", "/secret"}[i%2], "Connection: close") == "" {
			t.Fatalf("connection %d is not served", i)
		}
		_, _ = io.Copy(io.Discard, c.conn) // until the server has closed it
	}
	s.counted("full", 0)
	s.counted("displaced", 0)
}

func TestNobodyIsTakenWhenAllWhoAreThereKnowTheSecret(t *testing.T) {
	t.Parallel()
	s := open(t, edge.Options{MaxConnections: 2})
	for range 2 {
		if s.from("127.0.0.2").asks("/secret") == "" {
			t.Fatal("not served")
		}
	}
	if s.from("127.0.0.3").asks("/") != "" {
		t.Error("a third one is served")
	}
	s.counted("full", 1)
}

func TestSourcesAreLimitedUntilTheyHaveKnownTheSecret(t *testing.T) {
	t.Parallel()
	s := open(t, edge.Options{MaxConnections: 100, MaxPerSource: 3})
	served := func(addr string, n int) (count int) {
		for range n {
			if s.from(addr).asks("/") != "" {
				count++
			}
		}
		return count
	}
	if n := served("127.0.1.1", 6); n != 3 {
		t.Errorf("%d connections of a stranger", n)
	}
	if n := served("127.0.1.2", 3); n != 3 {
		t.Errorf("%d connections of another", n)
	}
	if s.from("127.0.0.2").asks("/secret") == "" {
		t.Error("the operator is not served")
	}
	if n := served("127.0.0.2", 6); n != 6 {
		t.Errorf("%d connections of the operator", n)
	}
	s.counted("too_many_of_source", 3)
}

func TestOnlyProxiesMayConnectInTheClear(t *testing.T) {
	t.Parallel()
	s := open(t, edge.Options{Proxies: networks(t, "10.0.0.9"), OnlyProxies: true})
	if s.from("127.0.0.2").asks("/secret") != "" {
		t.Error("somebody else is served")
	}
	if got := s.from("127.0.0.9").asks("/", "X-Forwarded-For: 192.0.2.7"); got != "192.0.2.7" {
		t.Errorf("from %q", got)
	}
	s.counted("not_a_proxy", 1)
}

func networks(t *testing.T, texts ...string) edge.Networks {
	t.Helper()
	n, err := edge.ParseNetworks(texts...)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestOnlySendersMayPost(t *testing.T) {
	t.Parallel()
	all, err := edge.New(edge.Options{})
	if err != nil {
		t.Fatal(err)
	}
	few, err := edge.New(edge.Options{Senders: networks(t, "192.0.2.0/24", "2001:db8::/32")})
	if err != nil {
		t.Fatal(err)
	}
	for remote, want := range map[string]bool{"192.0.2.77:1": true, "192.0.3.1:1": false, "[2001:db8::5]:1": true, "nonsense": false} {
		r := &http.Request{RemoteAddr: remote}
		if few.AllowPost(r) != want || !all.AllowPost(r) {
			t.Errorf("%s", remote)
		}
	}
}

func TestAStrangersTriesAreCountedBySource(t *testing.T) {
	t.Parallel()
	var now atomic.Int64
	e, err := edge.New(edge.Options{ProbeRate: 2, Now: func() time.Time { return time.Unix(1_700_000_000+now.Load(), 0) }})
	if err != nil {
		t.Fatal(err)
	}
	tries := func(remote string, n int) (allowed int) {
		for range n {
			if e.AllowProbe(&http.Request{RemoteAddr: remote}) {
				allowed++
			}
		}
		return allowed
	}
	if n := tries("192.0.2.1:1", 50); n != 10 {
		t.Errorf("%d at once", n)
	}
	if n := tries("192.0.2.2:1", 5); n != 5 {
		t.Errorf("%d of another source", n)
	}
	if n := tries("[2001:db8::1]:1", 6) + tries("[2001:db8::2]:1", 50); n != 10 {
		t.Errorf("%d of one network of 64 bits", n)
	}
	now.Add(1)
	if n := tries("192.0.2.1:1", 50); n != 2 {
		t.Errorf("%d a second later", n)
	}
}

// Many sources take no more memory than 8192 do, and come under one limit.
func TestSourcesWithoutNumberAreBounded(t *testing.T) {
	t.Parallel()
	e, err := edge.New(edge.Options{ProbeRate: 1, Now: func() time.Time { return time.Unix(1_700_000_000, 0) }})
	if err != nil {
		t.Fatal(err)
	}
	allowed := 0
	addr := netip.MustParseAddr("198.18.0.1")
	for range 20_000 {
		if e.AllowProbe(&http.Request{RemoteAddr: netip.AddrPortFrom(addr, 9).String()}) {
			allowed++
		}
		addr = addr.Next()
	}
	if allowed != 8192+5 {
		t.Errorf("%d allowed", allowed)
	}
}

func TestOptionsThatContradictAreRefused(t *testing.T) {
	t.Parallel()
	for _, o := range []edge.Options{{OnlyProxies: true}, {MaxConnections: -1}, {MaxPerSource: -1}, {ProbeRate: -1}} {
		if _, err := edge.New(o); err == nil {
			t.Errorf("%+v", o)
		}
	}
	for _, text := range []string{"example.org", "10.0.0.0/33", "1.2.3"} {
		if _, err := edge.ParseNetworks(text); err == nil {
			t.Error(text)
		}
	}
}
