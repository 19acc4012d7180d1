package mtt

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"

	"fonoteka/internal/call"
)

// ErrOutcomeUnknown is wrapped by the error of a method that changes something,
// where it is not known whether the operator did it: the request may have
// arrived, and no readable answer came back. Repeating the method may do it twice.
var ErrOutcomeUnknown = errors.New("it is not known whether the operator did it")

// Error is an answer of the operator that refuses a request.
type Error struct {
	Method string // as in the operator's documentation: makeCall
	Status int    // HTTP status; 200 where the answer's success is not 1
	// Answer is the operator's reason, on one printable line of at most 300 bytes,
	// without tokens and with long numbers masked. Of a JSON answer it has only
	// the fields that give a reason, as those of a directory are people's
	// names. It may be empty.
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

const (
	shownBytes = 300
	shownOf    = 8 << 10 // bytes that they are taken from
)

// longNumber is anything that may be a phone number or an account, whatever separates its
// digits.
var longNumber = regexp.MustCompile(`[0-9](?:[\p{Zs}\p{Pd}().]{0,3}[0-9]){6,}`)

var notDigits = regexp.MustCompile(`[^0-9]+`)

// shown makes an answer fit for logs and people. secrets are what was sent, in case the
// server sends it back.
func shown(s string, secrets ...string) string {
	s = s[:min(len(s), shownOf)]
	for _, secret := range secrets {
		if secret != "" {
			s = strings.ReplaceAll(s, secret, "…")
		}
	}
	s = strings.ToValidUTF8(s, "?")
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || r == 0x2028 || r == 0x2029 }), " ")
	s = longNumber.ReplaceAllStringFunc(s, func(n string) string { return call.Number{Digits: notDigits.ReplaceAllString(n, "")}.String() })
	if len(s) > shownBytes {
		s = strings.ToValidUTF8(s[:shownBytes], "") + "…"
	}
	return s
}

// reasonFields are the fields of an answer that give a reason.
var reasonFields = []name{
	fSuccess, fError, fCode, fErrorCode, fStatus, fReason, fMessage, fErrorMessage, fDescription, fErrorDescription, fText, fDetail, fTitle,
}

// answerText is Error.Answer for a body. One that is not JSON is shown as it is: it is a
// gateway's page, not a directory.
func answerText(body []byte, secrets ...string) string {
	root, form := objectOf(body)
	switch form {
	case "text", "markup":
		return shown(string(body[:min(len(body), shownOf)]), secrets...)
	case "":
		return ""
	}
	result := root.node(fResult)
	var parts []string
	for _, o := range []object{root, result, root.node(fError), result.node(fError)} {
		for _, n := range reasonFields {
			if s := o.text(n); s != "" {
				parts = append(parts, plainNames[n]+" "+s)
			}
		}
	}
	if parts == nil {
		return fmt.Sprintf("%s, %d bytes", form, len(body))
	}
	return shown(strings.Join(parts, ", "), secrets...)
}

// objectOf reads a body that begins with a JSON object. For any other body the object is
// none, and form describes the body by its first byte; "" is an empty one.
func objectOf(body []byte) (o object, form string) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	if len(body) == 0 {
		return object{}, ""
	}
	switch body[0] {
	case '{':
		v, _, err := firstValue(body)
		if err != nil {
			return object{}, "a broken JSON object"
		}
		return v.object(), "a JSON object"
	case '[':
		return object{}, "a JSON list"
	case '<':
		return object{}, "markup"
	}
	return object{}, "text"
}

// read reads the body of a 2xx answer. Where its success is not 1 it returns an
// *Error; where it is not a JSON object another error, since nothing is known from it. That
// error has nothing of the body, which may be a directory with people's names.
func read(method string, body []byte, secrets ...string) (object, error) {
	root, form := objectOf(body)
	if root.isNone() {
		return object{}, fmt.Errorf("%s: the operator's answer is no JSON object: %s, %d bytes", method, cmp.Or(form, "nothing"), len(body))
	}
	// Most methods have the field success in result, setParkingNumbers has it at the top.
	result := root.node(fResult).or(root)
	for _, o := range []object{result, root} {
		if s := o.text(fSuccess); s != "" && s != "1" && s != "true" {
			return object{}, &Error{Method: method, Status: http.StatusOK, Answer: answerText(body, secrets...)}
		}
	}
	return result, nil
}

// notSent says that a request cannot have reached the operator.
func notSent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}
