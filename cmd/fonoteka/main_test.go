package main

import (
	"context"
	"io"
	"os"
	"strings"
	"sync"
	"testing"

	"fonoteka/internal/embedded/embeddedtest"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

// redirect is the secret path of the test's integration.
const redirect = "/mtt/secret"

// cliRun is run, one at a time: the command line library keeps its help flag in
// a global variable.
func cliRun(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	oneCommand.Lock()
	defer oneCommand.Unlock()
	return execute(ctx, args, stdout, stderr)
}

var oneCommand sync.Mutex

// leftovers names processes that still work on the folder.
func leftovers(dir string) string {
	for _, store := range []string{"clickhouse", "s3"} {
		b, err := os.ReadFile(dir + "/" + store + "/lock")
		if err != nil {
			continue
		}
		if _, err := os.Stat("/proc/" + strings.TrimSpace(string(b))); err == nil && len(b) > 1 {
			return store
		}
	}
	return ""
}
