package embedded

import (
	"errors"
	"fmt"
)

// reach is all that a confined child may do with files and TCP ports; the
// kernel denies the rest. It may also use the files that it was started with (the life line,
// its terminal, stderr).
type reach struct {
	ABI    int      // of Landlock, as confinement said
	Change []string // folders with all below them, and files, to read, write, make and remove
	Read   []string // files and folders likewise, to read; missing ones are skipped
	Load   []string // shared libraries to load, with those that they need
	Use    []string // devices, to read and write
	Listen []int    // ports; a child connects to none
}

// neededABI is the least version of Landlock that stores can work under: the
// first one forbids to rename or link a file from one folder into another, which
// both of them do.
const neededABI = 2

// Confinement returns the version of Landlock that stores are confined by on this
// machine, 2 or later, or says in an administrator's words why they are not:
// then they run with all rights of this process.
func Confinement() (abi int, err error) { return confinement(0) }

// confinement is Confinement where pretended stands for the kernel's answer, in
// tests: -1 for a kernel without Landlock; 0: the kernel is asked.
func confinement(pretended int) (abi int, err error) {
	abi, err = landlockABI()
	switch {
	case pretended < 0:
		err = errors.New("this kernel has no Landlock, a test says")
	case pretended > 0:
		abi = min(abi, pretended)
	}
	if err != nil {
		return 0, err
	}
	if abi < neededABI {
		return 0, fmt.Errorf("this kernel has version %d of Landlock; %d or later is needed (Linux 5.19)", abi, neededABI)
	}
	return abi, nil
}
