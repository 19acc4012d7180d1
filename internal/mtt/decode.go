// Package mtt speaks the operator's language, MTT Business "Open API"
// (Открытое API): the only place that knows its spellings. Decode reads a
// notification as far as it can be read, OAuth gets tokens, and Client calls the
// operator's methods with them.
//
// The operator's page contradicts itself in spelling and place of fields
// (displayName and display_name; duration in callInfo or one level up), and
// documents neither types nor completeness. So each field is looked up by name,
// without regard to case and underscores, first where it belongs and then one
// level up. Binding to structs was rejected: one number sent as a string would
// lose the whole notification.
//
// Links of recordings are looked for in the whole body: wherever a field named urlRecord
// stands, a recording is announced, whatever the event is, and whether or not it names
// a call.
//
// What comes is hostile until it has been read: nesting is limited, texts are, and
// to read a body takes little memory beside it, whatever it holds.
package mtt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"fonoteka/internal/call"
)

// ErrUnreadable is wrapped by every error of Decode: the body is authentic but
// nothing of use can be read from it. The text names the field and what was
// expected there, never a value.
var ErrUnreadable = errors.New("unreadable notification")

// Context is what a notification does not say of itself.
type Context struct {
	Integration string
	ReceivedAt  time.Time
	Zone        *time.Location // of a startTime that names none; nil = UTC
}

// Decode reads the body of a notification. Unknown events and states come back
// as call.KindUnknown, with the links that they hold; unknown fields are passed over
// (the body is kept by whoever stores it). A field that cannot be read is left zero; one that is longer
// than anything of the operator's makes the body unreadable, and so does nesting
// beyond maxDepth.
func Decode(body []byte, ctx Context) (call.Event, error) {
	e := call.Event{Integration: ctx.Integration, ID: call.EventID(body), ReceivedAt: ctx.ReceivedAt.UTC(), Kind: call.KindUnknown}
	v, err := parse(body)
	if err != nil {
		return e, err
	}
	read := e
	read.URL, read.MoreURLs = first(linksIn(v))
	if v.isList() && read.URL == "" {
		return e, errNoObject
	}
	read, err = decode(read, v.object(), body, ctx) // of a list nothing is read but links
	if err == nil {
		err = oversized(&read)
	}
	if err != nil {
		return e, err // without the texts, which may be of any size
	}
	return read, nil
}

func decode(e call.Event, root object, body []byte, ctx Context) (call.Event, error) {
	result := root.node("result")
	switch strings.ToLower(root.text("event")) {
	case "callnotifications":
		return decodeCall(e, root, result, ctx)
	case "vpbxnotifications":
		e.State = call.State(result.or(root).text("eventtype"))
		for _, known := range []call.State{"numbersChanged", "workplacesChanged"} {
			if strings.EqualFold(string(e.State), string(known)) {
				e.Kind, e.State = call.KindDirectory, known
				e.ID = arrivalID(body, e.ReceivedAt)
			}
		}
		return e, nil
	}
	e.State = call.State(strings.ToLower(root.text("event")))
	e.URL, e.MoreURLs = first(onlyLinks(e.Links()))
	if e.URL != "" {
		e.PlatformID, e.Tag = callID(result.node("callinfo"), root.node("callinfo"), result, root)
	}
	return e, nil
}

// callID is the id of a call, and its tag, in the first object that names one: as an
// object with an id, or as the id itself.
func callID(places ...object) (id, tag string) {
	for _, o := range places {
		v := o.value("call")
		if named := v.object(); named.text("id") != "" {
			return named.text("id"), named.text("tag")
		}
		if len(v) > 0 && v[0] != 't' && v[0] != 'f' && v.text() != "" {
			return v.text(), ""
		}
	}
	return "", ""
}

// debounce is the span within which equal directory notifications count as one:
// their bodies are identical, so that only the arrival tells them apart, and it
// is the same minute of the clock that makes them one.
const debounce = time.Minute

func arrivalID(body []byte, received time.Time) uint64 {
	return call.EventID(append(bytes.Clone(body), received.Truncate(debounce).Format(time.RFC3339)...))
}

var errNoObject = fmt.Errorf("%w: a JSON value that is not an object", ErrUnreadable)

// parse returns the object, or list, that a body is.
func parse(body []byte) (value, error) {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	v, rest, err := firstValue(body)
	syntax, broken := errors.AsType[*json.SyntaxError](err)
	switch {
	case broken:
		return nil, fmt.Errorf("%w: not JSON: error at byte %d of %d", ErrUnreadable, syntax.Offset, len(body))
	case errors.Is(err, errEnds):
		return nil, fmt.Errorf("%w: not JSON: it breaks off after %d bytes", ErrUnreadable, len(body))
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	case len(rest) > 0 && rest[0] != '}' && rest[0] != ']':
		return nil, fmt.Errorf("%w: more than one JSON value", ErrUnreadable)
	case !v.isObject() && !v.isList():
		return nil, errNoObject
	}
	return v, nil
}

func decodeCall(e call.Event, root, result object, ctx Context) (call.Event, error) {
	info := result.node("callinfo").or(root.node("callinfo"))
	if info == nil && e.URL == "" {
		return e, fmt.Errorf("%w: field result.callInfo is missing", ErrUnreadable)
	}
	// Seen in the page's own example: fields of callInfo one level up.
	text := func(name string) string {
		for _, o := range []object{info, result, root} {
			if s := o.text(name); s != "" {
				return s
			}
		}
		return ""
	}
	e.State = call.State(strings.ToLower(text("state")))
	if e.State != call.Recorded {
		e.URL, e.MoreURLs = first(onlyLinks(e.Links()))
	}
	e.PlatformID, e.Tag = callID(info, result, root)
	if e.PlatformID == "" && e.URL == "" { // a recording is one without its call, too
		return e, fmt.Errorf("%w: field result.callInfo.call.id is missing", ErrUnreadable)
	}
	e.Type = strings.ToLower(text("type"))
	e.TransportID = text("transportid")
	e.AccountID = text("accountid")
	e.Caller = party(info.node("caller").or(result.node("caller")))
	e.Callee = party(info.node("callee").or(result.node("callee")))
	e.Reason = text("reason")
	e.ReasonCode = text("reasoncode")
	e.Duration, e.HasDuration = duration(text("duration"))
	e.Unanswered = unanswered(e.Reason, e.ReasonCode, e.Duration)
	if s := text("starttime"); s != "" {
		e.StartedAt = startTime(s, ctx)
		if said := saidTime(s, ctx); !said.Equal(e.StartedAt) {
			e.SaidAt = said
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
		AccountID:   o.text("accountid"),
		CentrexID:   o.text("centrexid"),
		DisplayID:   o.text("displayid"),
		DisplayName: o.text("displayname"),
		ID:          o.text("id"),
		Extension:   o.text("extensionid"),
		Forwarders:  o.texts("forwarderlist", maxForwarders+1), // one more, so that it is seen
	}
}
