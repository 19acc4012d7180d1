package mtt_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/call"
	"fonoteka/internal/mtt"
)

// TestHowJSONIsRead is the decoder's contract, a line for each of its rules. The field
// that is looked at is the call's tag, and the links.
func TestHowJSONIsRead(t *testing.T) {
	t.Parallel()
	around := func(call string) string {
		return `{"event":"callNotifications","result":{"callInfo":{"call":{"id":"a",` + call + `},"state":"trying"}}}`
	}
	nested := func(levels int) string { // in callInfo.call, which is four deep
		return around(`"tag":"t","more":` + strings.Repeat("[", levels-4) + strings.Repeat("]", levels-4))
	}
	for name, c := range map[string]struct {
		body, tag string
		links     []string
		err       string
	}{
		"a BOM":                             {body: "\xef\xbb\xbf" + around(`"tag":"t"`), tag: "t"},
		"blanks around":                     {body: " \r\n\t" + around(`"tag":"t"`) + "\n ", tag: "t"},
		"no UTF-8 is U+FFFD":                {body: around("\"tag\":\"a\xffb\""), tag: "a\ufffdb"},
		"half a surrogate is U+FFFD":        {body: around(`"tag":"a\ud800b"`), tag: "a\ufffdb"},
		"escapes":                           {body: around(`"t\u0061g":"\u0416\n\"x"`), tag: "Ж\n\"x"},
		"no UTF-8 in a field nobody knows":  {body: around("\"\xff\":1,\"tag\":\"t\""), tag: "t"},
		"the last of equal names":           {body: around(`"tag":"first","tag":"last"`), tag: "last"},
		"the last of equal names, if null":  {body: around(`"tag":"first","tag":null`)},
		"of spellings the one that is said": {body: around(`"TAG":"","Tag":null,"tag":"said"`), tag: "said"},
		"of spellings the first in order":   {body: around(`"tag":"3","TAG":"1","Tag":"2"`), tag: "1"},
		"an underscore is no letter":        {body: around(`"t_a_g":"t"`), tag: "t"},
		"a number as it was written":        {body: around(`"tag":1.50e+02`), tag: "1.50e+02"},
		"a boolean":                         {body: around(`"tag":true`), tag: "true"},
		"a list is no text":                 {body: around(`"tag":["t"]`)},
		"one value only":                    {body: around(`"tag":"t"`) + "{}", err: "unreadable notification: more than one JSON value"},
		"one value and more brackets":       {body: around(`"tag":"t"`) + "]}", tag: "t"},
		"64 deep":                           {body: nested(64), tag: "t"},
		"65 deep":                           {body: nested(65), err: "unreadable notification: it is nested more than 64 deep"},
		"an end is missing":                 {body: strings.TrimSuffix(around(`"tag":"t"`), "}"), err: "unreadable notification: not JSON: it breaks off after 97 bytes"},
		"a comma too many":                  {body: around(`"tag":"t",`), err: "unreadable notification: not JSON: error at byte 79 of 99"},
		"urlRecord at any depth":            {body: around(`"tag":"t","x":[{"y":[{"urlRecord":"https://mtt.ru/a"}]}]`), tag: "t", links: []string{"https://mtt.ru/a"}},
		"urlRecord at 64":                   {body: around(`"x":` + strings.Repeat("[", 59) + `{"urlRecord":"https://mtt.ru/a"}` + strings.Repeat("]", 59)), links: []string{"https://mtt.ru/a"}},
		"links in their order":              {body: around(`"x":{"urlRecord":"https://mtt.ru/b"},"urlRecord":["https://mtt.ru/a","https://mtt.ru/b"]`), links: []string{"https://mtt.ru/b", "https://mtt.ru/a"}},
		"a thousand spellings": {
			body: around(strings.Repeat(`"tag":"x","TAG":"y",`, 600) + `"tAg":"z","tag":"w"`), tag: "y",
		},
		"objects of one name, many": {
			body: `{"event":"callNotifications","result":{"callInfo":{` + strings.Repeat(`"call":{"id":"x","tag":"y"},`, 1000) + `"call":{"id":"a","tag":"t"},"state":"trying"}}}`, tag: "t",
		},
	} {
		e, err := mtt.Decode([]byte(c.body), mtt.Context{ReceivedAt: received})
		if said := errText(err); said != c.err {
			t.Errorf("%s: error %q, want %q", name, said, c.err)
			continue
		}
		if diff := cmp.Diff(c.links, e.Links()); e.Tag != c.tag || diff != "" {
			t.Errorf("%s: tag %q, want %q; links (-want +got):\n%s", name, e.Tag, c.tag, diff)
		}
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// An event may be kept for longer than its body: it must not keep a long one with it.
func TestAnEventKeepsNoLongBody(t *testing.T) {
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	events := make([]call.Event, 50)
	for i := range events {
		body := `{"event":"callNotifications","result":{"callInfo":{"call":{"id":"a~1o"},"state":"trying","urlRecord":["https://mtt.ru/a","https://mtt.ru/b"],` +
			`"caller":{"id":"79160000001","forwarderList":["79160000002"]},"more":"` + strings.Repeat("x", 1<<20) + `"}}}`
		e, err := mtt.Decode([]byte(body), mtt.Context{ReceivedAt: received})
		if err != nil {
			t.Fatal(err)
		}
		events[i] = e
	}
	if kept := int64(heap()) - int64(before); kept > 5<<20 {
		t.Errorf("50 events keep %d bytes", kept)
	}
	runtime.KeepAlive(events)
}
