package embedded_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fonoteka/internal/embedded"
)

// loginsAsDefault are the ways by which somebody on this machine may try to be the
// engine's own user, each with a query that needs no right.
func loginsAsDefault(ch *embedded.ClickHouse) map[string]func(context.Context) (string, error) {
	over := func(method string, parameters url.Values) func(context.Context) (string, error) {
		return func(ctx context.Context) (string, error) {
			parameters.Set("query", "SELECT toString(1)")
			return request(ctx, method, "http://"+ch.HTTPAddr()+"/?"+parameters.Encode())
		}
	}
	native := func(user string) func(context.Context) (string, error) {
		return func(ctx context.Context) (string, error) {
			return askNative(ctx, ch.NativeAddr(), user, "", "SELECT toString(1)")
		}
	}
	return map[string]func(context.Context) (string, error){
		"http":                      over(http.MethodPost, url.Values{}),
		"http, by its name":         over(http.MethodGet, url.Values{"user": {"default"}}),
		"http, a session":           over(http.MethodPost, url.Values{"session_id": {"a"}}),
		"http, another session":     over(http.MethodPost, url.Values{"session_id": {"b"}, "session_timeout": {"1"}}),
		"http, a limit of its own":  over(http.MethodPost, url.Values{"max_sessions_for_user": {"100"}}),
		"http, without a limit":     over(http.MethodPost, url.Values{"max_sessions_for_user": {"0"}}),
		"http, another profile":     over(http.MethodPost, url.Values{"profile": {"writer"}}),
		"http, read-only by itself": over(http.MethodPost, url.Values{"readonly": {"2"}}),
		"native":                    native("default"),
		"native, without a name":    native(""),
	}
}

func request(ctx context.Context, method, address string) (string, error) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 30 * time.Second}
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	return answerOf(resp)
}

// nobodyIsDefault tries all of them.
func nobodyIsDefault(t *testing.T, ch *embedded.ClickHouse, when string) {
	t.Helper()
	for how, login := range loginsAsDefault(ch) {
		got, err := login(t.Context())
		check(t, when+": "+how, got, err, "", "USER_SESSION_LIMIT_EXCEEDED")
	}
	for _, query := range []string{"SYSTEM STOP LISTEN TCP", "SYSTEM STOP LISTEN HTTP", "SYSTEM START LISTEN TCP", "SYSTEM STOP MERGES", "KILL QUERY WHERE 1"} {
		got, err := ask(ch.HTTPAddr(), "default", "", query)
		check(t, when+": "+query, got, err, "", "USER_SESSION_LIMIT_EXCEEDED")
	}
	if got, err := ask(ch.HTTPAddr(), "fonoteka", "writer-secret", "SELECT currentUser()"); err != nil || got != "fonoteka" {
		t.Errorf("%s: the writer: %q, %v", when, got, err)
	}
	if got, err := askNative(t.Context(), ch.NativeAddr(), "reader", "reader-secret", "SELECT currentUser()"); err != nil || got != "reader" {
		t.Errorf("%s: the reader: %q, %v", when, got, err)
	}
}

// The engine's own session is "default" without a password, and holds the only
// place that this user has, for as long as the engine runs.
func TestNobodyLogsInAsTheEnginesOwnUser(t *testing.T) {
	t.Parallel()
	opts := clickhouseOptions(t)
	ch := start(t, opts)
	mustAsk(t, ch, "CREATE DATABASE fonoteka") // the reader's
	nobodyIsDefault(t, ch, "after the start")

	for i := range 20 { // clients come, and go without a word
		conn, err := net.Dial("tcp", []string{ch.NativeAddr(), ch.HTTPAddr()}[i%2])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte("\x00\x01nonsense")); err != nil {
			t.Fatal(err)
		}
		if err := conn.(*net.TCPConn).SetLinger(0); err != nil {
			t.Fatal(err)
		}
		conn.Close()
		if _, err := ask(ch.HTTPAddr(), "default", "wrong", "SELECT 1"); err == nil {
			t.Error("a login with a wrong password")
		}
	}
	nobodyIsDefault(t, ch, "after clients that broke off")

	if err := ch.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	ch = start(t, opts)
	nobodyIsDefault(t, ch, "after a restart")

	kill(t, ch.Pid())
	<-ch.Done()
	ch = start(t, opts)
	nobodyIsDefault(t, ch, "after a kill")
}

// Whoever got the only place before the engine's own session would keep the engine
// from starting. The ports are opened by that session, so nobody can.
func TestWhoKnocksAsDefaultDuringAStartGetsNeitherInNorInTheWay(t *testing.T) {
	t.Parallel()
	opts := clickhouseOptions(t)
	ch := start(t, opts)
	opts.NativePort, opts.HTTPPort = port(t, ch.NativeAddr()), port(t, ch.HTTPAddr())
	ctx, cancel := context.WithCancel(t.Context())
	var knocking sync.WaitGroup
	var knocks, refused atomic.Int64
	defer knocking.Wait()
	defer cancel()
	for how, login := range loginsAsDefault(ch) {
		knocking.Go(func() {
			for ctx.Err() == nil {
				switch got, err := login(ctx); {
				case err == nil:
					t.Errorf("%s: let in: %q", how, got)
					return
				case strings.Contains(err.Error(), "overflown session count"):
					refused.Add(1)
				}
				knocks.Add(1)
			}
		})
	}
	for range 5 {
		if err := ch.Stop(context.Background()); err != nil {
			t.Logf("stop: %v", err) // killed, where clients hold it up
		}
		ch = start(t, opts)
		before := refused.Load()
		eventually(t, "somebody is refused by the engine that has started", func() bool { return refused.Load() > before })
	}
	t.Logf("%d knocks, %d of them reached an engine and were refused", knocks.Load(), refused.Load())
}

// Should the lock on sessions ever fail, "default" still has limits that it cannot
// change. Here it is taken away to see them.
func TestTheEnginesOwnUserHasLimitsBesides(t *testing.T) {
	t.Parallel()
	opts := clickhouseOptions(t)
	opts.Dir = t.TempDir()
	opts.Landlock = -1 // a confined engine does not read the folder of further settings
	without := "<clickhouse><profiles><engine><max_sessions_for_user>0</max_sessions_for_user></engine></profiles></clickhouse>"
	if err := os.Mkdir(filepath.Join(opts.Dir, "users.d"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(opts.Dir, "users.d", "test.xml"), []byte(without), 0o600); err != nil {
		t.Fatal(err)
	}
	ch := start(t, opts)
	const constrained = "SETTING_CONSTRAINT_VIOLATION"
	for _, c := range []struct{ query, want, fails string }{
		{"SELECT toString(1)", "1", ""},
		{"SELECT toString(length(groupArray(number))) FROM numbers(300000000)", "", "MEMORY_LIMIT_EXCEEDED"},
		{"SELECT toString(count()) FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))", "", "TIMEOUT_EXCEEDED"},
		{"SELECT toString(sleep(3)) FROM numbers(1000) SETTINGS max_block_size = 1", "", "TIMEOUT_EXCEEDED"},
		{"SELECT '' SETTINGS max_execution_time = 0", "", constrained},
		{"SELECT '' SETTINGS max_execution_time = 3600", "", constrained},
		{"SELECT '' SETTINGS max_memory_usage = 0", "", constrained},
		{"SELECT '' SETTINGS max_memory_usage_for_user = 0", "", constrained},
		{"SELECT '' SETTINGS max_concurrent_queries_for_user = 0", "", constrained},
		{"SELECT '' SETTINGS max_sessions_for_user = 7", "", constrained},
		{"SELECT '' SETTINGS cancel_http_readonly_queries_on_client_close = 0", "", constrained},
		{"SELECT '' SETTINGS readonly = 2", "", constrained},
		{"SELECT '' SETTINGS profile = 'writer', max_memory_usage = 0", "", constrained},
		{"SELECT toString(getSetting('max_memory_usage')) SETTINGS profile = 'writer'", "100000000", ""},
		{"SELECT toString(getSetting('max_execution_time')) SETTINGS profile = 'default'", "5", ""},
		{"KILL QUERY WHERE 1", "", "ACCESS_DENIED"},
		{"SYSTEM SHUTDOWN", "", "ACCESS_DENIED"},
		{"CREATE TEMPORARY TABLE t (a UInt8)", "", "ACCESS_DENIED"},
		{"SELECT * FROM system.processes", "", "ACCESS_DENIED"},
		{"SELECT * FROM system.users", "", "ACCESS_DENIED"},
	} {
		t.Run(c.query, func(t *testing.T) {
			got, err := ask(ch.HTTPAddr(), "default", "", c.query)
			check(t, "http", got, err, c.want, c.fails)
			if strings.HasPrefix(c.query, "SELECT") {
				got, err = askNative(t.Context(), ch.NativeAddr(), "default", "", c.query)
				check(t, "native", got, err, c.want, c.fails)
			}
		})
	}
	t.Run("queries at once", func(t *testing.T) {
		var all sync.WaitGroup
		var refused atomic.Int64
		for i := range 12 {
			all.Go(func() {
				_, err := ask(ch.HTTPAddr(), "default", "", fmt.Sprintf("SELECT sleep(3), %d", i))
				if err != nil && strings.Contains(err.Error(), "TOO_MANY_SIMULTANEOUS_QUERIES") {
					refused.Add(1)
				}
			})
		}
		all.Wait()
		if n := refused.Load(); n == 0 {
			t.Error("12 queries at once, none was refused")
		}
	})
}
