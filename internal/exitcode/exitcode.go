// Package exitcode is the table of what Fonoteka's commands end with. Every command
// uses these statuses with these meanings, and no others.
//
// An error without a status ends a command with Failed. A status may itself be the
// error of a command that has already said all there is to say; With adds one to an
// error whose words are still to be printed.
package exitcode

import (
	"errors"
	"fmt"
	"strings"
)

// Code is the exit status of a command. As an error it has no words to be printed.
type Code int

// The statuses, from 0 on without a gap.
const (
	Done       Code = iota // done, or all is well
	Failed                 // failed
	Usage                  // the command line or the configuration is wrong; nothing was begun
	Found                  // a check, or a list of what is wrong, has found something
	NotFound               // what was asked for does not exist
	Unasked                // a store or a server could not be asked
	Incomplete             // done, but something is missing or still on its way
	Unproven               // whole, but the origin or the anchor is not proven
)

var means = [...]string{
	Done:       "done, or all is well",
	Failed:     "failed",
	Usage:      "the command line or the configuration is wrong; nothing was begun",
	Found:      "something was found by a check, or by a list of what is wrong",
	NotFound:   "what was asked for does not exist",
	Unasked:    "a store or a server could not be asked",
	Incomplete: "done, but something is missing or still on its way",
	Unproven:   "whole, but the origin or the anchor is not proven",
}

// Error implements error.
func (c Code) Error() string { return fmt.Sprintf("exit status %d", int(c)) }

// Means says in a few words what a status tells.
func (c Code) Means() string {
	if c < 0 || int(c) >= len(means) {
		return "unknown"
	}
	return means[c]
}

// Table is the whole table as text, a line for each status.
func Table() string {
	var b strings.Builder
	for c, meaning := range means {
		fmt.Fprintf(&b, "  %d  %s\n", c, meaning)
	}
	return b.String()
}

// coded is an error that ends a command with a status.
type coded struct {
	error
	code Code
}

func (e coded) Unwrap() error { return e.error }

// With has err end a command with c. An error that already has a status keeps it, and
// nil stays nil.
func With(c Code, err error) error {
	if _, has := find(err); err == nil || has {
		return err
	}
	return coded{err, c}
}

// Errorf is fmt.Errorf with a status.
func Errorf(c Code, format string, args ...any) error {
	return With(c, fmt.Errorf(format, args...))
}

// Of is the status that err ends a command with, and whether err itself names it: an
// error that does not is a failure.
func Of(err error) (c Code, named bool) {
	if err == nil {
		return Done, true
	}
	if c, has := find(err); has {
		return c, true
	}
	return Failed, false
}

// Said tells whether err has no words beyond its status.
func Said(err error) bool {
	_, with := errors.AsType[coded](err)
	_, bare := errors.AsType[Code](err)
	return bare && !with
}

func find(err error) (Code, bool) {
	if e, ok := errors.AsType[coded](err); ok {
		return e.code, true
	}
	if c, ok := errors.AsType[Code](err); ok {
		return c, true
	}
	return Failed, false
}
