package spool_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"fonoteka/internal/spool"
	"fonoteka/internal/testenv"
)

// What is no damage is refused with its reason, and the folder stays.
func TestWhatIsNoDamageIsRefused(t *testing.T) {
	t.Parallel()
	reads := func(op errorfs.Op) bool { return op.Kind.ReadOrWrite() == errorfs.OpIsRead }
	writes := func(op errorfs.Op) bool { return op.Kind.ReadOrWrite() == errorfs.OpIsWrite }
	file := func(part string, is func(errorfs.Op) bool) func(errorfs.Op) bool {
		return func(op errorfs.Op) bool { return strings.Contains(op.Path, part) && is(op) }
	}
	for name, c := range map[string]struct {
		fails func(errorfs.Op) bool
		errno syscall.Errno
	}{
		"an I/O error of the log":       {file(".log", reads), syscall.EIO},
		"an I/O error of a table":       {file(".sst", reads), syscall.EIO},
		"an I/O error of the manifest":  {file("MANIFEST", reads), syscall.EIO},
		"an I/O error of the options":   {file("OPTIONS", reads), syscall.EIO},
		"an I/O error of the folder":    {func(op errorfs.Op) bool { return op.Kind == errorfs.OpList }, syscall.EIO},
		"no right to read the log":      {file(".log", reads), syscall.EACCES},
		"no right to write":             {writes, syscall.EACCES},
		"a full disk":                   {writes, syscall.ENOSPC},
		"a full disk, at the manifest":  {file("MANIFEST", writes), syscall.ENOSPC},
		"a read-only file system":       {writes, syscall.EROFS},
		"too many open files":           {file(".sst", reads), syscall.EMFILE},
		"an I/O error amid real damage": {file(".sst", reads), syscall.EIO},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := imaged(t)
			if strings.HasSuffix(name, "real damage") {
				rewrite(t, named(t, dir, logFile), flipAt(0.5, 0))
				c.fails = file(".log", reads)
			}
			before := listing(t, dir)
			fs := errorfs.Wrap(vfs.Default, errorfs.InjectorFunc(func(op errorfs.Op) error {
				if c.fails(op) {
					return &os.PathError{Op: "test", Path: op.Path, Err: c.errno}
				}
				return nil
			}))
			s, err := spool.Open(spool.Options{Dir: dir, FS: fs, ReserveBytes: 1, PutAside: true})
			if err == nil {
				_ = s.Close()
				t.Fatal("it opened")
			}
			if errors.Is(err, spool.ErrDamagedStore) || !strings.Contains(err.Error(), c.errno.Error()) {
				t.Errorf("refused with %v", err)
			}
			if folders, err := spool.DamagedFolders(nil, dir); err != nil || len(folders) > 0 {
				t.Errorf("put aside: %v, %v", folders, err)
			}
			if after := listing(t, dir); !strings.HasPrefix(c.errno.Error(), "no space") && after != before {
				t.Errorf("the folder was\n%s\nand is\n%s", before, after)
			}
			// Once that has passed, in another process, all is there.
			later := filepath.Join(t.TempDir(), "spool")
			must(t, os.CopyFS(later, os.DirFS(dir)))
			s, err = spool.Open(spool.Options{Dir: later, ReserveBytes: 1, PutAside: true})
			must(t, err)
			defer mustClose(t, s)
			if folders, _ := spool.DamagedFolders(nil, later); !strings.HasSuffix(name, "real damage") && (len(folders) > 0 || len(readAll(t, s)) != imageRecords) {
				t.Errorf("%d folders put aside, %d records", len(folders), len(readAll(t, s)))
			}
		})
	}
}

// A damaged folder that cannot be renamed, such as a mount point, stays where it is.
func TestAFolderThatCannotBePutAsideIsRefused(t *testing.T) {
	t.Parallel()
	dir := imaged(t)
	onFile(logFile, flipAt(0.5, 0))(t, dir)
	before := listing(t, dir)
	fs := errorfs.Wrap(vfs.Default, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpRename && op.Path == dir {
			return &os.LinkError{Op: "rename", Old: dir, New: dir, Err: syscall.EBUSY}
		}
		return nil
	}))
	_, err := spool.Open(spool.Options{Dir: dir, FS: fs, ReserveBytes: 1, PutAside: true})
	if !errors.Is(err, syscall.EBUSY) || !errors.Is(err, spool.ErrDamagedStore) {
		t.Errorf("opened with %v", err)
	}
	if after := listing(t, dir); after != before {
		t.Errorf("the folder was\n%s\nand is\n%s", before, after)
	}
}

func TestAHeldLockIsRefused(t *testing.T) {
	t.Parallel()
	dir := imaged(t)
	s := open(t, spool.Options{Dir: dir, ReserveBytes: 1})
	onFile(theManifest, garbage)(t, dir)
	if _, err := spool.Open(spool.Options{Dir: dir, ReserveBytes: 1, PutAside: true}); err == nil || errors.Is(err, spool.ErrDamagedStore) {
		t.Errorf("opened twice: %v", err)
	}
	if folders, _ := spool.DamagedFolders(nil, dir); len(folders) > 0 {
		t.Error("the spool of a running process was put aside")
	}
	mustAppend(t, s, "still taken")
}

func TestAFileInThePlaceOfTheFolderIsRefused(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "spool")
	must(t, os.WriteFile(dir, []byte("mine"), 0o600))
	if _, err := spool.Open(spool.Options{Dir: dir, ReserveBytes: 1, PutAside: true}); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("opened a file: %v", err)
	}
	if text, err := os.ReadFile(dir); err != nil || string(text) != "mine" {
		t.Errorf("the file is now %q, %v", text, err)
	}
}

// Without PutAside damage is an error of its own, and nothing is renamed.
func TestDamageIsAnErrorWithoutPutAside(t *testing.T) {
	t.Parallel()
	dir := imaged(t)
	onFile(logFile, flipAt(0.5, 0))(t, dir)
	before := listing(t, dir)
	if _, err := spool.Open(spool.Options{Dir: dir, ReserveBytes: 1}); !errors.Is(err, spool.ErrDamagedStore) {
		t.Errorf("opened with %v", err)
	}
	if after := listing(t, dir); after != before {
		t.Errorf("the folder was\n%s\nand is\n%s", before, after)
	}
}

// nobody is a user without rights; asNobody names the variable that turns this
// test binary into an opener of a folder.
const (
	nobody   = 65534
	asNobody = "SPOOL_TEST_OPEN_DIR"
)

func openAsNobody(dir string) int {
	s, err := spool.Open(spool.Options{Dir: dir, ReserveBytes: 1, PutAside: true})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer s.Close()
	recs, err := s.Read(context.Background(), 0, 0, 0)
	fmt.Println(len(recs), err)
	return 0
}

// Files that may not be read are no damage, whatever kind they are of.
func TestMissingRightsAreRefused(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		testenv.Missing(t, "only root may become somebody else: run this test as root (sudo -E go test …)")
	}
	self, err := os.ReadFile(os.Args[0])
	must(t, err)
	for _, pattern := range []string{logFile, aTable, theManifest, theOptions, "LOCK", "."} {
		t.Run(pattern, func(t *testing.T) {
			t.Parallel()
			base, err := os.MkdirTemp("", "spool-rights") // t.TempDir is closed to others
			must(t, err)
			t.Cleanup(func() { _ = os.RemoveAll(base) })
			dir := filepath.Join(base, "spool")
			must(t, os.CopyFS(dir, os.DirFS(imaged(t))))
			program := filepath.Join(base, "test")
			must(t, os.WriteFile(program, self, 0o755))
			must(t, filepath.WalkDir(base, func(path string, _ os.DirEntry, err error) error {
				return errors.Join(err, os.Chown(path, nobody, nobody))
			}))
			path := dir
			if pattern != "." {
				path = named(t, dir, pattern)
			}
			run := func() (string, error) {
				cmd := exec.Command(program)
				cmd.Dir = base
				cmd.Env = append(os.Environ(), asNobody+"="+dir, "HOME="+base, "TMPDIR="+base)
				cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
				out, err := cmd.CombinedOutput()
				return string(out), err
			}
			must(t, os.Chown(path, 0, 0))
			must(t, os.Chmod(path, 0))
			out, err := run()
			if err == nil || !strings.Contains(out, "permission denied") && !strings.Contains(out, "not permitted") || strings.Contains(out, "spool is damaged") {
				t.Errorf("%v: %s", err, out)
			}
			if folders, _ := spool.DamagedFolders(nil, dir); len(folders) > 0 {
				t.Error("put aside")
			}
			must(t, os.Chown(path, nobody, nobody))
			must(t, os.Chmod(path, 0o700))
			if out, err := run(); err != nil || out != fmt.Sprintln(imageRecords, nil) {
				t.Errorf("with its rights: %v: %s", err, out)
			}
		})
	}
}
