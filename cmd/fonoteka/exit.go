package main

import (
	"context"
	"errors"
	"net"
	"net/url"

	"fonoteka/internal/exitcode"
	"fonoteka/internal/mtt"
	"fonoteka/internal/sign"
)

// usage is an error about how a command was called; nothing was begun.
func usage(format string, args ...any) error {
	return exitcode.Errorf(exitcode.Usage, format, args...)
}

// notFound is an error about something that does not exist.
func notFound(format string, args ...any) error {
	return exitcode.Errorf(exitcode.NotFound, format, args...)
}

// statusOf is what an error ends the program with.
func statusOf(err error) exitcode.Code {
	code, named := exitcode.Of(err)
	switch {
	case named:
		return code
	case errors.Is(err, sign.ErrNone):
		return exitcode.NotFound
	case unasked(err):
		return exitcode.Unasked
	}
	return code
}

// unasked tells whether an error says that a store or a server could not be asked. One
// that answered and refused was asked; what an answer that was lost has done is not known.
func unasked(err error) bool {
	if answer, ok := errors.AsType[*mtt.Error](err); ok {
		return answer.Status >= 500
	}
	if errors.Is(err, mtt.ErrOutcomeUnknown) {
		return false
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Op != "listen"
	}
	_, request := errors.AsType[*url.Error](err)
	_, name := errors.AsType[*net.DNSError](err)
	return request || name || errors.Is(err, context.DeadlineExceeded)
}
