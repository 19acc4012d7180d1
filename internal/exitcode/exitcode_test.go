package exitcode_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"fonoteka/internal/exitcode"
)

func TestTheStatusOfAnError(t *testing.T) {
	t.Parallel()
	missing := exitcode.Errorf(exitcode.NotFound, "no such call: %w", io.EOF)
	for _, c := range []struct {
		err   error
		want  exitcode.Code
		named bool
		said  bool
	}{
		{nil, 0, true, false},
		{errors.New("broken"), 1, false, false},
		{exitcode.Found, 3, true, true},
		{fmt.Errorf("calls show: %w", missing), 4, true, false},
		{exitcode.With(exitcode.Unasked, missing), 4, true, false}, // the first that knew
		{exitcode.With(exitcode.Unasked, io.EOF), 5, true, false},
		{exitcode.With(exitcode.Unasked, nil), 0, true, false},
		{errors.Join(io.EOF, exitcode.Incomplete), 6, true, true},
	} {
		got, named := exitcode.Of(c.err)
		if got != c.want || named != c.named || exitcode.Said(c.err) != c.said {
			t.Errorf("%v: %d, %v, %v", c.err, got, named, exitcode.Said(c.err))
		}
	}
	if !errors.Is(missing, io.EOF) || missing.Error() != "no such call: EOF" {
		t.Errorf("%v", missing)
	}
}

func TestTheTableHasEveryStatusOnce(t *testing.T) {
	t.Parallel()
	lines := strings.Split(strings.TrimSuffix(exitcode.Table(), "\n"), "\n")
	if len(lines) != int(exitcode.Unproven)+1 {
		t.Fatalf("%d lines", len(lines))
	}
	for i, line := range lines {
		if means := exitcode.Code(i).Means(); means == "" || line != fmt.Sprintf("  %d  %s", i, means) {
			t.Errorf("%q", line)
		}
	}
}
