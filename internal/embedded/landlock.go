package embedded

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// landlockABI asks the kernel for its version of Landlock; the error says in an
// administrator's words why there is none.
func landlockABI() (int, error) {
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	switch errno {
	case 0:
		return int(abi), nil
	case unix.ENOSYS:
		return 0, errors.New("this kernel has no Landlock: it is older than Linux 5.13, or was built without it")
	case unix.EOPNOTSUPP:
		return 0, errors.New("this kernel was started without Landlock: add landlock to lsm= of its command line")
	}
	return 0, fmt.Errorf("this process may not use Landlock, which a container's seccomp profile may forbid: %w", errno)
}

// Rights by what they are for.
const (
	toRead   = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	toChange = toRead | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_REFER |
		unix.LANDLOCK_ACCESS_FS_REMOVE_FILE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR |
		unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_SYM
	toUse = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE
	toRun = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_EXECUTE

	// A rule for a file may name only these.
	ofFiles = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE |
		unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
)

// handled are the rights that each version of Landlock knows: all of them are
// denied except where a rule grants them. Rights of later versions are not denied, since
// the stores were never tested without them.
func handled(abi int) unix.LandlockRulesetAttr {
	attr := unix.LandlockRulesetAttr{Handled_access_fs: unix.LANDLOCK_ACCESS_FS_MAKE_SYM<<1 - 1}
	if abi >= 2 {
		attr.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if abi >= 3 {
		attr.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	if abi >= 4 {
		attr.Handled_access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	}
	if abi >= 5 {
		attr.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	}
	if abi >= 6 {
		attr.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL
	}
	return attr
}

// confineAndRestart confines this process to r and executes it again, with
// the hello in a file in memory whose descriptor is the last argument. It
// returns only if that failed.
func confineAndRestart(r reach, hello []byte) error {
	kept, err := keepInMemory(hello)
	if err != nil {
		return fmt.Errorf("keep the settings: %w", err)
	}
	run, err := executables(r.Load)
	if err != nil {
		return fmt.Errorf("confine this process: %w", err)
	}
	runtime.LockOSThread() // only this thread is confined, and the new process continues it alone
	if err := restrict(r, run); err != nil {
		return fmt.Errorf("confine this process: %w", err)
	}
	err = syscall.Exec("/proc/self/exe", append(slices.Clone(os.Args), strconv.Itoa(kept)), os.Environ()) //nolint:gosec // this program itself, as it was called
	return fmt.Errorf("start again, confined: %w", err)
}

// keepInMemory returns a descriptor that outlives an exec, at the beginning of content.
func keepInMemory(content []byte) (fd int, err error) {
	if fd, err = unix.MemfdCreate("settings", 0); err != nil {
		return 0, err
	}
	if n, err := unix.Pwrite(fd, content, 0); err != nil || n != len(content) {
		return 0, fmt.Errorf("%d of %d bytes written: %w", n, len(content), err)
	}
	return fd, nil
}

// checkConfined returns an error if this process can still read what no child may: a
// safeguard in case the kernel does not enforce the rules.
func checkConfined() error {
	f, err := os.Open("/")
	if err == nil {
		f.Close()
		return errors.New("this process should be confined and is not: it can read the root folder")
	}
	return nil
}

// confineThread confines the calling thread, and those that it starts, to r
// without its libraries and the program itself: whatever had to be loaded is.
func confineThread(r reach) error {
	if err := restrict(r, nil); err != nil {
		return fmt.Errorf("confine the engine: %w", err)
	}
	return nil
}

// restrict confines the calling thread to r and to reading and running files.
func restrict(r reach, run []string) error {
	attr := handled(r.ABI)
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	if errno != 0 {
		return fmt.Errorf("create a ruleset: %w", errno)
	}
	rules := ruleset{int(fd), attr}
	defer unix.Close(rules.fd)
	if err := rules.fill(r, run); err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("forgo new privileges: %w", err)
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, fd, 0, 0); errno != 0 {
		return fmt.Errorf("enforce the ruleset: %w", errno)
	}
	return nil
}

// ruleset is one under construction.
type ruleset struct {
	fd   int
	attr unix.LandlockRulesetAttr
}

func (s ruleset) fill(r reach, run []string) error {
	var failed []error
	for _, path := range r.Change {
		failed = append(failed, s.allow(path, toChange))
	}
	for _, path := range r.Use {
		failed = append(failed, s.allow(path, toUse))
	}
	for rights, paths := range map[uint64][]string{toRun: run, toRead: r.Read} {
		for _, path := range paths {
			if err := s.allow(path, rights); !errors.Is(err, os.ErrNotExist) {
				failed = append(failed, err)
			}
		}
	}
	if s.attr.Handled_access_net != 0 {
		for _, port := range r.Listen {
			failed = append(failed, s.allowListen(port))
		}
	}
	return errors.Join(failed...)
}

// allow grants rights on a file, or on a folder and all below it. Links are
// followed: the rule is for what they lead to.
//
// The descriptor is never closed, and stays open in the process that is executed: a
// rule is for an inode, and /proc creates another one for the same path when memory is short
// and no process has it open.
func (s ruleset) allow(path string, rights uint64) error {
	fd, err := unix.Open(path, unix.O_PATH, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: path, Err: err}
	}
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return fmt.Errorf("look at %s: %w", path, err)
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFDIR {
		rights &= ofFiles
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: rights & s.attr.Handled_access_fs, Parent_fd: int32(fd)}
	if err := s.add(unix.LANDLOCK_RULE_PATH_BENEATH, unsafe.Pointer(&rule)); err != nil {
		return fmt.Errorf("allow %s: %w", path, err)
	}
	return nil
}

// netPort is the kernel's struct landlock_net_port_attr, and ruleNetPort its
// LANDLOCK_RULE_NET_PORT; golang.org/x/sys has neither.
type netPort struct{ access, port uint64 }

const ruleNetPort = 2

func (s ruleset) allowListen(port int) error {
	rule := netPort{unix.LANDLOCK_ACCESS_NET_BIND_TCP, uint64(port)}
	if err := s.add(ruleNetPort, unsafe.Pointer(&rule)); err != nil {
		return fmt.Errorf("allow port %d: %w", port, err)
	}
	return nil
}

func (s ruleset) add(kind int, rule unsafe.Pointer) error {
	if _, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(s.fd), uintptr(kind), uintptr(rule), 0, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

// executables are the files that this program is made of – itself, the loader,
// the C library – and those that the libraries need. Where these lie is taken
// from what is loaded already, since each distribution has its place.
func executables(libraries []string) ([]string, error) {
	loaded, err := loadedFiles()
	if err != nil {
		return nil, err
	}
	all := append([]string{"/proc/self/exe"}, append(loaded, libraries...)...)
	for _, path := range libraries {
		library, err := elf.Open(path)
		if err != nil {
			continue // the loader says it better
		}
		needed, _ := library.ImportedLibraries() // likewise
		library.Close()
		for _, name := range needed {
			for _, neighbour := range loaded {
				all = append(all, filepath.Join(filepath.Dir(neighbour), name))
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// loadedFiles are the shared libraries that this process has mapped.
func loadedFiles() ([]string, error) {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return nil, fmt.Errorf("read what is loaded: %w", err)
	}
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return nil, fmt.Errorf("read what is loaded: %w", err)
	}
	var files []string
	for line := range strings.Lines(string(maps)) {
		start := strings.IndexByte(line, '/')
		if start < 0 {
			continue
		}
		path := strings.TrimSuffix(line[start:], "\n")
		if strings.Contains(filepath.Base(path), ".so") && path != self && !slices.Contains(files, path) {
			files = append(files, path)
		}
	}
	return files, nil
}
