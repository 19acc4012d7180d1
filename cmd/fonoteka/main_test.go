package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"fonoteka/internal/embedded"
	"fonoteka/internal/embedded/embeddedtest"
)

// asFonoteka makes the test binary behave as the program: the tests that kill
// it need a process of its own.
const asFonoteka = "FONOTEKA_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(withoutLandlock) != "" {
		if err := forgetLandlock(); err != nil {
			panic(err)
		}
	}
	embedded.Main()
	if os.Getenv(asFonoteka) != "" {
		unix.Umask(0o022) // a shell's, not that of the commands which this process's parent ran
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		os.Exit(run(ctx, os.Args, os.Stdout, os.Stderr))
	}
	embeddedtest.Main(m)
}
