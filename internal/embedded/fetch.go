package embedded

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// EngineVersion is the pinned version of the engine's npm packages.
const EngineVersion = "26.7.3-stable.1"

// bringAServer ends every message about an engine that cannot be had.
const bringAServer = "bring a ClickHouse server and set FONOTEKA_CLICKHOUSE_URL"

// enginePackage is one platform's npm package, its digest as the registry
// states it (npm view … dist.integrity), and its sizes in bytes.
type enginePackage struct {
	name      string
	integrity string
	packed    int64  // the tarball
	unpacked  int64  // libchdb.so
	library   string // SHA-256 of libchdb.so, hex
}

// enginePackages holds the platforms whose digest is known. There are packages
// for linux/arm64, darwin/arm64 and darwin/amd64 too; they are left out until
// somebody has verified theirs: an engine is never run unpinned.
func enginePackages(platform string) (enginePackage, bool) {
	p, ok := map[string]enginePackage{
		"linux-amd64": {
			name:      "@chdb/lib-linux-x64-gnu",
			integrity: "sha512-XP97mMqnc5tZpKQywR8N7cLTsHNiTmHr30pC5mzo3jWmukjKn2IBa60c2B/gWUNcuFjOMjWoorQICCqBVj5wpw==",
			packed:    177817999,
			unpacked:  566330096,
			library:   "36ad4e999882821ef13cf2d0f52c93f48e6ee1b4498b35a201c23ce4b8d15bf5",
		},
	}[platform]
	return p, ok
}

// FetchEngine returns the path of libchdb.so, and fetches it with npm if it is
// not in the cache yet (178 MB to load, 566 MB on disk; 10 s on a fast line), or
// damaged there. The tarball's digest is compared with the one in this source before
// anything of it is used, and the library's each time. It may run several times at once.
// It writes lines for people to progress, which may be nil. It ends in bounded time: a
// download that stands still is given up.
func FetchEngine(ctx context.Context, cacheDir string, progress io.Writer) (string, error) {
	cacheDir, err := filepath.Abs(cacheDir) // npm and the engine run in folders of their own
	if err != nil {
		return "", fmt.Errorf("find the engine's cache: %w", err)
	}
	path, err := FindEngine(cacheDir)
	var damage error
	if err == nil {
		if damage = verifyEngine(ctx, path); damage == nil {
			return path, nil
		}
	} else if !errors.Is(err, ErrNoEngine) {
		return "", err
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if progress == nil {
		progress = io.Discard
	}
	if damage != nil {
		fmt.Fprintf(progress, "%v: it is fetched again\n", damage)
	}
	path, err = fetchEngine(ctx, cacheDir, progress)
	if err != nil && damage != nil {
		err = fmt.Errorf("%w, and could not be fetched again: %w", damage, err)
	}
	return path, err
}

func fetchEngine(ctx context.Context, cacheDir string, progress io.Writer) (string, error) {
	platform := runtime.GOOS + "-" + runtime.GOARCH
	pkg, ok := enginePackages(platform)
	if !ok {
		return "", fmt.Errorf("there is no verified embedded ClickHouse for %s: %s", platform, bringAServer)
	}
	if err := os.MkdirAll(filepath.Dir(enginePath(cacheDir)), 0o750); err != nil {
		return "", fmt.Errorf("create the engine's cache: %w", err)
	}
	removeOldFetches(filepath.Dir(enginePath(cacheDir)))
	// In the cache itself, so that the rename below stays within one file system.
	tmp, err := os.MkdirTemp(filepath.Dir(enginePath(cacheDir)), "fetch.*")
	if err != nil {
		return "", fmt.Errorf("create the engine's cache: %w", err)
	}
	defer os.RemoveAll(tmp)

	tarball, err := npmPack(ctx, pkg, tmp, progress)
	if err != nil {
		return "", fmt.Errorf("fetch the embedded ClickHouse: %w; or %s", err, bringAServer)
	}
	unpacked := filepath.Join(tmp, "libchdb.so")
	if err := unpack(ctx, pkg, tarball, unpacked, progress); err != nil {
		return "", fmt.Errorf("unpack the embedded ClickHouse: %w; try again, or %s", err, bringAServer)
	}
	if err := os.Rename(unpacked, enginePath(cacheDir)); err != nil {
		return "", fmt.Errorf("keep the embedded ClickHouse: %w", err)
	}
	fmt.Fprintf(progress, "ClickHouse engine %s is ready: %s\n", EngineVersion, enginePath(cacheDir))
	return FindEngine(cacheDir)
}

// npmPack downloads the package's tarball into dir. npm is used, not a plain
// GET, because it knows the machine's registry, mirror, proxy and login.
func npmPack(ctx context.Context, pkg enginePackage, dir string, progress io.Writer) (string, error) {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", errors.New("npm was not found: install it (Debian: apt-get install npm) and start again")
	}
	fmt.Fprintf(progress, "fetching the ClickHouse engine %s: %s, %d MB, once …\n", EngineVersion, pkg.name, pkg.packed/1e6)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	cmd := exec.CommandContext(ctx, npm, "pack", "--silent", "--ignore-scripts", "--fetch-retries=2", "--fetch-timeout=60000",
		"--cache", filepath.Join(dir, "npm"), pkg.name+"@"+EngineVersion)
	cmd.Dir = dir
	cmd.Env = npmEnv(os.Environ())
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	var stderr strings.Builder
	cmd.Stderr = &stderr
	began := time.Now()
	watched := make(chan struct{})
	stop, done := context.WithCancel(ctx)
	go func() {
		defer close(watched)
		watchDownload(stop, dir, pkg.packed, progress, func() { cancel(errStalled) })
	}()
	err = cmd.Run()
	done()
	<-watched
	if err != nil {
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		return "", fmt.Errorf("npm pack %s@%s: %w: %s", pkg.name, EngineVersion, err, lastLine(stderr.String()))
	}
	found, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("npm pack left %d tarballs instead of one", len(found))
	}
	fmt.Fprintf(progress, "fetched in %v\n", time.Since(began).Round(100*time.Millisecond))
	return found[0], nil
}

// stalled is how long a download may stand still.
const stalled = 3 * time.Minute

var errStalled = fmt.Errorf("npm has received nothing for %v: is the registry reachable from here (npm ping)?", stalled)

// watchDownload writes every two seconds how large the largest file in dir has
// become: npm itself shows nothing that is useful in a log. Where nothing comes for long
// it calls giveUp.
func watchDownload(ctx context.Context, dir string, total int64, progress io.Writer, giveUp func()) {
	ticker := time.NewTicker(2 * time.Second)
	defer ticker.Stop()
	grown := time.Now()
	for shown := int64(0); ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		var largest int64
		_ = filepath.WalkDir(dir, func(_ string, e os.DirEntry, err error) error {
			if err == nil {
				if info, err := e.Info(); err == nil && !e.IsDir() {
					largest = max(largest, info.Size())
				}
			}
			return nil // files come and go under a running npm
		})
		switch {
		case largest > shown:
			shown, grown = largest, time.Now()
			fmt.Fprintf(progress, "fetching: %d of %d MB (%d %%)\n", shown/1e6, total/1e6, min(100, shown*100/total))
		case time.Since(grown) > stalled:
			giveUp()
			return
		}
	}
}

// npmNeeds are the variables that npm may see, by their names or, with a * behind, by
// their beginnings. The rest of this process's environment holds secrets, and npm is a
// large program of others. A registry's login is npm's own affair: it stands in .npmrc
// or in a variable that begins with NPM_.
var npmNeeds = []string{
	"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TZ", "LANG", "LC_*", "XDG_*",
	"NPM_*", "npm_*", "NODE_*", "SSL_CERT_FILE", "SSL_CERT_DIR",
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy",
}

// npmEnv is what is left of an environment for npm.
func npmEnv(environ []string) (env []string) {
	for _, pair := range environ {
		name, _, _ := strings.Cut(pair, "=")
		for _, needed := range npmNeeds {
			if beginning, open := strings.CutSuffix(needed, "*"); name == needed || open && strings.HasPrefix(name, beginning) {
				env = append(env, pair)
				break
			}
		}
	}
	return env
}

// removeOldFetches removes what fetches that were killed have left behind.
func removeOldFetches(dir string) {
	found, _ := filepath.Glob(filepath.Join(dir, "fetch.*")) // the pattern is sound
	for _, path := range found {
		if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) > time.Hour {
			_ = os.RemoveAll(path) // the next fetch tries again
		}
	}
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return "is the network up?"
	}
	return s[strings.LastIndexByte(s, '\n')+1:]
}

// unpack verifies the tarball while it extracts libchdb.so to dst; dst is of
// use only if it returns nil.
func unpack(ctx context.Context, pkg enginePackage, tarball, dst string, progress io.Writer) error {
	f, err := os.Open(tarball)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha512.New()
	r := &readProgress{ctx: ctx, r: io.TeeReader(f, sum), total: pkg.packed, out: progress}
	if err := extract(r, dst); err != nil {
		// Bytes that are not the pinned ones come first: they explain the rest.
		if _, copyErr := io.Copy(io.Discard, r); copyErr == nil {
			err = errors.Join(verifyIntegrity(sum, pkg.integrity), err)
		}
		return err
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		return err
	}
	return verifyIntegrity(sum, pkg.integrity)
}

// verifyIntegrity compares a digest with npm's notation of one.
func verifyIntegrity(sum hash.Hash, integrity string) error {
	got := sum.Sum(nil)
	if "sha512-"+base64.StdEncoding.EncodeToString(got) == integrity {
		return nil
	}
	pinned, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(integrity, "sha512-"))
	if err != nil {
		return fmt.Errorf("the pinned digest cannot be read: %w", err)
	}
	return fmt.Errorf("its sha512 is %x, pinned is %x: not used", got, pinned)
}

// maxLibrary is more than the library has, bytes: what is not the pinned package fills
// no disk before that is seen.
const maxLibrary = 2 << 30

// extract writes package/libchdb.so of a gzipped tar to dst and syncs it.
func extract(r io.Reader, dst string) error {
	zipped, err := gzip.NewReader(bufio.NewReaderSize(r, 1<<20))
	if err != nil {
		return fmt.Errorf("read the tarball: %w", err)
	}
	files := tar.NewReader(zipped)
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return errors.New("the tarball holds no package/libchdb.so")
		}
		if err != nil {
			return fmt.Errorf("read the tarball: %w", err)
		}
		if header.Name != "package/libchdb.so" {
			continue
		}
		if header.Size > maxLibrary {
			return fmt.Errorf("read the tarball: its package/libchdb.so has %d bytes: not used", header.Size)
		}
		break
	}
	f, err := os.OpenFile(dst, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755) //nolint:gosec // a library, for whoever shares the cache
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.Copy(f, files); err != nil { //nolint:gosec // its digest was checked
		return fmt.Errorf("write %s: %w", dst, err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("write %s: %w", dst, err)
	}
	return f.Close()
}

// readProgress writes a line for every tenth that has been read.
type readProgress struct {
	ctx         context.Context
	r           io.Reader
	read, total int64
	shown       int64 // tenths
	out         io.Writer
}

func (p *readProgress) Read(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := p.r.Read(b)
	p.read += int64(n)
	if tenth := p.read * 10 / max(p.total, 1); tenth > p.shown {
		p.shown = tenth
		fmt.Fprintf(p.out, "unpacking and verifying: %d %%\n", tenth*10)
	}
	return n, err
}
