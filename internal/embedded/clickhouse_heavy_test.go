package embedded_test

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"fonoteka/internal/embedded"
)

// heavy is many minutes of reading, within the limit of rows.
const heavy = "SELECT count() FROM numbers(1900000000) WHERE SHA512(toString(number)) = ''"

// unread is many minutes of work on what was read at its beginning.
const unread = "SELECT count() FROM numbers(30000) AS a, numbers(60000) AS b WHERE SHA512(toString(a.number * b.number)) = ''"

// running counts the reader's queries.
func running(t *testing.T, ch *embedded.ClickHouse) string {
	t.Helper()
	return mustAsk(t, ch, "SELECT count() FROM system.processes WHERE user = 'reader'")
}

// What nobody waits for any more ends, on both ports, whatever the client set.
func TestAHeavyQueryEndsSoonAfterItsClientHasGone(t *testing.T) {
	t.Parallel()
	ch := start(t, clickhouseOptions(t))
	mustAsk(t, ch, "CREATE DATABASE fonoteka")
	leave := map[string]func(context.Context){
		"http, a post": func(ctx context.Context) {
			askUntil(ctx, http.MethodPost, "http://"+ch.HTTPAddr()+"/?user=reader&password=reader-secret", heavy)
		},
		"http, a get": func(ctx context.Context) {
			askUntil(ctx, http.MethodGet, "http://"+ch.HTTPAddr()+"/?"+url.Values{"user": {"reader"}, "password": {"reader-secret"}, "query": {heavy}}.Encode(), "")
		},
		"http, a session": func(ctx context.Context) {
			askUntil(ctx, http.MethodPost, "http://"+ch.HTTPAddr()+"/?user=reader&password=reader-secret&session_id=a", heavy)
		},
		"native":                     func(ctx context.Context) { breakOff(t, ctx, ch.NativeAddr(), heavy) },
		"native, all is read before": func(ctx context.Context) { breakOff(t, ctx, ch.NativeAddr(), unread) },
	}
	for how, ask := range leave {
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan struct{})
		go func() { defer close(gone); ask(ctx) }()
		eventually(t, how+": the query runs", func() bool { return running(t, ch) == "1" })
		cancel()
		<-gone
		began := time.Now()
		eventually(t, how+": it ends", func() bool { return running(t, ch) == "0" })
		t.Logf("%s: ended %v after its client", how, time.Since(began).Round(10*time.Millisecond))
	}
	got, err := ask(ch.HTTPAddr(), "reader", "reader-secret", "SELECT 1 SETTINGS cancel_http_readonly_queries_on_client_close = 0")
	check(t, "http", got, err, "", "SETTING_CONSTRAINT_VIOLATION")
}

// askUntil asks and goes away when ctx ends.
func askUntil(ctx context.Context, method, address, query string) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(query))
	if err != nil {
		return
	}
	if resp, err := client.Do(req); err == nil {
		resp.Body.Close()
	}
}

// breakOff asks over the native port and, when ctx ends, closes the connection
// without the protocol's word for cancelling.
func breakOff(t *testing.T, ctx context.Context, addr, query string) {
	var raw net.Conn
	conn, err := clickhouse.Open(&clickhouse.Options{
		Addr: []string{addr}, Auth: clickhouse.Auth{Username: "reader", Password: "reader-secret"},
		DialContext: func(ctx context.Context, addr string) (c net.Conn, err error) {
			raw, err = (&net.Dialer{}).DialContext(ctx, "tcp", addr)
			return raw, err
		},
	})
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		var n uint64
		if err := conn.QueryRow(context.Background(), query).Scan(&n); err == nil {
			t.Error("the query was answered")
		}
	}()
	<-ctx.Done()
	raw.Close()
	<-done
}
