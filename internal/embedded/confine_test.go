package embedded_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"golang.org/x/sys/unix"

	"fonoteka/internal/embedded"
	"fonoteka/internal/testenv"
)

// needLandlock skips the test where the kernel has no Landlock, or fails it in
// CI. It asks the kernel itself, not the code under test.
func needLandlock(t *testing.T) {
	t.Helper()
	const version = unix.LANDLOCK_CREATE_RULESET_VERSION
	if abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, version); errno != 0 || abi < 2 {
		testenv.Missing(t, "this kernel has no usable Landlock (ABI %d, %v): it is in Linux 5.19 and later, if lsm= names it", int(abi), errno)
	}
}

// secret stands in every file that must not be read.
const secret = "SECRET-OF-THE-INSTALLATION"

// outside makes an installation's files beside the engine's folder, and names
// them together with those of the machine and of other processes. This process
// reads each of them.
func outside(t *testing.T, home string) []string {
	t.Helper()
	var files []string
	for _, name := range []string{"state.json", "key", "secrets/main", "spool/000001.log", "s3/objects/recording.mp3", "audit/2026.jsonl"} {
		path := filepath.Join(home, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(secret), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, path)
	}
	own := "/proc/" + strconv.Itoa(os.Getpid())
	files = append(files, own+"/environ", own+"/cmdline", own+"/maps", "/etc/passwd", "/etc/hostname", os.Args[0])
	for _, path := range []string{"/etc/shadow", "/proc/1/environ", "/proc/kallsyms"} { // root's, and of a container not even that
		if _, err := os.ReadFile(path); err == nil {
			files = append(files, path)
		}
	}
	for _, path := range files {
		if content, err := os.ReadFile(path); err != nil || len(content) == 0 {
			t.Fatalf("%s is no file to be read: %d bytes, %v", path, len(content), err)
		}
	}
	return files
}

func TestNobodyReadsAFileThroughTheEngine(t *testing.T) {
	t.Parallel()
	needLandlock(t)
	home := t.TempDir()
	opts := clickhouseOptions(t)
	opts.Dir = filepath.Join(home, "clickhouse")
	files := outside(t, home)
	ch := start(t, opts)
	mustAsk(t, ch, "CREATE DATABASE fonoteka")

	e := errand{HTTP: ch.HTTPAddr(), Native: ch.NativeAddr(), Files: files[:6]}
	for _, path := range files {
		for _, name := range []string{path, "/proc/self/root" + path, "/proc/self/cwd/../../../../../.." + path} {
			e.Questions = append(e.Questions,
				question{"default", "", "SELECT left(file('" + name + "'), 100)"},
				question{"reader", "reader-secret", "SELECT left(file('" + name + "'), 100)"})
		}
	}
	for _, relative := range []string{"../../state.json", "../../key", "../state.json", "../key"} {
		e.Questions = append(e.Questions, question{"reader", "reader-secret", "SELECT left(file('" + relative + "'), 100)"})
	}
	f := sendStranger(t, e)
	for i, q := range e.Questions {
		for port, a := range map[string]answer{"http": f.HTTP[i], "native": f.Native[i]} {
			if a.Refused == "" {
				t.Errorf("%s as %s over %s: answered with %d bytes", q.Query, q.User, port, len(a.Text))
			}
			if strings.Contains(a.Refused, secret) {
				t.Errorf("%s as %s over %s: the refusal holds what it refuses", q.Query, q.User, port)
			}
		}
	}
	if got, err := ask(ch.HTTPAddr(), "reader", "reader-secret", "SELECT 'a' || 'b'"); err != nil || got != "ab" {
		t.Errorf("the reader is refused everything: %q, %v", got, err)
	}
}

// A link in a bucket's folder leads out of it: whoever could place one, or found
// a path that the gateway does not clean, would read as the child does.
func TestTheObjectStoreReadsNothingOutsideItsFolder(t *testing.T) {
	t.Parallel()
	needLandlock(t)
	home := t.TempDir()
	files := outside(t, home)
	dir := filepath.Join(home, "s3")
	s, c := startS3(t, dir)
	if err := c.MakeBucket(t.Context(), "archive", minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := put(c, "archive", "one.mp3", []byte("one"), sha256.Sum256([]byte("one"))); err != nil {
		t.Fatal(err)
	}
	for i, path := range files {
		if strings.HasPrefix(path, dir+"/") {
			continue
		}
		if path == os.Args[0] {
			continue // the child's own program, which it must be able to run
		}
		key := "link" + strconv.Itoa(i)
		if err := os.Symlink(path, filepath.Join(dir, "objects", "archive", key)); err != nil {
			t.Fatal(err)
		}
		if got, err := get(c, "archive", key); err == nil && len(got) > 0 {
			t.Errorf("%s: %d bytes", path, len(got))
		}
	}
	if got, err := get(c, "archive", "one.mp3"); err != nil || !bytes.Equal(got, []byte("one")) {
		t.Errorf("an object of its own: %q, %v", got, err)
	}
	if err := s.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}

// All that the product and its administrator do with the engine goes on, under
// each version of Landlock that it may run under.
func TestTheConfinedEngineWorks(t *testing.T) {
	t.Parallel()
	needLandlock(t)
	for abi := 2; abi <= 7; abi++ {
		t.Run("version "+strconv.Itoa(abi), func(t *testing.T) {
			opts := clickhouseOptions(t)
			opts.Landlock = abi
			ch := start(t, opts)
			useAll(t, ch)
			if got, err := ask(ch.HTTPAddr(), "reader", "reader-secret", "SELECT file('/etc/passwd')"); err == nil {
				t.Errorf("it reads a file outside: %d bytes", len(got))
			}
			if err := ch.Stop(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
}

// useAll does with the engine all that makes, links, renames and removes files.
func useAll(t *testing.T, ch *embedded.ClickHouse) {
	t.Helper()
	for _, q := range []string{
		"CREATE DATABASE fonoteka",
		"CREATE TABLE fonoteka.t (k UInt64, v String, day Date) ENGINE = ReplacingMergeTree ORDER BY k PARTITION BY toYYYYMM(day)",
		"INSERT INTO fonoteka.t SELECT number, toString(number), toDate('2026-01-01') + number % 60 FROM numbers(100000)",
		"INSERT INTO fonoteka.t SELECT number, toString(number), toDate('2026-01-01') + number % 60 FROM numbers(100000)",
		"OPTIMIZE TABLE fonoteka.t FINAL",
		"ALTER TABLE fonoteka.t UPDATE v = 'seven' WHERE k = 7 SETTINGS mutations_sync = 2", // links files of the old part into the new one
		"ALTER TABLE fonoteka.t ADD COLUMN w UInt8 DEFAULT 3",
		"ALTER TABLE fonoteka.t DETACH PARTITION 202602",
		"ALTER TABLE fonoteka.t ATTACH PARTITION 202602",
		"ALTER TABLE fonoteka.t FREEZE",
		"CREATE TABLE fonoteka.u AS fonoteka.t",
		"ALTER TABLE fonoteka.u ATTACH PARTITION 202601 FROM fonoteka.t",
		"RENAME TABLE fonoteka.u TO fonoteka.w",
		"DROP TABLE fonoteka.w SYNC",
		"SELECT count() FROM (SELECT * FROM fonoteka.t ORDER BY cityHash64(v) SETTINGS max_bytes_before_external_sort = 100000, max_threads = 1)",
		"CREATE DICTIONARY fonoteka.d (k UInt64, v String) PRIMARY KEY k SOURCE(CLICKHOUSE(HOST '127.0.0.1' USER 'fonoteka' PASSWORD 'writer-secret' TABLE 't')) LAYOUT(HASHED()) LIFETIME(MIN 1 MAX 1)",
		"BACKUP DATABASE fonoteka TO File('whole')",
		"RESTORE DATABASE fonoteka AS again FROM File('whole') SETTINGS allow_different_table_def = 1",
	} {
		mustAsk(t, ch, q)
	}
	if got, err := ask(ch.HTTPAddr(), "reader", "reader-secret", "SELECT dictGet('fonoteka.d', 'v', toUInt64(7)), (SELECT count() FROM fonoteka.t)"); err != nil || got != "seven\t100000" {
		t.Errorf("a dictionary and a table: %q, %v", got, err)
	}
	if got := mustAsk(t, ch, "SELECT count() FROM again.t FINAL"); got != "100000" {
		t.Errorf("rows of the restored backup: %s", got)
	}
}

func TestTheConfinedObjectStoreWorks(t *testing.T) {
	t.Parallel()
	needLandlock(t)
	for abi := 2; abi <= 7; abi++ {
		t.Run("version "+strconv.Itoa(abi), func(t *testing.T) {
			dir := t.TempDir()
			s, err := embedded.StartS3(t.Context(), embedded.S3Options{Dir: dir, AccessKey: "access", SecretKey: "secret-secret", Landlock: abi})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Stop(context.Background()) }()
			c := s3Client(t, s.Addr(), "secret-secret")
			if err := c.MakeBucket(t.Context(), "archive", minio.MakeBucketOptions{ObjectLocking: true}); err != nil {
				t.Fatal(err)
			}
			for _, body := range []string{"one", "two"} { // the second moves the first to the versions
				if _, err := put(c, "archive", "2026/01/one.mp3", []byte(body), sha256.Sum256([]byte(body))); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Symlink("/etc/passwd", filepath.Join(dir, "objects", "archive", "link")); err != nil {
				t.Fatal(err)
			}
			if got, err := get(c, "archive", "link"); err == nil {
				t.Errorf("it reads a file outside: %d bytes", len(got))
			}
			if got, err := get(c, "archive", "2026/01/one.mp3"); err != nil || string(got) != "two" {
				t.Errorf("%q, %v", got, err)
			}
			if err := c.RemoveObject(t.Context(), "archive", "2026/01/one.mp3", minio.RemoveObjectOptions{}); err != nil {
				t.Error(err)
			}
		})
	}
}

// A rule is for what a link leads to: the folder of a store, or a part of it, may
// lie on another disk, and the library wherever a link to it says.
func TestTheFolderOfAConfinedStoreMayBeALink(t *testing.T) {
	t.Parallel()
	needLandlock(t)
	home, disk := t.TempDir(), t.TempDir()
	link := func(to string, from ...string) {
		t.Helper()
		if err := os.MkdirAll(to, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(to, filepath.Join(from...)); err != nil {
			t.Fatal(err)
		}
	}
	link(filepath.Join(disk, "clickhouse"), home, "clickhouse")
	link(filepath.Join(disk, "tables"), disk, "clickhouse", "data")
	link(filepath.Join(disk, "s3"), home, "s3")
	link(filepath.Join(disk, "objects"), disk, "s3", "objects")
	link(filepath.Join(disk, "versions"), disk, "s3", "versions")
	opts := clickhouseOptions(t)
	opts.Dir = filepath.Join(home, "clickhouse")
	library := filepath.Join(home, "libchdb.so")
	if err := os.Symlink(opts.Library, library); err != nil {
		t.Fatal(err)
	}
	opts.Library = library
	useAll(t, start(t, opts))

	_, c := startS3(t, filepath.Join(home, "s3"))
	if err := c.MakeBucket(t.Context(), "archive", minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := put(c, "archive", "2026/one.mp3", []byte("one"), sha256.Sum256([]byte("one"))); err != nil {
		t.Fatal(err)
	}
	if got, err := get(c, "archive", "2026/one.mp3"); err != nil || string(got) != "one" {
		t.Errorf("%q, %v", got, err)
	}
	for _, file := range []string{"tables/metadata/fonoteka.sql", "objects/archive/2026/one.mp3"} {
		if _, err := os.Stat(filepath.Join(disk, file)); err != nil {
			t.Errorf("it is not where the link leads to: %v", err)
		}
	}
}

// Not even the writer, who may use every table function, gets a connection.
func TestTheConfinedEngineConnectsToNobody(t *testing.T) {
	t.Parallel()
	needLandlock(t)
	ch := start(t, clickhouseOptions(t))
	asked := make(chan string, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.String()
		_, _ = io.WriteString(w, "an answer\n")
	}))
	defer server.Close()
	for _, q := range []string{
		"SELECT * FROM url('" + server.URL + "/url', 'LineAsString') SETTINGS http_max_tries = 1",
		"INSERT INTO FUNCTION url('" + server.URL + "/insert', 'LineAsString', 'line String') VALUES ('out')",
		"SELECT * FROM remote('" + strings.TrimPrefix(server.URL, "http://") + "', system.one)",
	} {
		if got, err := ask(ch.HTTPAddr(), "fonoteka", "writer-secret", q); err == nil {
			t.Errorf("%s: %q", q, got)
		}
	}
	if len(asked) > 0 {
		t.Errorf("a server was asked for %s", <-asked)
	}
}

// A rule of Landlock is for an inode, and /proc makes another one for the same
// path when memory is short – unless somebody holds the first.
func TestWhatAChildMayReadOfItselfStaysSo(t *testing.T) {
	t.Parallel()
	needLandlock(t)
	ch := start(t, clickhouseOptions(t))
	s, _ := startS3(t, t.TempDir())
	for pid, names := range map[int][]string{ch.Pid(): {"task", "statm", "cgroup"}, s.Pid(): {"fd", "mountinfo"}} {
		dir := "/proc/" + strconv.Itoa(pid)
		open, err := os.ReadDir(dir + "/fd")
		if err != nil {
			t.Fatal(err)
		}
		held := map[string]bool{}
		for _, fd := range open {
			if path, err := os.Readlink(dir + "/fd/" + fd.Name()); err == nil {
				held[path] = true
			}
		}
		for _, name := range names {
			if !held[dir+"/"+name] {
				t.Errorf("process %d does not hold %s of itself open", pid, name)
			}
		}
	}
}

// readable is all that the engine may read outside its folder: what every user of
// the machine may, of its size and of the engine itself.
var readable = regexp.MustCompile(`^/proc/(meminfo|sys/vm/overcommit_memory|\d+/(statm|cgroup|task/.*))$|^/sys/(fs/cgroup|kernel/mm/transparent_hugepage|devices/system/cpu)/`)

func TestTheEngineReadsNothingElseOfTheMachine(t *testing.T) {
	t.Parallel()
	needLandlock(t)
	opts := clickhouseOptions(t)
	opts.Dir = filepath.Join(t.TempDir(), "clickhouse")
	ch := start(t, opts)
	mustAsk(t, ch, "CREATE DATABASE fonoteka")
	pid := strconv.Itoa(ch.Pid())
	var paths []string
	for _, root := range []string{"/etc", "/proc/" + pid, "/proc/self", "/proc/1", "/proc/sys", "/proc", "/sys/kernel", "/sys/fs", "/sys/devices/system/cpu", "/dev", "/run", "/root", "/home", "/usr/lib", "/tmp"} {
		paths = append(paths, some(root, 150)...)
	}
	t.Logf("%d files", len(paths))
	found := 0
	for page := range slices.Chunk(paths, 1000) {
		got, err := ask(ch.HTTPAddr(), "reader", "reader-secret", "SELECT arrayJoin(['"+strings.Join(page, "','")+"']) AS path WHERE file(path, '') != ''")
		if err != nil {
			t.Fatal(err)
		}
		for path := range strings.Lines(got) {
			found++
			if path = strings.TrimSpace(path); !readable.MatchString(path) && !strings.HasPrefix(path, opts.Dir+"/") {
				t.Errorf("it reads %s", path)
			}
		}
	}
	if found == 0 {
		t.Error("it reads nothing at all: the question is wrong")
	}
}

// some names files below root, with plain names, that are not empty: at most n,
// from few folders deep. What is empty by its size, as in /proc, counts too.
func some(root string, n int) (paths []string) {
	_ = filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
		switch {
		case len(paths) >= n:
			return filepath.SkipAll
		case err != nil:
			return nil // gone, or not ours
		case e.IsDir() && strings.Count(path, "/")-strings.Count(root, "/") > 3:
			return filepath.SkipDir
		case e.Type().IsRegular() && !strings.ContainsAny(path, `'\`):
			paths = append(paths, path)
		}
		return nil
	})
	return paths
}

// Whoever reads the environment of a store – as its clients may – finds nothing of ours.
func TestAStoreInheritsNoSecrets(t *testing.T) {
	for _, name := range []string{"FONOTEKA_KEY", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "PGPASSWORD"} {
		t.Setenv(name, secret)
	}
	t.Setenv("GOGC", "77")
	ch := start(t, clickhouseOptions(t))
	s, _ := startS3(t, t.TempDir())
	for _, pid := range []int{ch.Pid(), s.Pid()} {
		environ, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(environ, []byte(secret)) {
			t.Errorf("process %d: %q", pid, environ)
		}
		if !bytes.Contains(environ, []byte("GOGC=77\x00")) || !bytes.Contains(environ, []byte("TZ=UTC\x00")) {
			t.Errorf("process %d lacks what it needs: %q", pid, environ)
		}
	}
}

// Where nothing keeps a reader's query from reading the installation's secrets,
// there is no reader, unless that is accepted.
func TestWithoutLandlockThereIsAReaderOnlyWhereThatIsAccepted(t *testing.T) {
	t.Parallel()
	for _, accepted := range []bool{false, true} {
		t.Run(fmt.Sprintf("accepted %v", accepted), func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			opts := clickhouseOptions(t)
			opts.Landlock, opts.AllowUnconfined = -1, accepted
			opts.Log = slog.New(slog.NewTextHandler(&log, nil))
			ch := start(t, opts)
			mustAsk(t, ch, "CREATE DATABASE fonoteka")
			if got := mustAsk(t, ch, "SELECT file('/etc/hostname') != ''"); got != "1" {
				t.Error("it is confined: this test shows nothing")
			}
			got, err := ask(ch.HTTPAddr(), "reader", "reader-secret", "SELECT 1")
			if accepted && (err != nil || got != "1") || !accepted && (err == nil || !strings.Contains(err.Error(), "AUTHENTICATION_FAILED")) {
				t.Errorf("the reader: %q, %v", got, err)
			}
			if err := ch.Stop(context.Background()); err != nil {
				t.Error(err)
			}
			if !strings.Contains(log.String(), "level=WARN msg=\"embedded store is not confined") {
				t.Errorf("the log does not say so:\n%s", &log)
			}
		})
	}
}
