package main

import (
	"fmt"
	"os"
	"regexp"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/bounded"
)

// secretKeys are the keys of the file of --config whose values may hold secrets, where
// they stand with a value.
var secretKeys = regexp.MustCompile(`(?m)^[^#\n]*\b(redirect_uri|client_secret|clickhouse_url|s3_url|redis_url)['"]?\s*:\s*[^\s#]`)

// maxConfig is as much of a file as is looked at, bytes. Longer ones are refused elsewhere.
const maxConfig = 1 << 20

// warnOfReadable says that a file with secrets can be read by everybody on the machine. It
// is no error: the file may lie in a folder that nobody else can enter.
func warnOfReadable(c *cli.Context) {
	name := c.String("config")
	info, err := os.Stat(name)
	if name == "" || err != nil || info.Mode().Perm()&0o004 == 0 {
		return
	}
	if raw, err := bounded.ReadFile(name, maxConfig); err == nil && secretKeys.Match(raw) {
		fmt.Fprintf(c.App.ErrWriter, "fonoteka: warning: everybody on this machine can read %s, which holds secrets (mode %04o): chmod o-r it\n", name, info.Mode().Perm())
	}
}
