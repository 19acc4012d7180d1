package daemon

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"fonoteka/internal/audit"
	"fonoteka/internal/settings"
)

// A store that answers late takes no time from the others, of which the last would else
// fail for want of it.
func TestReadinessAsksSideBySide(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	all.Add(3)
	meet := func(ctx context.Context) error { // ends when all have begun
		all.Done()
		met := make(chan struct{})
		go func() { all.Wait(); close(met) }()
		select {
		case <-met:
			return nil
		case <-ctx.Done():
			return errors.New("the others were not asked")
		}
	}
	srv := httptest.NewServer(health([]check{{"clickhouse", meet}, {"s3", meet}, {"redis", meet}}))
	defer srv.Close()
	if status, body := get(t, srv.URL); status != http.StatusOK || body != "clickhouse: ok\ns3: ok\nredis: ok\n" {
		t.Errorf("%d %q", status, body)
	}
}

// raw sends bytes to a server and returns its answer.
func raw(t *testing.T, addr, send string) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, send) // the server may have answered and hung up
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("%q: %v", send[:min(len(send), 80)], err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d %s", resp.StatusCode, b)
}

// serving runs a private server before a handler, until the test ends.
func serving(t *testing.T, h http.Handler) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := privateServer(h, slog.New(slog.DiscardHandler))
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		_ = s.Close()
		<-done
	})
	return l.Addr().String()
}

func TestThePrivateListenerAnswersUnderItsOwnNamesAlone(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	reg := prometheus.NewRegistry()
	h := newHosts(&settings.Config{
		PrivateListen: "fonoteka.lan:8090", RecordingsURL: "https://archive.example.org:8443", AllowedHosts: []string{"scraped.lan"},
		Integrations: []settings.Integration{{RedirectURI: "https://calls.example.org/mtt/secret"}},
	}, slog.New(slog.NewTextHandler(&log, nil)), reg)
	addr := serving(t, h.only(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "here") })))
	for _, host := range []string{
		"127.0.0.1", "127.0.0.1:8090", "10.1.2.3", "[::1]", "[::1]:8090", "[fe80::1]", "localhost", "LocalHost:8090", "localhost.",
		"fonoteka.lan:8090", "archive.example.org", "ARCHIVE.example.org:443", "calls.example.org", "scraped.lan:9",
	} {
		if got := raw(t, addr, "GET /metrics HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n"); got != "200 here" {
			t.Errorf("%s: %s", host, got)
		}
	}
	if got := raw(t, addr, "GET /metrics HTTP/1.0\r\n\r\n"); got != "200 here" {
		t.Errorf("no Host: %s", got)
	}
	refused := []string{"evil.example", "evil.example:8090", "127.0.0.1.evil.example", "localhost.evil.example", "xlocalhost", "2130706433", "0x7f.1", "archive.example.org.evil.example", "$(reboot)"}
	for _, host := range refused {
		got := raw(t, addr, "GET /metrics HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
		name, _, _ := strings.Cut(host, ":")
		if !strings.HasPrefix(got, "421 ") || !strings.Contains(got, name) || !strings.Contains(got, "--allowed-hosts") || strings.Contains(got, "here\n") {
			t.Errorf("%s: %s", host, got)
		}
		if strings.Contains(got, "--allowed-hosts $") {
			t.Errorf("%s can be pasted into a shell: %s", host, got)
		}
	}
	if n := testutil.ToFloat64(h.refused); n != float64(len(refused)) {
		t.Errorf("%v counted", n)
	}
	if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "evil.example") || !strings.Contains(text, "--allowed-hosts") {
		t.Errorf("log: %s", text)
	}
}

func TestAHeadWithoutEndIsRefused(t *testing.T) {
	t.Parallel()
	addr := serving(t, http.NotFoundHandler())
	parts := "bytes=0-0" + strings.Repeat(",2-2", 20_000)
	if got := raw(t, addr, "GET /recordings/x HTTP/1.1\r\nHost: localhost\r\nRange: "+parts+"\r\n\r\n"); !strings.HasPrefix(got, "431 ") {
		t.Error(got)
	}
	cookies := strings.Repeat("a=b; ", 3000) // of all that runs on localhost
	if got := raw(t, addr, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: "+cookies+"\r\n\r\n"); !strings.HasPrefix(got, "404 ") {
		t.Error(got)
	}
}

// From an address with many wrong passwords even the right one gets no answer at once, or
// it would be known by that; other addresses notice nothing.
func TestGuessingIsSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var g guesses
		began := time.Now()
		var mu sync.Mutex
		at := map[time.Duration]int{}
		refused := 0
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				err := g.turn(t.Context(), "192.0.2.7:1000", false)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					refused++
					return
				}
				at[time.Since(began).Round(time.Second)]++
			})
		}
		synctest.Wait()
		if err := g.turn(t.Context(), "192.0.2.7:2000", true); !errors.Is(err, errTooManyGuesses) {
			t.Errorf("the right one among many wrong ones: %v", err)
		}
		if err := g.turn(t.Context(), "192.0.2.8:1000", true); err != nil || time.Since(began) != 0 {
			t.Errorf("another address: %v after %v", err, time.Since(began))
		}
		all.Wait()
		if at[0] != freeGuesses+1 || at[time.Second] != 1 || at[guessesWait*time.Second] != 1 || refused != 100-freeGuesses-1-guessesWait {
			t.Errorf("answered after %v, %d refused", at, refused)
		}
		time.Sleep(calmAfter + time.Second)
		calm := time.Now()
		if err := g.turn(t.Context(), "192.0.2.7:3000", true); err != nil || time.Since(calm) != 0 {
			t.Errorf("after a calm minute: %v after %v", err, time.Since(calm))
		}
	})
}

func TestGuessersAreForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var g guesses
		for i := range guessSources + 15 {
			if err := g.turn(t.Context(), fmt.Sprintf("10.%d.%d.1:1", i/256, i%256), false); err != nil && i < guessSources {
				t.Fatal(i, err)
			}
		}
		if len(g.sources) != guessSources {
			t.Errorf("%d are remembered", len(g.sources))
		}
		time.Sleep(calmAfter + time.Second)
		if err := g.turn(t.Context(), "[2001:db8::1]:1", false); err != nil || len(g.sources) != 1 {
			t.Errorf("%d are remembered: %v", len(g.sources), err)
		}
	})
}

// A burst is two entries and two lines, whatever its length.
func TestABurstOfWrongPasswordsIsNotedTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		trail, err := audit.Open(audit.Options{Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		r := &refusals{trail: trail, log: slog.New(slog.NewTextHandler(&log, nil))}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- r.run(ctx) }()
		for range 500 {
			r.refused(t.Context(), "recording.listen")
		}
		time.Sleep(2 * refusalSpan)
		text := log.String()
		if strings.Count(text, "wrong passwords were refused") != 2 || !strings.Contains(text, "passwords=1\n") || !strings.Contains(text, "passwords=499\n") {
			t.Errorf("log:\n%s", text)
		}
		r.refused(t.Context(), "admin.request") // another kind is not hidden by the first
		r.refused(t.Context(), "admin.request")
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if text := log.String()[len(text):]; strings.Count(text, "action=admin.request passwords=1\n") != 2 {
			t.Errorf("log at the end:\n%s", text)
		}
	})
}
