package intake_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"fonoteka/internal/intake"
	"fonoteka/internal/spool"
)

// The one goroutine that may outlive its server is net/http's own: after an
// answer that leaves a body unread it lingers for half a second before it closes
// the connection, and Server.Close does not wait for it.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

const (
	secret       = "9f2c61d0a3"
	hook         = "/mtt/" + secret
	notification = `{"event":"callNotifications","result":{"eventType":"call","callInfo":{"state":"trying"}}}`
)

// site is an intake before a spool, on a port of its own.
type site struct {
	t      testing.TB
	url    string
	addr   string
	spool  *spool.Spool
	reg    *prometheus.Registry
	log    *bytes.Buffer // read after the requests are done
	client *http.Client
}

// serve starts a site; without a folder or file system in so, on disk.
func serve(t testing.TB, o intake.Options, so spool.Options) *site {
	t.Helper()
	if so.FS == nil {
		so.Dir, so.ReserveBytes = t.TempDir(), max(so.ReserveBytes, 1)
	}
	sp, err := spool.Open(so)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, spool: sp, reg: prometheus.NewPedanticRegistry(), log: new(bytes.Buffer)}
	if o.Integrations == nil {
		o.Integrations = []intake.Integration{{Name: "main", Path: hook}, {Name: "second", Path: "/other%20path/"}}
	}
	if o.Append == nil {
		o.Append = sp.Append
	}
	o.Registerer, o.Log = s.reg, slog.New(slog.NewTextHandler(s.log, nil))
	h, err := intake.New(o)
	if err != nil {
		t.Fatal(err)
	}
	srv := intake.NewServer(h, o.Log)
	if guard, ok := o.Guard.(interface{ Configure(*http.Server) }); ok {
		guard.Configure(srv)
	}
	s.addr = listen(t, srv, o.Guard)
	s.url = "http://" + s.addr
	transport := &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}
	s.client = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = sp.Close()
	})
	return s
}

// listen serves until the test ends; a door that has a say in who connects is
// asked.
func listen(t testing.TB, srv *http.Server, door intake.Guard) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = ln.Addr().String()
	if limits, ok := door.(interface {
		Listener(net.Listener) net.Listener
	}); ok {
		ln = limits.Listener(ln)
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ln) }()
	t.Cleanup(func() {
		_ = srv.Close()
		<-done
	})
	return addr
}

// do makes a request and returns its status, headers and body.
func (s *site) do(method, path, body string, header ...string) (int, http.Header, string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := s.client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(text)
}

// raw sends bytes as they are, closes its side if told to, and returns all that
// comes back.
func (s *site) raw(send string, closeWrite bool) string {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, send) // the server may have answered and hung up
	if closeWrite {
		_ = conn.(*net.TCPConn).CloseWrite()
	}
	answer, _ := io.ReadAll(conn)
	return string(answer)
}

func (s *site) records() []spool.Record {
	s.t.Helper()
	recs, err := s.spool.Read(s.t.Context(), 0, 0, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	return recs
}

// counted fails the test unless the outcome was counted n times.
func (s *site) counted(outcome string, n int) {
	s.t.Helper()
	const name = "fonoteka_intake_requests_total"
	families, err := s.reg.Gather()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && m.GetLabel()[0].GetValue() == outcome {
				if got := m.GetCounter().GetValue(); got != float64(n) {
					s.t.Errorf("%s counted %v times, want %d", outcome, got, n)
				}
				return
			}
		}
	}
	s.t.Errorf("no metric for outcome %s", outcome)
}

func (s *site) lint() {
	s.t.Helper()
	if problems, err := testutil.GatherAndLint(s.reg); err != nil || len(problems) > 0 {
		s.t.Error(fmt.Sprint(problems, err))
	}
}
