package daemon

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"fonoteka/internal/settings"
)

func TestThePrivateServerLogsWhereServeDoes(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := privateServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.WriteHeader(http.StatusOK) // net/http complains of it
	}), settings.NewLogger(&settings.Config{}, &out))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	_, _ = get(t, "http://"+l.Addr().String())
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	<-done
	if !strings.Contains(out.String(), "level=ERROR") || s.IdleTimeout == 0 {
		t.Errorf("logged %q", out.String())
	}
}

func TestAttackReadinessForgesNoLine(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	health([]check{{"s3", func(context.Context) error { return errors.New("no\nclickhouse: ok\x1b[2J") }}})(w, httptest.NewRequest(http.MethodGet, "/readyz", http.NoBody))
	if got := w.Body.String(); w.Code != http.StatusServiceUnavailable || got != `s3: no\u000aclickhouse: ok\u001b[2J`+"\n" {
		t.Errorf("%d %q", w.Code, got)
	}
}
