// Package testenv is what tests need of the machine they run on: programs of others,
// TCP ports that nothing else takes, and a Redis that can be killed.
//
// What is missing skips a test with a hint where it runs by hand, and fails it where the
// variable CI is set, to whatever: there everything must be, or a test that never runs
// would pass for one that does.
//
// It imports nothing of the project, so that a package whose tests need no store is not
// linked with one; internal/embedded/embeddedtest has the stores.
package testenv

import (
	"os"
	"os/exec"
	"testing"
)

// debian names the packages of programs that are not named like them.
var debian = map[string]string{"promtool": "prometheus", "bsdtar": "libarchive-tools"}

// Need returns the path of a program; it may go by several names. One that only
// administrators have on their path counts too.
func Need(t testing.TB, names ...string) (path string) {
	t.Helper()
	for _, name := range names {
		for _, place := range []string{name, "/usr/sbin/" + name} {
			if path, err := exec.LookPath(place); err == nil {
				return path
			}
		}
	}
	pkg := names[0]
	if other, ok := debian[pkg]; ok {
		pkg = other
	}
	Missing(t, "%s is not installed (Debian: apt-get install %s)", names[0], pkg)
	return ""
}

// Missing ends a test that cannot run here: it skips it, or fails it in CI. The text
// says what is missing and how to get it.
func Missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}
