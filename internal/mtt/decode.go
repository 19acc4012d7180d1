// Package mtt implements the operator's interface, MTT Business "Open API"
// (Открытое API): the only place that knows its spellings. Decode reads a
// notification as far as possible, OAuth gets tokens, and Client calls the
// operator's methods with them.
//
// The operator's documentation contradicts itself in spelling and place of fields
// (displayName and display_name; duration in callInfo or one level up), and
// documents neither types nor completeness. So each field is looked up by name,
// ignoring case and underscores, first where it belongs and then one
// level up. Decoding into structs was rejected: one number sent as a string would
// lose the whole notification.
//
// Links of recordings are looked for in the whole body: a field named urlRecord anywhere
// announces a recording, whatever the event is, and whether or not it names
// a call.
//
// A body is not trusted: the depth of nesting is limited, and so are texts, and
// reading a body takes little more memory than a copy of it, whatever it holds.
//
// That a body is JSON is checked by jsontext of github.com/go-json-experiment/json, the
// future encoding/json/v2: three times as fast as encoding/json, and as lenient where it
// is configured to be. It is pinned to a commit, as it has no versions yet. Reading by its
// tokens was tried, too: it takes twice as long as the check and a pass of our own
// over the valid JSON.
package mtt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"fonoteka/internal/call"
)

// ErrUnreadable is wrapped by every error of Decode: the body is authentic but
// nothing of use can be read from it. The text names the field and what was
// expected there, never a value.
var ErrUnreadable = errors.New("unreadable notification")

// Context is what a notification does not contain.
type Context struct {
	Integration string
	ReceivedAt  time.Time
	Zone        *time.Location // of a startTime that names none; nil = UTC
}

// Decode reads the body of a notification. Unknown events and states are returned
// as call.KindUnknown, with the links that they hold; unknown fields are ignored
// (the body is stored as well). A field that cannot be read is left zero; one that is longer
// than any of the operator's makes the body unreadable, and so does nesting
// beyond maxDepth.
func Decode(body []byte, ctx Context) (call.Event, error) {
	e := call.Event{Integration: ctx.Integration, ID: call.EventID(body), ReceivedAt: ctx.ReceivedAt.UTC(), Kind: call.KindUnknown}
	v, err := parse(body)
	if err != nil {
		return e, err
	}
	r := readers.Get().(*reader)
	defer r.done()
	root := r.notification(v)
	if r.deep {
		return e, fmt.Errorf("%w: %w", ErrUnreadable, errDeep)
	}
	read := e
	read.URL, read.MoreURLs = first(r.links.found)
	if root.isNone() && read.URL == "" {
		return e, errNoObject
	}
	read, err = decode(read, root, body, ctx)
	if err == nil {
		err = oversized(&read)
	}
	if err != nil {
		return e, err // without the texts, which may be of any length
	}
	if len(body) > longBody {
		detach(&read)
	}
	return read, nil
}

// longBody is longer than the operator's notifications, which have 500 bytes. The texts of
// an event are substrings of its body, unless that is longer than this.
const longBody = 4 << 10 // bytes

// detach copies the texts of an event, so that they do not keep its body in memory.
func detach(e *call.Event) {
	for _, s := range []*string{
		(*string)(&e.State), &e.Type, &e.PlatformID, &e.Tag, &e.TransportID, &e.AccountID, &e.Reason, &e.ReasonCode, &e.URL,
		&e.Caller.AccountID, &e.Caller.CentrexID, &e.Caller.DisplayID, &e.Caller.DisplayName, &e.Caller.ID, &e.Caller.Extension,
		&e.Callee.AccountID, &e.Callee.CentrexID, &e.Callee.DisplayID, &e.Callee.DisplayName, &e.Callee.ID, &e.Callee.Extension,
	} {
		*s = strings.Clone(*s)
	}
	e.MoreURLs = slices.Clone(e.MoreURLs) // they are the rest of a slice that begins with URL
	for _, list := range [][]string{e.MoreURLs, e.Caller.Forwarders, e.Callee.Forwarders} {
		for i := range list {
			list[i] = strings.Clone(list[i])
		}
	}
}

func decode(e call.Event, root object, body []byte, ctx Context) (call.Event, error) {
	result := root.node(fResult)
	switch event := root.text(fEvent); {
	case is(event, "callnotifications"):
		return decodeCall(e, root, result, ctx)
	case is(event, "vpbxnotifications"):
		e.State = call.State(result.or(root).text(fEventType))
		for _, known := range []call.State{"numbersChanged", "workplacesChanged"} {
			if strings.EqualFold(string(e.State), string(known)) {
				e.Kind, e.State = call.KindDirectory, known
				e.ID = arrivalID(body, e.ReceivedAt)
			}
		}
		return e, nil
	}
	e.State = call.State(strings.ToLower(root.text(fEvent)))
	e.URL, e.MoreURLs = first(onlyLinks(e.Links()))
	if e.URL != "" {
		e.PlatformID, e.Tag = callID(result.node(fCallInfo), root.node(fCallInfo), result, root)
	}
	return e, nil
}

// callID is the id of a call and its tag, from the first object that has a call: as an
// object with an id, or as the id itself.
func callID(places ...object) (id, tag string) {
	for _, o := range places {
		v := o.value(fCall)
		if named := o.node(fCall); named.text(fID) != "" {
			return named.text(fID), named.text(fTag)
		}
		if len(v) > 0 && v[0] != 't' && v[0] != 'f' && v.text() != "" {
			return v.text(), ""
		}
	}
	return "", ""
}

// Debounce is the span within which equal notifications of a directory change are one
// event: their bodies are identical, so that the event id is made of the body and the
// minute of the receive time.
const Debounce = time.Minute

func arrivalID(body []byte, received time.Time) uint64 {
	return call.EventID(append(bytes.Clone(body), received.Truncate(Debounce).Format(time.RFC3339)...))
}

var errNoObject = fmt.Errorf("%w: a JSON value that is not an object", ErrUnreadable)

// parse returns the object, or list, that a body is.
func parse(body []byte) (v value, err error) {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if valid(body) { // the operator's always are
		v = value(bytes.Trim(body, blanks))
	} else if v, err = parseFirst(body); err != nil {
		return "", err
	}
	if !v.isObject() && !v.isList() {
		return "", errNoObject
	}
	return v, nil
}

// parseFirst reads a body that is not exactly one JSON value: superfluous closing
// brackets after it are ignored.
func parseFirst(body []byte) (value, error) {
	v, rest, err := firstValue(body)
	syntax, broken := errors.AsType[*json.SyntaxError](err)
	switch {
	case broken:
		return "", fmt.Errorf("%w: not JSON: error at byte %d of %d", ErrUnreadable, syntax.Offset, len(body))
	case errors.Is(err, errEnds):
		return "", fmt.Errorf("%w: not JSON: it breaks off after %d bytes", ErrUnreadable, len(body))
	case err != nil:
		return "", fmt.Errorf("%w: %w", ErrUnreadable, err)
	case len(rest) > 0 && rest[0] != '}' && rest[0] != ']':
		return "", fmt.Errorf("%w: more than one JSON value", ErrUnreadable)
	}
	return v, nil
}

func decodeCall(e call.Event, root, result object, ctx Context) (call.Event, error) {
	info := result.node(fCallInfo).or(root.node(fCallInfo))
	if info.isNone() && e.URL == "" {
		return e, fmt.Errorf("%w: field result.callInfo is missing", ErrUnreadable)
	}
	// The documentation's own example has fields of callInfo one level up.
	text := func(n name) string {
		for _, o := range [...]object{info, result, root} {
			if s := o.text(n); s != "" {
				return s
			}
		}
		return ""
	}
	e.State = call.State(strings.ToLower(text(fState)))
	if e.State != call.Recorded {
		e.URL, e.MoreURLs = first(onlyLinks(e.Links()))
	}
	e.PlatformID, e.Tag = callID(info, result, root)
	if e.PlatformID == "" && e.URL == "" { // a recording counts even without its call
		return e, fmt.Errorf("%w: field result.callInfo.call.id is missing", ErrUnreadable)
	}
	e.Type = strings.ToLower(text(fType))
	e.TransportID = text(fTransportID)
	e.AccountID = text(fAccountID)
	e.Caller = party(info.node(fCaller).or(result.node(fCaller)))
	e.Callee = party(info.node(fCallee).or(result.node(fCallee)))
	e.Reason = text(fReason)
	e.ReasonCode = text(fReasonCode)
	e.Duration, e.HasDuration = duration(text(fDuration))
	e.Unanswered = unanswered(e.Reason, e.ReasonCode, e.Duration)
	if s := text(fStartTime); s != "" {
		stated := parseStated(s, ctx)
		if e.StartedAt = startTime(stated, ctx); !stated.at.Equal(e.StartedAt) {
			e.SaidAt = stated.at
		}
		e.BadTime = e.StartedAt.IsZero()
	}
	switch e.State {
	case call.Trying, call.Showing, call.Connected, call.Hiding, call.Finished:
		e.Kind = call.KindCall
	case call.Recorded:
		if e.URL == "" {
			return e, fmt.Errorf("%w: field result.callInfo.urlRecord is missing in state recorded", ErrUnreadable)
		}
		e.Kind = call.KindCall
	}
	return e, nil
}

func party(o object) call.Party {
	return call.Party{
		AccountID:   o.text(fAccountID),
		CentrexID:   o.text(fCentrexID),
		DisplayID:   o.text(fDisplayID),
		DisplayName: o.text(fDisplayName),
		ID:          o.text(fID),
		Extension:   o.text(fExtensionID),
		Forwarders:  o.texts(fForwarderList, maxForwarders+1), // one more than allowed, so that oversized notices
	}
}
