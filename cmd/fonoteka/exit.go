package main

import "fmt"

// exitStatus ends a command that has said what there was to say.
type exitStatus int

// What a command that looks for something ends with, 0 aside: all is well.
const (
	exitFound    exitStatus = 3 // something was found
	exitUnasked  exitStatus = 5 // a store could not be asked
	exitUnproven exitStatus = 7 // whole, but its origin or anchor is not proven
)

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }
