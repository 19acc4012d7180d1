package settings

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// What a packaged program knows of its place, set by the build (-ldflags -X). Both are
// empty in any other build.
var (
	packagedConfig string // the file of --config
	packagedEngine string // the folder of --engine-cache, which the package brings
)

// rootInAnothers says why root should not work in a data folder of another user; nil:
// nothing speaks against it. What root makes there, the service could not change later.
func rootInAnothers(data string) error {
	info, err := os.Stat(data)
	if err != nil || os.Geteuid() != 0 {
		return nil //nolint:nilerr // a folder that is missing is made, or told of, elsewhere
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok || s.Uid == 0 {
		return nil
	}
	name := strconv.Itoa(int(s.Uid))
	if u, err := user.LookupId(name); err == nil {
		name = u.Username
	} else {
		name = "#" + name // as sudo wants a number
	}
	return fmt.Errorf("the data folder %s belongs to the user %s, who could not change what root makes there: run this as that user (sudo -u %s fonoteka …)", data, name, name)
}
