package embedded_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
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

// An analyst's queries take processors and memory, but not all of them: on a machine
// with little memory as well, no insert fails for their sake.
func TestHeavyQueriesOfTheReaderDoNotStopTheWriter(t *testing.T) {
	t.Parallel()
	opts := clickhouseOptions(t)
	opts.Memory = 2_000_000_000
	ch := start(t, opts)
	mustAsk(t, ch, "CREATE DATABASE fonoteka")
	mustAsk(t, ch, "CREATE TABLE fonoteka.t (k UInt64, v String) ENGINE = MergeTree ORDER BY k")
	queries := []string{
		heavy, // for as long as the test lasts
		heavy,
		"SELECT length(groupArray(number)) FROM numbers(1900000000)",
		"SELECT count() FROM (SELECT number % 50000000 AS k, groupArray(number) FROM numbers(100000000) GROUP BY k)",
	}
	ctx, cancel := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	defer readers.Wait()
	defer cancel()
	for i := range 32 {
		readers.Go(func() {
			for ctx.Err() == nil {
				askUntil(ctx, http.MethodPost, "http://"+ch.HTTPAddr()+"/?user=reader&password=reader-secret", queries[i%len(queries)])
			}
		})
	}
	crowded := func() bool {
		return mustAsk(t, ch, "SELECT count() >= 20 FROM system.processes WHERE user = 'reader'") == "1"
	}
	eventually(t, "the reader's queries run", crowded)
	writer, err := clickhouse.Open(&clickhouse.Options{
		Addr: []string{ch.NativeAddr()}, Auth: clickhouse.Auth{Username: "fonoteka", Password: "writer-secret"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	var took []time.Duration
	for i := range 100 {
		began := time.Now()
		batch, err := writer.PrepareBatch(t.Context(), "INSERT INTO fonoteka.t")
		if err != nil {
			t.Fatal(err)
		}
		for k := range 1000 {
			if err := batch.Append(uint64(1000*i+k), fmt.Sprint("value ", k)); err != nil {
				t.Fatal(err)
			}
		}
		if err := batch.Send(); err != nil {
			t.Errorf("insert %d: %v", i, err)
		}
		took = append(took, time.Since(began))
	}
	eventually(t, "the reader's queries still run", crowded)
	cancel()
	readers.Wait()
	if got := mustAsk(t, ch, "SELECT count() FROM fonoteka.t"); got != "100000" {
		t.Errorf("%s of 100000 rows", got)
	}
	slices.Sort(took)
	t.Logf("beside 32 heavy queries: half of the inserts within %v, all within %v", took[50].Round(time.Millisecond), took[99].Round(time.Millisecond))
}
