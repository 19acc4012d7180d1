package embedded_test

import (
	"bytes"
	"crypto/sha256"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"github.com/minio/minio-go/v7"
	"golang.org/x/sys/unix"

	"fonoteka/internal/testenv"
)

// Recordings must not push out of memory what is in use there.
func TestAStoredObjectLeavesThePageCache(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		t.Fatal(err)
	}
	if fs.Type == unix.TMPFS_MAGIC {
		testenv.Missing(t, "the temporary folder %s is in memory: TMPDIR names one on a disk", dir)
	}
	_, c := startS3(t, dir)
	if err := c.MakeBucket(t.Context(), "archive", minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	body := bytes.Repeat([]byte("sound"), 60_000)
	if _, err := put(c, "archive", "a/b.mp3", body, sha256.Sum256(body)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "objects", "archive", "a", "b.mp3")
	if n := resident(t, path); n > 10 { // the kernel leaves what another process happens to use
		t.Errorf("%d pages of a stored object are in memory, of 74", n)
	}
	if got, err := get(c, "archive", "a/b.mp3"); err != nil || !bytes.Equal(got, body) {
		t.Errorf("read back: %d bytes, %v", len(got), err)
	}
	if n := resident(t, path); n < 70 {
		t.Errorf("%d pages are in memory after a read: this test does not see them", n)
	}
}

// resident counts the pages of a file that are in memory.
func resident(t *testing.T, path string) int {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	mem, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(mem) }()
	pages := make([]byte, (len(mem)+os.Getpagesize()-1)/os.Getpagesize())
	if _, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&mem[0])), uintptr(len(mem)), uintptr(unsafe.Pointer(&pages[0]))); errno != 0 {
		t.Fatal(errno)
	}
	n := 0
	for _, p := range pages {
		n += int(p & 1)
	}
	return n
}
