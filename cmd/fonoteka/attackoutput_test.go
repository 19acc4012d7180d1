package main

import (
	"os/exec"
	"testing"
)

func TestAttackAWordForTheShellStaysOne(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"SDab-1@127.0.0.1", "'; echo owned; '", "$(echo owned)", "`echo owned`", `a\'b`} {
		out, err := exec.CommandContext(t.Context(), "/bin/sh", "-c", "printf %s "+shellWord(s)).Output()
		if err != nil || string(out) != s {
			t.Errorf("%q became %q, %v", s, out, err)
		}
	}
}
