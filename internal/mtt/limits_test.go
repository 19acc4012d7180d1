package mtt_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"fonoteka/internal/mtt"
)

// Each text that becomes a key or a column has an end, and who looks into rejected
// learns which one it was. The bound itself is still accepted.
func TestWhatIsLongerThanAnythingOfTheOperatorsIsUnreadable(t *testing.T) {
	t.Parallel()
	const text, link, entries = 1 << 10, 8 << 10, 1000
	info := func(fields string) string {
		return `{"event":"callNotifications","result":{"callInfo":{` + fields + `}}}`
	}
	known := func(field string) string { return `"call":{"id":"a~1o"},"state":"trying",` + field }
	for field, c := range map[string]struct {
		body  func(value string) string
		value func(n int) string // of n bytes or entries
		limit int
	}{
		"event":                                  {func(v string) string { return `{"event":` + v + `}` }, letters, text},
		"result.callInfo.state":                  {func(v string) string { return info(`"call":{"id":"a~1o"},"state":` + v) }, letters, text},
		"result.callInfo.call.id":                {func(v string) string { return info(`"state":"trying","call":{"id":` + v + `}`) }, letters, text},
		"result.callInfo.call.tag":               {func(v string) string { return info(`"state":"trying","call":{"id":"a","tag":` + v + `}`) }, letters, text},
		"result.callInfo.type":                   {func(v string) string { return info(known(`"type":` + v)) }, letters, text},
		"result.callInfo.transportId":            {func(v string) string { return info(known(`"transport_id":` + v)) }, digits, text},
		"result.callInfo.accountId":              {func(v string) string { return info(known(`"accountId":` + v)) }, digits, text},
		"result.callInfo.reason":                 {func(v string) string { return info(known(`"reason":` + v)) }, letters, text},
		"result.callInfo.reasonCode":             {func(v string) string { return info(known(`"reasonCode":` + v)) }, digits, text},
		"result.callInfo.urlRecord":              {func(v string) string { return info(`"call":{"id":"a"},"state":"recorded","urlRecord":` + v) }, letters, link},
		"result.callInfo.caller.accountId":       {func(v string) string { return info(known(`"caller":{"accountId":` + v + `}`)) }, letters, text},
		"result.callInfo.callee.accountId":       {func(v string) string { return info(known(`"callee":{"accountId":` + v + `}`)) }, letters, text},
		"result.callInfo.callee.centrexId":       {func(v string) string { return info(known(`"callee":{"centrexId":` + v + `}`)) }, letters, text},
		"result.callInfo.callee.displayId":       {func(v string) string { return info(known(`"callee":{"displayId":` + v + `}`)) }, letters, text},
		"result.callInfo.caller.displayName":     {func(v string) string { return info(known(`"caller":{"display_name":` + v + `}`)) }, letters, text},
		"result.callInfo.caller.id":              {func(v string) string { return info(known(`"caller":{"id":` + v + `}`)) }, letters, text},
		"result.callInfo.caller.extensionId":     {func(v string) string { return info(known(`"caller":{"extensionId":` + v + `}`)) }, letters, text},
		"result.callInfo.callee.forwarderList":   {func(v string) string { return info(known(`"callee":{"forwarderList":["b",{"id":` + v + `}]}`)) }, letters, text},
		"result.callInfo.caller.forwarderList h": {func(v string) string { return info(known(`"caller":{"forwarderList":[` + v + `]}`)) }, names, entries},
	} {
		name, _, _ := strings.Cut(field, " ")
		if e, err := mtt.Decode([]byte(c.body(c.value(c.limit))), mtt.Context{ReceivedAt: received}); err != nil {
			t.Errorf("%s of %d: %v", field, c.limit, err)
		} else if e.State == "" {
			t.Errorf("%s: the body says nothing", field)
		}
		e, err := mtt.Decode([]byte(c.body(c.value(c.limit+1))), mtt.Context{ReceivedAt: received})
		want := fmt.Sprintf("field %s is longer than %d bytes", name, c.limit)
		if c.limit == entries {
			want = fmt.Sprintf("field %s has more than %d entries", name, c.limit)
		}
		if !errors.Is(err, mtt.ErrUnreadable) || !strings.Contains(err.Error(), want) || len(err.Error()) > 200 {
			t.Errorf("%s of %d: %v, want %q", field, c.limit+1, err, want)
		}
		if e.PlatformID != "" || e.State != "" {
			t.Errorf("%s: the texts are handed on: %d bytes", field, len(e.PlatformID)+len(e.State))
		}
	}
}

func letters(n int) string { return `"` + strings.Repeat("x", n) + `"` }
func digits(n int) string  { return strings.Repeat("7", n) }
func names(n int) string   { return strings.Repeat(`"a",`, n-1) + `"a"` }

func TestNestingHasAnEnd(t *testing.T) {
	t.Parallel()
	nested := func(open, shut string, n int) string {
		return `{"event":"callNotifications","result":{"callInfo":{"call":{"id":"a"},"state":"trying","more":` +
			strings.Repeat(open, n) + "0" + strings.Repeat(shut, n) + `}}}`
	}
	for _, c := range [][2]string{{"[", "]"}, {`{"id":`, "}"}, {`[{"\"]":`, "}]"}} {
		levels := strings.Count(c[0], "[") + strings.Count(c[0], "{")
		fits := (64 - 3) / levels
		if _, err := mtt.Decode([]byte(nested(c[0], c[1], fits)), mtt.Context{ReceivedAt: received}); err != nil {
			t.Errorf("%s, %d times: %v", c[0], fits, err)
		}
		for _, n := range []int{fits + 1, 10_000, 300_000} { // encoding/json itself refuses 10,000
			_, err := mtt.Decode([]byte(nested(c[0], c[1], n)), mtt.Context{ReceivedAt: received})
			if !errors.Is(err, mtt.ErrUnreadable) || !strings.Contains(err.Error(), "nested more than 64 deep") {
				t.Errorf("%s, %d times: %v", c[0], n, err)
			}
		}
	}
	brackets := `{"event":"callNotifications","result":{"callInfo":{"call":{"id":"a"},"state":"trying","reason":"` + strings.Repeat(`[{\"`, 100) + `"}}}`
	if _, err := mtt.Decode([]byte(brackets), mtt.Context{ReceivedAt: received}); err != nil {
		t.Errorf("brackets in a text: %v", err)
	}
}
