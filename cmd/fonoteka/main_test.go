package main

import (
	"context"
	"io"
	"sync"
	"testing"

	"fonoteka/internal/embedded/embeddedtest"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

// cliRun is run, one at a time: the command line library keeps its help flag in
// a global variable.
func cliRun(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	oneCommand.Lock()
	defer oneCommand.Unlock()
	return execute(ctx, args, stdout, stderr)
}

var oneCommand sync.Mutex
