package mtt_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"fonoteka/internal/call"
	"fonoteka/internal/mtt"
)

const aLink = "https://mtt.ru/records/1/2026/03/02/A.mp3"

// A link is the value of a field named urlRecord, wherever it stands and however it is
// wrapped, whatever else the notification says.
func TestALinkIsReadWhereverItStands(t *testing.T) {
	t.Parallel()
	around := func(callInfo string) string {
		return `{"event":"callNotifications","result":{"callInfo":{` + callInfo + `}}}`
	}
	const id, url = `"call":{"id":"a~1o"},`, `"urlRecord":"` + aLink + `"`
	for name, c := range map[string]struct {
		body, call string
		kind       call.Kind
	}{
		"recorded":               {around(id + `"state":"recorded",` + url), "a~1o", call.KindCall},
		"finished":               {around(id + `"state":"finished","duration":3,` + url), "a~1o", call.KindCall},
		"an unknown state":       {around(id + `"state":"recordReady",` + url), "a~1o", call.KindUnknown},
		"no state":               {around(id + url), "a~1o", call.KindUnknown},
		"call absent":            {around(`"state":"recorded",` + url), "", call.KindCall},
		"call null":              {around(`"call":null,"state":"recorded",` + url), "", call.KindCall},
		"an empty id":            {around(`"call":{"id":""},"state":"recorded",` + url), "", call.KindCall},
		"call is a string":       {around(`"call":"a~1o","state":"recorded",` + url), "a~1o", call.KindCall},
		"call is a list":         {around(`"call":[],"state":"recorded",` + url), "", call.KindCall},
		"unknown, without call":  {around(`"state":"recordReady",` + url), "", call.KindUnknown},
		"a list":                 {around(id + `"state":"recorded","urlRecord":["` + aLink + `"]`), "a~1o", call.KindCall},
		"an object":              {around(id + `"state":"recorded","urlRecord":{"size":1,"url":"` + aLink + `"}`), "a~1o", call.KindCall},
		"a list of objects":      {around(id + `"state":"recorded","urlRecord":[{"url":"` + aLink + `"},{"url":null}]`), "a~1o", call.KindCall},
		"an object's URL":        {around(id + `"state":"recorded","urlRecord":{"URL":"` + aLink + `"}`), "a~1o", call.KindCall},
		"url_record":             {around(id + `"state":"recorded","url_record":"` + aLink + `"`), "a~1o", call.KindCall},
		"URL-Record":             {around(id + `"state":"recorded","URL-Record":"` + aLink + `"`), "a~1o", call.KindCall},
		"escaped":                {around(id + `"state":"recorded","url\u0052ecord":"` + aLink + `"`), "a~1o", call.KindCall},
		"deep":                   {around(id + `"state":"finished","media":{"files":[{"x":{` + url + `}}]}`), "a~1o", call.KindCall},
		"beside callInfo":        {`{"event":"callNotifications","result":{"callInfo":{"call":{"id":"a~1o"},"state":"recorded"},` + url + `}}`, "a~1o", call.KindCall},
		"without callInfo":       {`{"event":"callNotifications","result":{"call":{"id":"a~1o"},"state":"recorded",` + url + `}}`, "a~1o", call.KindCall},
		"with nothing else":      {`{` + url + `}`, "", call.KindUnknown},
		"an unknown event":       {`{"event":"recordNotifications","result":{"callInfo":{"call":{"id":"a~1o"},` + url + `}}}`, "a~1o", call.KindUnknown},
		"in a list":              {`[{"event":"callNotifications","result":{"callInfo":{"call":{"id":"a~1o"},"state":"recorded",` + url + `}}}]`, "", call.KindUnknown},
		"result is a list":       {`{"event":"callNotifications","result":[{"callInfo":{"call":{"id":"a~1o"},` + url + `}}]}`, "", call.KindUnknown},
		"null before it":         {around(id + `"state":"recorded","urlrecord":null,"urlRecord":"` + aLink + `"`), "a~1o", call.KindCall},
		"spaces":                 {around(id + `"state":"recorded","urlRecord" :  " ` + aLink + ` "`), "a~1o", call.KindCall},
		"//host in finished":     {around(id + `"state":"finished","urlRecord":"//mtt.ru/a.mp3"`), "a~1o", call.KindCall},
		"the same link twice":    {around(id + `"state":"recorded","urlRecord":["` + aLink + `","` + aLink + `"]`), "a~1o", call.KindCall},
		"a name like a link":     {around(id + `"state":"recorded",` + url + `,"caller":{"displayName":"https://evil.example/a.mp3","url":"https://evil.example/b.mp3"}`), "a~1o", call.KindCall},
		"a name like the field":  {around(id + `"state":"recorded",` + url + `,"caller":{"displayName":"\"urlRecord\":\"https://evil.example/a.mp3\""}`), "a~1o", call.KindCall},
		"a value like the field": {around(id + `"state":"recorded",` + url + `,"reason":"urlRecord","x":["urlRecord","https://evil.example/a.mp3"]`), "a~1o", call.KindCall},
	} {
		e, err := mtt.Decode([]byte(c.body), mtt.Context{ReceivedAt: received})
		want := aLink
		if strings.HasPrefix(name, "//") {
			want = "//mtt.ru/a.mp3"
		}
		if err != nil || !slices.Equal(e.Links(), []string{want}) || e.PlatformID != c.call || e.Kind != c.kind {
			t.Errorf("%s: links %q, call %q, kind %s, %v", name, e.Links(), e.PlatformID, e.Kind, err)
		}
	}
}

func TestSeveralLinksAreAllRead(t *testing.T) {
	t.Parallel()
	body := `{"event":"callNotifications","result":{"callInfo":{"call":{"id":"a~1o"},"state":"finished","urlRecord":["https://mtt.ru/1","https://mtt.ru/2"],"legs":[{"urlRecord":"https://mtt.ru/3"}]}}}`
	e, err := mtt.Decode([]byte(body), mtt.Context{ReceivedAt: received})
	if want := []string{"https://mtt.ru/1", "https://mtt.ru/2", "https://mtt.ru/3"}; err != nil || !slices.Equal(e.Links(), want) {
		t.Errorf("links %q, %v", e.Links(), err)
	}
}

// What is no link makes no recording, and a field named url alone is no link.
func TestWhatIsNoLinkIsNone(t *testing.T) {
	t.Parallel()
	for _, more := range []string{
		`"urlRecord":null`, `"urlRecord":""`, `"urlRecord":false`, `"urlRecord":0`, `"urlRecord":[]`, `"urlRecord":{}`, `"urlRecord":"none"`, `"urlRecord":"-"`, `"urlRecord":"n/a"`,
		`"urlRecord":{"name":"https://evil.example/a.mp3"}`, `"url":"https://evil.example/a.mp3"`, `"urlRecords":"https://evil.example/a.mp3"`, `"reason":"https://evil.example/a.mp3"`,
	} {
		body := `{"event":"callNotifications","result":{"callInfo":{"call":{"id":"a~1o"},"state":"finished",` + more + `}}}`
		if e, err := mtt.Decode([]byte(body), mtt.Context{ReceivedAt: received}); err != nil || len(e.Links()) > 0 {
			t.Errorf("%s: links %q, %v", more, e.Links(), err)
		}
	}
}

func TestTooManyLinksAreNothingOfTheOperators(t *testing.T) {
	t.Parallel()
	var many []string
	for i := range 101 {
		many = append(many, fmt.Sprintf(`"https://mtt.ru/%d"`, i))
	}
	body := `{"event":"callNotifications","result":{"callInfo":{"call":{"id":"a"},"state":"recorded","urlRecord":[` + strings.Join(many, ",") + `]}}}`
	if _, err := mtt.Decode([]byte(body), mtt.Context{ReceivedAt: received}); err == nil || !strings.Contains(err.Error(), "urlRecord has more than 100") {
		t.Errorf("101 links: %v", err)
	}
}
