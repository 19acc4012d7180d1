package system

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fonoteka/internal/blob"
	"fonoteka/internal/embedded"
	"fonoteka/internal/sim"
	"fonoteka/internal/state"
)

// values are the installation's secrets and ports.
func (in *installation) values() state.Values {
	in.t.Helper()
	v, err := state.Read(in.dir)
	if err != nil {
		in.t.Fatal(err)
	}
	return v
}

// warehouse sends a query to the embedded engine over HTTP.
func (in *installation) warehouse(user, password, query string) (status int, answer string) {
	in.t.Helper()
	req, err := http.NewRequestWithContext(in.t.Context(), http.MethodPost, "http://"+local(in.values().Ports.ClickHouseHTTP)+"/", strings.NewReader(query))
	if err != nil {
		in.t.Fatal(err)
	}
	req.Header.Set("X-ClickHouse-User", user)
	req.Header.Set("X-ClickHouse-Key", password)
	resp, err := (&http.Client{Timeout: time.Minute}).Do(req)
	if err != nil {
		in.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		in.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// An analyst has a password and SQL. It reads the tables of the warehouse; it reaches
// no other machine, no file, no program and no other table by it, and changes nothing.
func TestAttackAnAnalystReachesTheWarehouseAlone(t *testing.T) {
	t.Parallel()
	in := install(t).start().ready()
	in.honest(t, 1)
	in.nothingWasKept(1)
	v, err := state.Read(in.dir)
	if err != nil {
		t.Fatal(err)
	}
	var reached atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		reached.Add(1)
		fmt.Fprintln(w, "elsewhere")
	}))
	defer elsewhere.Close()
	_, port, _ := net.SplitHostPort(elsewhere.Listener.Addr().String())
	bait := filepath.Join(filepath.Dir(in.dir), "bait")
	if err := os.WriteFile(bait, []byte("the bait\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(filepath.Dir(in.dir), "out")
	if status, answer := in.warehouse("reader", v.ClickHouseReaderPassword, "SELECT count() FROM events"); status != http.StatusOK || answer != "1\n" {
		t.Fatalf("the reader does not read: %d %s", status, answer) // or what follows proves nothing
	}
	for _, query := range []string{
		"SELECT * FROM url('" + elsewhere.URL + "', 'LineAsString')",
		"SELECT * FROM url('file://" + bait + "', 'LineAsString')",
		"SELECT * FROM urlCluster('default', '" + elsewhere.URL + "', 'LineAsString')",
		"INSERT INTO FUNCTION url('" + elsewhere.URL + "', 'LineAsString', 'x String') VALUES ('x')",
		"SELECT * FROM file('" + bait + "', 'LineAsString')",
		"SELECT * FROM file('../state.json', 'LineAsString')",
		"SELECT * FROM fileCluster('default', '" + bait + "', 'LineAsString')",
		"INSERT INTO FUNCTION file('" + out + "', 'LineAsString', 'x String') VALUES ('x')",
		"SELECT 1 INTO OUTFILE '" + out + "'",
		"SELECT * FROM s3('" + elsewhere.URL + "/b/k', 'LineAsString')",
		"SELECT * FROM s3Cluster('default', '" + elsewhere.URL + "/b/k', 'LineAsString')",
		"SELECT * FROM gcs('" + elsewhere.URL + "/b/k', 'LineAsString')",
		"SELECT * FROM hdfs('hdfs://127.0.0.1:" + port + "/k', 'LineAsString')",
		"SELECT * FROM remote('127.0.0.1:" + port + "', system.one)",
		"SELECT * FROM remote('127.0.0.1:" + fmt.Sprint(v.Ports.ClickHouseNative) + "', system.one, 'default', '')",
		"SELECT * FROM remoteSecure('127.0.0.1:" + port + "', system.one)",
		"SELECT * FROM cluster('default', system.one)",
		"SELECT * FROM mysql('127.0.0.1:" + port + "', 'd', 't', 'u', 'p')",
		"SELECT * FROM postgresql('127.0.0.1:" + port + "', 'd', 't', 'u', 'p')",
		"SELECT * FROM mongodb('127.0.0.1:" + port + "', 'd', 't', 'u', 'p', 'x String')",
		"SELECT * FROM redis('127.0.0.1:" + port + "', 'k', 'k String')",
		"SELECT * FROM sqlite('" + bait + "', 't')",
		"SELECT * FROM jdbc('x', 'd', 't')",
		"SELECT * FROM odbc('DSN=x', 'd', 't')",
		"SELECT * FROM executable('id', 'LineAsString', 'x String')",
		"SELECT * FROM input('x String') FORMAT TSV",
		"SELECT * FROM azureBlobStorage('" + elsewhere.URL + "', 'c', 'b', 'u', 'p')",
		"SELECT * FROM iceberg('" + elsewhere.URL + "')",
		"SELECT * FROM deltaLake('" + elsewhere.URL + "')",
		"SELECT * FROM icebergLocal('" + filepath.Dir(bait) + "')",
		"SELECT * FROM mergeTreeIndex('system', 'one')",
		"SELECT * FROM system.users", "SELECT * FROM system.query_log", "SELECT * FROM system.disks", "SELECT * FROM system.dictionaries FORMAT JSON",
		"SELECT * FROM information_schema.tables WHERE 1 / 0", "SELECT hostName(), * FROM system.processes, system.clusters",
		"CREATE TABLE t (x String) ENGINE = File('CSV')", "CREATE TABLE t (x String) ENGINE = URL('" + elsewhere.URL + "', 'CSV')", "CREATE TEMPORARY TABLE t (x String) ENGINE = File('CSV')",
		"CREATE FUNCTION f AS x -> file(x)", "CREATE DICTIONARY d (x String) PRIMARY KEY x SOURCE(HTTP(URL '" + elsewhere.URL + "' FORMAT 'CSV')) LAYOUT(FLAT())",
		"CREATE USER u", "GRANT ALL ON *.* TO reader", "ALTER USER reader IDENTIFIED BY 'x'", "EXECUTE AS default SELECT 1",
		"ATTACH DATABASE x ENGINE = Filesystem", "CREATE DATABASE x ENGINE = Filesystem('/')", "BACKUP TABLE events TO File('" + out + "')", "RESTORE TABLE events FROM File('" + out + "')",
		"INSERT INTO events (integration) VALUES ('x')", "DELETE FROM events WHERE 1", "ALTER TABLE events DELETE WHERE 1", "TRUNCATE TABLE events", "DROP TABLE events", "RENAME TABLE events TO e", "OPTIMIZE TABLE events", "EXCHANGE TABLES events AND calls",
		"KILL QUERY WHERE 1", "SYSTEM STOP LISTEN HTTP", "SYSTEM SHUTDOWN", "SYSTEM FLUSH LOGS", "SYSTEM RELOAD CONFIG", "SYSTEM STOP MERGES events", "SYSTEM STOP MERGES ON VOLUME default.default", "SYSTEM STOP TTL MERGES events", "SYSTEM DROP MARK CACHE",
		"SELECT 1 SETTINGS readonly = 0", "SELECT 1 SETTINGS max_memory_usage = 0", "SET readonly = 0", "SET max_rows_to_read = 0",
	} {
		status, answer := in.warehouse("reader", v.ClickHouseReaderPassword, query)
		if status == http.StatusOK || strings.Contains(answer, "the bait") || strings.Contains(answer, "elsewhere\n") {
			t.Errorf("%s\n is answered %d %s", query, status, clip(answer))
		}
		in.tellsNoSecret(query, strings.ReplaceAll(answer, query, ""))
	}
	if n := reached.Load(); n != 0 {
		t.Errorf("%d requests came elsewhere", n)
	}
	if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file was written: %v", err)
	}
	// Without a table it stops those that the user may stop: none.
	in.warehouse("reader", v.ClickHouseReaderPassword, "SYSTEM STOP MERGES")
	if status, answer := in.warehouse("fonoteka", v.ClickHouseWriterPassword, "OPTIMIZE TABLE fonoteka.events FINAL"); status != http.StatusOK {
		t.Errorf("the reader has stopped merges: %s", answer)
	}
	in.warehouse("fonoteka", v.ClickHouseWriterPassword, "SYSTEM STOP MERGES")
	if status, _ := in.warehouse("fonoteka", v.ClickHouseWriterPassword, "OPTIMIZE TABLE fonoteka.events FINAL"); status == http.StatusOK {
		t.Error("the writer has not stopped merges, so that the reader's try proves nothing")
	}
	for user, passwords := range map[string][]string{
		"reader":   {"", "reader", v.RecordingsPassword, v.ClickHouseReaderPassword + "x", strings.ToLower(v.ClickHouseReaderPassword)},
		"fonoteka": {"", "fonoteka", v.ClickHouseReaderPassword, v.AdminToken},
		"default":  {"x", v.ClickHouseReaderPassword},
		"admin":    {""}, "root": {""}, "": {"x"}, "reader'--": {v.ClickHouseReaderPassword},
	} {
		for _, password := range passwords {
			if status, answer := in.warehouse(user, password, "SELECT count() FROM fonoteka.events"); status == http.StatusOK {
				t.Errorf("user %q with a password of %d letters reads: %s", user, len(password), answer)
			}
		}
	}
	in.nothingWasKept(1)
	in.stop()
}

// Who has no key of the object store gets no object, no list and no error that tells
// one, by whatever path.
// The operator's own links play without a password for 90 days. No column that an
// analyst may read holds one, whatever the table or the view.
func TestAttackAnAnalystGetsNoLinkOfTheOperators(t *testing.T) {
	t.Parallel()
	in, op, _ := filled(t, sim.Options{Seed: 22, Calls: 40, Connections: 8})
	if status := in.post(redirect+"/events", []byte(`{"event":"callNotifications","urlRecord":"http://`+op.addr+`/r.mp3"`)); status != http.StatusOK { // cut: to rejected
		t.Fatal(status)
	}
	in.eventually(time.Minute, "1", "SELECT count() FROM rejected")
	v := in.values()
	ask := func(query string) []string {
		t.Helper()
		status, answer := in.warehouse("analyst", v.ClickHouseAnalystPassword, query)
		if status != http.StatusOK {
			t.Fatalf("%s: %d %s", query, status, answer)
		}
		return strings.Fields(answer)
	}
	if status, answer := in.warehouse("reader", v.ClickHouseReaderPassword, "SELECT count() FROM recordings WHERE url LIKE '%"+op.addr+"%'"); status != http.StatusOK || answer == "0\n" {
		t.Fatalf("there are no links to look for: %d %s", status, answer)
	}
	hidden := map[string][]string{}
	for _, c := range embedded.HiddenColumns() {
		hidden[c.Table] = append(hidden[c.Table], c.Column)
		for user, want := range map[string]int{"analyst": http.StatusForbidden, "reader": http.StatusOK} {
			password := map[string]string{"analyst": v.ClickHouseAnalystPassword, "reader": v.ClickHouseReaderPassword}[user]
			if status, answer := in.warehouse(user, password, "SELECT "+c.Column+" FROM "+c.Table+" LIMIT 1"); (status == http.StatusOK) != (want == http.StatusOK) {
				t.Errorf("%s reads %s.%s: %d %s", user, c.Table, c.Column, status, answer)
			}
		}
	}
	_, named := in.warehouse("fonoteka", v.ClickHouseWriterPassword, "SELECT table || '.' || name FROM system.columns WHERE database = 'fonoteka' AND (name ILIKE '%url%' OR name ILIKE '%link' OR name ILIKE '%body%') ORDER BY 1")
	for _, column := range strings.Fields(named) {
		table, name, _ := strings.Cut(column, ".")
		if !slices.Contains(hidden[table], name) && column != "addresses.url" { // our own page's
			t.Errorf("%s may hold a link, and is not among the hidden columns", column)
		}
	}
	tables := ask("SELECT name FROM system.tables WHERE database = 'fonoteka'")
	if len(tables) < 40 {
		t.Fatalf("only %d tables", len(tables))
	}
	read := 0
	for _, table := range tables {
		what := "*"
		if table == "custody_secret" {
			continue // it has no other column
		}
		if columns := hidden[table]; len(columns) > 0 {
			what = "* EXCEPT (" + strings.Join(columns, ", ") + ")"
		}
		status, answer := in.warehouse("analyst", v.ClickHouseAnalystPassword, "SELECT "+what+" FROM "+table+" FORMAT TSV")
		if status != http.StatusOK {
			t.Errorf("%s cannot be read: %d %s", table, status, answer)
			continue
		}
		read += len(answer)
		if strings.Contains(answer, op.addr) {
			t.Errorf("%s holds a link", table)
		}
	}
	if read < 10_000 {
		t.Errorf("%d bytes were searched", read)
	}
}

// An analyst can read every file of the engine's folder. No secret that stands there
// opens more than the directory, which the analyst may read anyway.
func TestAttackTheEnginesFolderHoldsNoUsableSecret(t *testing.T) {
	t.Parallel()
	in := install(t).start().ready()
	in.honest(t, 1)
	in.nothingWasKept(1)
	v := in.values()
	secrets := map[string]string{
		"the writer's password": v.ClickHouseWriterPassword, "the reader's password": v.ClickHouseReaderPassword, "the analyst's password": v.ClickHouseAnalystPassword,
		"the S3 key": v.S3AccessKey, "the S3 secret": v.S3SecretKey, "the Redis password": v.RedisPassword,
		"the token of commands": v.AdminToken, "the recordings' password": v.RecordingsPassword,
	}
	files, definitions := 0, 0
	err := filepath.WalkDir(filepath.Join(in.dir, "clickhouse"), func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil // parts come and go
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return nil
		}
		files++
		for name, secret := range secrets {
			if secret == "" {
				t.Errorf("%s is empty", name)
			} else if strings.Contains(string(b), secret) {
				t.Errorf("%s holds %s", path, name)
			}
		}
		if strings.Contains(string(b), v.ClickHouseDictionariesPassword) {
			definitions++
		}
		return nil
	})
	if err != nil || files < 100 || definitions == 0 { // the search finds what is there
		t.Fatalf("%v; %d files, %d with the dictionaries' password", err, files, definitions)
	}
	// What is compressed cannot be searched by bytes: nothing that takes statements down is kept.
	if _, logs := in.warehouse("fonoteka", v.ClickHouseWriterPassword, "SELECT count() FROM system.tables WHERE database = 'system' AND name LIKE '%_log'"); logs != "0\n" {
		t.Errorf("logs of the engine: %s", logs)
	}
	for query, want := range map[string]int{
		"SELECT count() FROM directory_staff":                      http.StatusOK,
		"SELECT count() FROM calls":                                http.StatusForbidden,
		"SELECT count() FROM events":                               http.StatusForbidden,
		"SELECT url FROM recordings":                               http.StatusForbidden,
		"SELECT key FROM recordings":                               http.StatusForbidden,
		"SELECT url FROM recordings_open":                          http.StatusForbidden,
		"SYSTEM STOP LISTEN TCP":                                   http.StatusForbidden,
		"INSERT INTO directory_staff (name) VALUES ('x')":          http.StatusForbidden,
		"SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')": http.StatusForbidden,
		"SELECT * FROM remote('127.0.0.1', fonoteka.calls)":        http.StatusForbidden,
		"CREATE TEMPORARY TABLE t (x String) ENGINE = File('CSV')": http.StatusForbidden,
		"SELECT 1 SETTINGS max_execution_time = 0, readonly = 0":   http.StatusForbidden,
		"SELECT 1 SETTINGS add_http_cors_header = 1":               http.StatusForbidden,
	} {
		if status, answer := in.warehouse("dictionaries", v.ClickHouseDictionariesPassword, query); (status == http.StatusOK) != (want == http.StatusOK) {
			t.Errorf("%s: %d %s", query, status, answer)
		}
	}
}

func TestAttackTheObjectStoreNeedsItsKeys(t *testing.T) {
	t.Parallel()
	in := install(t).start().ready()
	v, err := state.Read(in.dir)
	if err != nil {
		t.Fatal(err)
	}
	right := openBucket(t, blob.Options{URL: blobURL(v)})
	put := func(content string) blob.Put {
		return blob.Put{SHA256: fmt.Sprintf("%x", sha256.Sum256([]byte(content))), Size: int64(len(content))}
	}
	const key, voice = "recordings/main/2026/01/01/aa.mp3", "a voice"
	in.until("the bucket takes an object", time.Minute, func() bool {
		err = right.Put(t.Context(), key, strings.NewReader(voice), put(voice))
		return err == nil
	})
	if _, err := right.Stat(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	keys := func(access, secret string) string {
		u := url.URL{Scheme: "s3", User: url.UserPassword(access, secret), Host: local(v.Ports.S3), Path: bucketName, RawQuery: "secure=false"}
		return u.String()
	}
	for name, wrong := range map[string]string{
		"another secret": keys(v.S3AccessKey, v.S3SecretKey+"x"), "a part of it": keys(v.S3AccessKey, v.S3SecretKey[1:]), "another key": keys("root", v.S3SecretKey), "the key twice": keys(v.S3AccessKey, v.S3AccessKey),
		"MinIO's": keys("minioadmin", "minioadmin"),
	} {
		b := openBucket(t, blob.Options{URL: wrong})
		if _, err := b.Stat(t.Context(), key); err == nil {
			t.Errorf("%s: an object is seen", name)
		}
		if objects, err := b.ListPage(t.Context(), "", "", 10); err == nil {
			t.Errorf("%s: %d objects are listed", name, len(objects))
		}
		if err := b.Put(t.Context(), key+".x", strings.NewReader("x"), put("x")); err == nil {
			t.Errorf("%s: an object is put", name)
		}
		if err := b.Remove(t.Context(), key); err == nil {
			t.Errorf("%s: an object is removed", name)
		}
	}
	client := &http.Client{Timeout: time.Minute}
	old := fmt.Sprintf("?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=%s%%2F20260101%%2Fus-east-1%%2Fs3%%2Faws4_request&X-Amz-Date=20260101T000000Z&X-Amz-Expires=604800&X-Amz-SignedHeaders=host&X-Amz-Signature=%s", v.S3AccessKey, strings.Repeat("0", 64))
	for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "POST", "OPTIONS"} {
		for _, path := range []string{
			"/", "/fonoteka", "/fonoteka/", "/fonoteka/" + key, "/fonoteka/" + key + old, "/fonoteka?policy", "/fonoteka?acl", "/fonoteka?list-type=2", "/fonoteka/" + key + "?acl", "/?Action=ListUsers&Version=2010-05-08", "/list-users", "/create-user",
			"/fonoteka/..%2f..%2fstate.json", "/fonoteka/../../state.json", "/..%2fstate.json", "/../state.json", "/fonoteka/%2e%2e/%2e%2e/state.json", "/.sgwtmp/", "/fonoteka/.sgwtmp",
		} {
			req, err := http.NewRequestWithContext(t.Context(), method, "http://"+local(v.Ports.S3)+"/", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			path, query, _ := strings.Cut(path, "?")
			req.URL.Opaque, req.URL.RawQuery = "//"+req.URL.Host+path, query
			req.Header.Set("Origin", "http://evil.example.org")
			resp, err := client.Do(req)
			if err != nil {
				t.Errorf("%s %s: %v", method, path, err)
				continue
			}
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if resp.StatusCode < 400 && (method != "OPTIONS" || len(body) > 0) || strings.Contains(string(body), voice) || resp.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s %s: %d %v %s", method, path, resp.StatusCode, resp.Header, clip(string(body)))
			}
			in.tellsNoSecret(method+" "+path, string(body))
		}
	}
	if _, err := right.Stat(t.Context(), key); err != nil {
		t.Errorf("then the object is: %v", err)
	}
	in.stop()
}

// Redis does nothing before it has heard the password, and nothing of what a browser
// can make it hear.
func TestAttackRedisNeedsItsPassword(t *testing.T) {
	t.Parallel()
	in := install(t).start().ready()
	v, err := state.Read(in.dir)
	if err != nil {
		t.Fatal(err)
	}
	converse := func(all ...string) (answers string) {
		c, err := net.DialTimeout("tcp", local(v.Ports.Redis), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(time.Minute))
		_, _ = io.WriteString(c, strings.Join(all, ""))
		if end, ok := c.(*net.TCPConn); ok {
			_ = end.CloseWrite()
		}
		b, err := io.ReadAll(c)
		if isTimeout(err) {
			t.Errorf("%q: no end of the answer", all)
		}
		return string(b)
	}
	command := func(words ...string) string {
		out := fmt.Sprintf("*%d\r\n", len(words))
		for _, w := range words {
			out += fmt.Sprintf("$%d\r\n%s\r\n", len(w), w)
		}
		return out
	}
	right := func() string {
		return converse(command("AUTH", v.RedisPassword), command("SET", "mark", "planted"), command("GET", "mark"))
	}
	if got := right(); got != "+OK\r\n+OK\r\n$7\r\nplanted\r\n" {
		t.Fatalf("with the password: %q", got) // or what follows proves nothing
	}
	for _, words := range [][]string{
		{"PING"},
		{"KEYS", "*"},
		{"GET", "x"},
		{"SET", "x", "y"},
		{"FLUSHALL"},
		{"CONFIG", "GET", "*"},
		{"CONFIG", "SET", "dir", "/tmp"},
		{"SLAVEOF", "127.0.0.1", "1"},
		{"EVAL", "return 1", "0"},
		{"SCRIPT", "LOAD", "return 1"},
		{"SCAN", "0"},
		{"CLIENT", "LIST"},
		{"INFO"},
		{"MONITOR"},
		{"SUBSCRIBE", "x"},
		{"PUBLISH", "x", "y"},
		{"MULTI"},
		{"SHUTDOWN"},
		{"DEBUG", "SEGFAULT"},
		{"SELECT", "0"},
		{"ECHO", "x"},
		{"AUTH", ""},
		{"AUTH", "wrong"},
		{"AUTH", "default", ""},
		{"AUTH", "default", "wrong"},
		{"AUTH", "default"},
		{"AUTH", v.RedisPassword + "x"},
		{"AUTH", strings.ToLower(v.RedisPassword)},
		{"HELLO", "3"},
		{"HELLO", "3", "AUTH", "default", "wrong"},
	} {
		got := converse(command(words...), command("GET", "mark"))
		lines := strings.Split(strings.TrimSpace(got), "\r\n")
		// HELLO says what server it is before it asks for a password.
		if last := lines[len(lines)-1]; got != "" && !strings.HasPrefix(last, "-") || words[0] != "HELLO" && len(lines) > 2 || strings.Contains(got, "planted") {
			t.Errorf("%q is answered %q", words, got)
		}
	}
	// A page in a browser posts what it likes to any port of this machine.
	post := "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\n" + command("AUTH", "") + command("FLUSHALL")
	if got := converse(post); got != "" && !strings.HasPrefix(got, "-") || strings.Contains(got, "+OK") {
		t.Errorf("a page's post is answered %q", got)
	}
	if got := converse(command("AUTH", v.RedisPassword), command("GET", "mark")); !strings.Contains(got, "planted") {
		t.Errorf("then, with the password: %q", got)
	}
	in.stop()
}
