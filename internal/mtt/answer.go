package mtt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"

	"fonoteka/internal/call"
)

// ErrOutcomeUnknown is wrapped by the error of a method that changes something,
// where it cannot be known whether the operator did it: the request may have
// arrived, and no answer that can be read came back. Whoever repeats it may do
// it twice.
var ErrOutcomeUnknown = errors.New("it is not known whether the operator did it")

// Error is what the operator answered instead of doing what was asked.
type Error struct {
	Method string // as in the operator's page: makeCall
	Status int    // of HTTP; 200 with another success than 1
	// Answer is the body, on one line, at most 300 bytes, printable; tokens are
	// left out of it and long numbers masked. It may be empty.
	Answer string
}

func (e *Error) Error() string {
	status := fmt.Sprintf("the operator answered HTTP %d", e.Status)
	if e.Status == http.StatusOK {
		status = "the operator refused"
	}
	if e.Answer == "" {
		return fmt.Sprintf("%s: %s", e.Method, status)
	}
	return fmt.Sprintf("%s: %s: %s", e.Method, status, e.Answer)
}

const shownBytes = 300

// longNumber is anything that may be a phone number or an account.
var longNumber = regexp.MustCompile(`[0-9]{7,}`)

// shown makes an answer fit for logs and people. secrets are what was sent, for
// a server that sends it back.
func shown(answer []byte, secrets ...string) string {
	s := string(answer[:min(len(answer), 8<<10)])
	for _, secret := range secrets {
		if secret != "" {
			s = strings.ReplaceAll(s, secret, "…")
		}
	}
	s = strings.ToValidUTF8(s, "?")
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || r == 0x2028 || r == 0x2029 }), " ")
	s = longNumber.ReplaceAllStringFunc(s, func(d string) string { return call.Number{Digits: d}.String() })
	if len(s) > shownBytes {
		s = strings.ToValidUTF8(s[:shownBytes], "") + "…"
	}
	return s
}

// read reads the body of a 2xx answer. One that says another success than 1 is an
// *Error; one that is no JSON object is not, since nothing is known from it.
func read(method string, body []byte, secrets ...string) (object, error) {
	refused := &Error{Method: method, Status: http.StatusOK, Answer: shown(body, secrets...)}
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))))
	d.UseNumber()
	var tree map[string]any
	if err := d.Decode(&tree); err != nil || tree == nil {
		return nil, fmt.Errorf("%s: the operator's answer is no JSON object: %q", method, refused.Answer)
	}
	root := plainly(tree)
	// makeCall and its like have it in result, setParkingNumbers does without.
	result := root.node("result").or(root)
	for _, o := range []object{result, root} {
		if s := o.text("success"); s != "" && s != "1" && s != "true" {
			return nil, refused
		}
	}
	return result, nil
}

// notSent says that a request cannot have reached the operator.
func notSent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}
