package embedded_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"fonoteka/internal/embedded"
	"fonoteka/internal/embedded/embeddedtest"
)

func clickhouseOptions(t *testing.T) embedded.ClickHouseOptions {
	return embedded.ClickHouseOptions{
		Dir: t.TempDir(), Library: embeddedtest.Engine(t),
		WriterPassword: "writer-secret", ReaderPassword: "reader-secret", AnalystPassword: "analyst-secret", DictionariesPassword: "dictionaries-secret",
	}
}

func start(t *testing.T, opts embedded.ClickHouseOptions) *embedded.ClickHouse {
	t.Helper()
	began := time.Now()
	ch, err := embedded.StartClickHouse(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("started in %v", time.Since(began).Round(time.Millisecond))
	t.Cleanup(func() { _ = ch.Stop(context.Background()) })
	return ch
}

// ask runs a query over HTTP and returns the answer without its last newline.
func ask(addr, user, password, query string) (string, error) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 30 * time.Second}
	resp, err := client.Post("http://"+addr+"/?"+url.Values{"user": {user}, "password": {password}}.Encode(), "text/plain", strings.NewReader(query))
	if err != nil {
		return "", err
	}
	return answerOf(resp)
}

// answerOf reads an answer to its end and closes it.
func answerOf(resp *http.Response) (string, error) {
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("status %d: %s", resp.StatusCode, body)
	}
	return strings.TrimSuffix(string(body), "\n"), nil
}

func mustAsk(t *testing.T, ch *embedded.ClickHouse, query string) string {
	t.Helper()
	answer, err := ask(ch.HTTPAddr(), embedded.ClickHouseWriter, "writer-secret", query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return answer
}

// kill ends a process the hard way.
func kill(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// eventually polls until ok, for a minute at most.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("it did not come true: %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// embeddedtestCache is the cache that holds the engine.
func embeddedtestCache(t *testing.T) string {
	return filepath.Join(filepath.Dir(embeddedtest.Engine(t)), "..", "..", "..")
}

func port(t *testing.T, addr string) int {
	t.Helper()
	_, p, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(p)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
