package system

import (
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// withoutLandlock is the variable by which the program, and all that it starts, runs as
// on a kernel that has no Landlock: the system calls are there no more. It is this test
// binary that is started then; it gives them up, which no process can take back, and
// becomes the program.
const withoutLandlock = "FONOTEKA_TEST_WITHOUT_LANDLOCK"

// becomeProgram does that; the first argument is the program's path.
func becomeProgram() {
	runtime.LockOSThread() // that may give them up for all
	err := os.Unsetenv(withoutLandlock)
	if err == nil {
		err = forgetLandlock()
	}
	if err == nil {
		err = unix.Exec(os.Args[0], os.Args, os.Environ())
	}
	panic(err)
}

// forgetLandlock takes Landlock away from every thread of this process.
func forgetLandlock() error {
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the number of the call
		{Code: unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, K: unix.SYS_LANDLOCK_CREATE_RULESET, Jf: 2},
		{Code: unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K, K: unix.SYS_LANDLOCK_RESTRICT_SELF, Jt: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return errno
	}
	return nil
}

func TestWithoutLandlockThereIsNoReader(t *testing.T) {
	t.Parallel()
	in := install(t, withoutLandlock+"=1").start().ready()
	for _, c := range []struct {
		args []string
		want string
		ok   bool
	}{
		{[]string{"sql", "--connection"}, "there is no user for reading: this kernel has no Landlock", false},
		{[]string{"sql", "--format", "TSV", "SELECT currentUser(), getSetting('readonly'), getSetting('final')"}, "fonoteka 2 true", true},
		{[]string{"sql", "INSERT INTO rejected SELECT * FROM rejected"}, "READONLY", false},
		{[]string{"doctor", "stores"}, "this kernel has no Landlock", false},
		{[]string{"doctor", "stores", "--allow-unconfined-engine"}, "this kernel has no Landlock", true},
	} {
		if out, err := in.alone(c.args...); (err == nil) != c.ok || !strings.Contains(strings.Join(strings.Fields(out), " "), c.want) {
			t.Errorf("%v: %v\n%s", c.args, err, out)
		}
	}
	for user, password := range map[string]string{"reader": in.values().ClickHouseReaderPassword, "analyst": in.values().ClickHouseAnalystPassword} {
		if status, answer := in.warehouse(user, password, "SELECT 1"); status == http.StatusOK {
			t.Errorf("%s is there: %s", user, answer)
		}
	}
	if got := in.metric(`fonoteka_embedded_confined{store="clickhouse"}`) + in.metric(`fonoteka_embedded_confined{store="s3"}`); got != "00" {
		t.Errorf("confined, by the metrics: %s", got)
	}
	in.stop()
	log, err := os.ReadFile(in.log.Name())
	if err != nil || strings.Count(string(log), "level=WARN msg=\"embedded store is not confined") != 2 {
		t.Errorf("the log does not say it of both stores: %v\n%s", err, log)
	}
}

func TestWithoutLandlockAReaderMayBeAllowed(t *testing.T) {
	t.Parallel()
	in := install(t, withoutLandlock+"=1", "FONOTEKA_ALLOW_UNCONFINED_ENGINE=true").start().ready()
	if out, err := in.alone("sql", "--connection"); err != nil || !strings.Contains(out, "analyst   reads only") {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := in.alone("sql", "--format", "TSV", "SELECT currentUser()"); err != nil || out != "reader\n" {
		t.Errorf("%v\n%s", err, out)
	}
	if status, answer := in.warehouse("analyst", in.values().ClickHouseAnalystPassword, "SELECT 1"); answer != "1\n" {
		t.Errorf("the reader: %d %s", status, answer)
	}
}

func TestWithLandlockTheStoresAreConfined(t *testing.T) {
	t.Parallel()
	in := install(t).start().ready()
	if got := in.metric(`fonoteka_embedded_confined{store="clickhouse"}`) + in.metric(`fonoteka_embedded_confined{store="s3"}`); got != "11" {
		t.Errorf("confined, by the metrics: %s", got)
	}
	if out, err := in.command("doctor", "stores"); err != nil || !strings.Contains(out, "the kernel keeps the embedded stores to their folders") {
		t.Errorf("%v\n%s", err, out)
	}
}

// alone runs a command with the installation's environment.
func (in *installation) alone(args ...string) (out string, err error) {
	said, err := fonoteka(in.t, in.env, append(args, "--data", in.dir)...).CombinedOutput()
	return string(said), err
}
