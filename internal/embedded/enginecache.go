package embedded

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// ErrNoEngine says that the engine is not in the cache.
var ErrNoEngine = errors.New("the embedded ClickHouse engine is not in the cache")

// DefaultCacheDir is where the engine is kept, outside of any installation:
// several share it.
func DefaultCacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache folder: %w", err)
	}
	return filepath.Join(dir, "fonoteka"), nil
}

func enginePath(cacheDir string) string {
	return filepath.Join(cacheDir, "engine", runtime.GOOS+"-"+runtime.GOARCH, EngineVersion, "libchdb.so")
}

// FindEngine returns the path of libchdb.so in the cache, links resolved, or ErrNoEngine. One that
// somebody else than this user and root could have put or changed there, by any folder on
// the way to it, is refused: it would run as this process. Its bytes are not looked at.
func FindEngine(cacheDir string) (string, error) {
	path, err := filepath.Abs(enginePath(cacheDir))
	if err != nil {
		return "", fmt.Errorf("find the engine: %w", err)
	}
	found, err := onlyOurs(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", fmt.Errorf("%w (%s)", ErrNoEngine, path)
	case err != nil:
		return "", fmt.Errorf("the embedded ClickHouse engine is not loaded: %w", err)
	}
	return found, nil
}

// maxLinks is how many symbolic links may be on the way to the engine.
const maxLinks = 40

// onlyOurs fails if somebody else than this user and root can change what a path leads
// to: the file, each folder up to the root, and those that symbolic links on the way lead
// through. It returns the path without links, which is the one that was looked at.
func onlyOurs(path string) (string, error) {
	for range maxLinks {
		next, linked, err := followFirstLink(path)
		if err != nil {
			return "", err
		}
		if !linked {
			return path, nil
		}
		path = next
	}
	return "", fmt.Errorf("%s: too many symbolic links", path)
}

// followFirstLink checks the parts of a path from the root on, up to the first symbolic
// link, and returns the path with that one resolved.
func followFirstLink(path string) (next string, linked bool, err error) {
	for end := 1; ; {
		part := path[:end]
		info, err := os.Lstat(part)
		if err != nil {
			return "", false, err
		}
		if why := othersMayChange(info); why != "" {
			return "", false, fmt.Errorf("%s %s; put that right (chown, chmod go-w), or choose another folder (--engine-cache, FONOTEKA_ENGINE_CACHE)", part, why)
		}
		if info.Mode()&os.ModeSymlink != 0 {
			to, err := os.Readlink(part)
			if err != nil {
				return "", false, err
			}
			if !filepath.IsAbs(to) {
				to = filepath.Join(filepath.Dir(part), to)
			}
			return filepath.Join(to, path[end:]), true, nil
		}
		if end == len(path) {
			return path, false, nil
		}
		next := strings.IndexByte(path[end+1:], filepath.Separator)
		if next < 0 {
			end = len(path)
		} else {
			end += 1 + next
		}
	}
}

// othersMayChange says how somebody else than this user and root could change what
// is there; "" means that nobody can. In a sticky folder each changes only what is
// their own; a symbolic link itself is changed by its owner only, whatever its mode.
func othersMayChange(info os.FileInfo) string {
	if s, ok := info.Sys().(*syscall.Stat_t); ok && s.Uid != 0 && int(s.Uid) != os.Getuid() {
		return fmt.Sprintf("belongs to another user (uid %d)", s.Uid)
	}
	sticky := info.IsDir() && info.Mode()&os.ModeSticky != 0
	if link := info.Mode()&os.ModeSymlink != 0; info.Mode().Perm()&0o022 != 0 && !sticky && !link {
		return fmt.Sprintf("may be changed by others (mode %04o)", info.Mode().Perm())
	}
	return ""
}

// verifyEngine compares the library with its pinned size and digest: loaded, a damaged
// one crashes or hangs. It takes half a second. Its error says what is wrong and what to
// do.
func verifyEngine(ctx context.Context, path string) error {
	pkg, ok := enginePackages(runtime.GOOS + "-" + runtime.GOARCH)
	if !ok {
		return nil // nothing is pinned: it is not fetched either
	}
	return verifyLibrary(ctx, pkg, path)
}

func verifyLibrary(ctx context.Context, pkg enginePackage, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read the engine: %w", err)
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.CopyBuffer(sum, &readProgress{ctx: ctx, r: f, total: pkg.unpacked, out: io.Discard}, make([]byte, 1<<20))
	switch {
	case err != nil:
		return fmt.Errorf("the embedded ClickHouse engine cannot be read (%s): %w", path, err)
	case n != pkg.unpacked:
		return fmt.Errorf("the embedded ClickHouse engine is damaged (%s): it has %d bytes instead of %d", path, n, pkg.unpacked)
	case hex.EncodeToString(sum.Sum(nil)) != pkg.library:
		return fmt.Errorf("the embedded ClickHouse engine is damaged (%s): its SHA-256 is %x, and should be %s", path, sum.Sum(nil), pkg.library)
	}
	return nil
}
