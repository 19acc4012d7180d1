package testenv_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"fonoteka/internal/testenv"
)

// told is a test that notes how it ends.
type told struct {
	testing.TB
	failed, skipped string
}

func (t *told) Helper() {}

func (t *told) Fatalf(format string, args ...any) {
	t.failed = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func (t *told) Skipf(format string, args ...any) {
	t.skipped = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// ends runs a test to its end.
func ends(test func(testing.TB)) (failed, skipped string) {
	var t told
	done := make(chan struct{})
	go func() {
		defer close(done)
		test(&t)
	}()
	<-done
	return t.failed, t.skipped
}

func TestWhatIsMissingSkipsByHandAndFailsInCI(t *testing.T) {
	missing := func(t testing.TB) { testenv.Need(t, "no-such-program", "nor-this-one") }
	for _, ci := range []string{"", "true", "1", "false"} {
		t.Setenv("CI", ci)
		failed, skipped := ends(missing)
		hint := skipped
		if ci != "" {
			hint = failed
		}
		if !strings.Contains(hint, "apt-get install no-such-program") || (failed == "") != (ci == "") || failed+skipped != hint {
			t.Errorf("CI=%q: failed %q, skipped %q", ci, failed, skipped)
		}
		if failed, skipped := ends(func(t testing.TB) { testenv.Need(t, "no-such-program", "sh") }); failed+skipped != "" {
			t.Errorf("CI=%q: another name is there, and yet: %s%s", ci, failed, skipped)
		}
	}
	t.Setenv("CI", "")
	if _, skipped := ends(func(t testing.TB) {
		t.Helper()
		testenv.Missing(t, "no %s", "such thing")
	}); skipped != "no such thing" {
		t.Errorf("skipped: %q", skipped)
	}
}
