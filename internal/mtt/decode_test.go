package mtt_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/call"
	"fonoteka/internal/mtt"
)

var received = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func example(t testing.TB, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", "notifications", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func decode(t testing.TB, body string) call.Event {
	t.Helper()
	e, err := mtt.Decode([]byte(body), mtt.Context{Integration: "main", ReceivedAt: received})
	if err != nil {
		t.Fatalf("Decode(%s): %v", body, err)
	}
	return e
}

const (
	incomingBase = "c166e238a4c211ea9d373863bb43daf8_00015ED635780FC7"
	outgoingID   = "SDfe2n901-b510751695c9e53584301f0c0e8d98c9200@127.0.0.1"
)

func TestExamplesOfTheOperatorsPage(t *testing.T) {
	t.Parallel()
	outgoing := func(state call.State, at string, callee, tag string) call.Event {
		e := call.Event{
			Kind: call.KindCall, State: state, Type: "outgoing", PlatformID: outgoingID, Tag: tag, TransportID: "10.133.51.137:5070",
			Caller: call.Party{AccountID: "883140582526566", CentrexID: "48212857", DisplayID: "78005560251", ID: "78005560251"},
			Callee: call.Party{DisplayID: callee, ID: callee},
		}
		if at != "" {
			e.StartedAt, _ = time.Parse(time.DateTime, at)
		}
		return e
	}
	finished := outgoing(call.Finished, "", "79219462761", "sdfe2n901-281028329")
	finished.Duration, finished.HasDuration, finished.Reason = 3*time.Second, true, "Originate leg disconnected"
	incomingFinished := call.Event{
		Kind: call.KindCall, State: call.Finished, Type: "incoming", PlatformID: incomingBase + "~2o", Tag: "hswddry52ykfcb2a____o", TransportID: "10.133.33.136:5073",
		Callee:   call.Party{AccountID: "883140777828305", CentrexID: "67821426", DisplayID: "883140777828305", DisplayName: "74996497803", Forwarders: []string{"an_prd100275045-3881851"}},
		Duration: 4 * time.Second, HasDuration: true, Reason: "Answer leg disconnected",
	}
	want := map[string]call.Event{
		"01-incoming-trying": {
			Kind: call.KindCall, State: call.Trying, Type: "incoming", PlatformID: incomingBase + "~1o", Tag: "hswdfry52vmykfla____o", TransportID: "10.133.33.136:5073",
			Callee:    call.Party{AccountID: "74996497803", CentrexID: "67821426", DisplayID: "74996497803", ID: "74996497803"},
			Caller:    call.Party{AccountID: "78124241500@pstn", DisplayID: "78124241500", ID: "78124241500"},
			StartedAt: time.Date(2020, 6, 2, 11, 18, 16, 0, time.UTC),
		},
		"02-outgoing-trying":    outgoing(call.Trying, "2020-06-24 15:01:45", "+79219462761", "sdfe2n901-281028329"),
		"03-outgoing-showing":   outgoing(call.Showing, "2020-06-24 15:01:45", "+79219462761", "sdfe2n901-281028329"),
		"04-outgoing-connected": outgoing(call.Connected, "2020-06-24 15:01:55", "79219462761", "sdfе2n901-281028329"),
		"05-outgoing-hiding":    outgoing(call.Hiding, "2020-06-24 15:01:45", "+79219462761", "sdfе2n901-281028329"),
		"06-outgoing-finished":  finished,
		"07-incoming-finished":  incomingFinished, "08-incoming-finished-as-printed": incomingFinished,
		"09-recorded": {
			Kind: call.KindCall, State: call.Recorded, PlatformID: "SDvarac01-3bd7d743109f2668f16de50c9ab53559100@127.0.0.1", AccountID: "883140777446532",
			URL: "https://openapi-stage.mtt.ru/records/34380859/2020/12/18/9B58D12A_EC9D5E37_56485D37_0EE913E5.mp3",
		},
		"10-numbers-changed":    {Kind: call.KindDirectory, State: "numbersChanged"},
		"11-workplaces-changed": {Kind: call.KindDirectory, State: "workplacesChanged"},
	}
	for name, w := range want {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := decode(t, string(example(t, name)))
			w.Integration, w.ReceivedAt, w.ID = "main", received, got.ID
			if diff := cmp.Diff(w, got); diff != "" {
				t.Errorf("decoded (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUnusualSpellingsAreRead(t *testing.T) {
	t.Parallel()
	wrap := func(info string) string {
		return `{"event":"callNotifications","result":{"callInfo":{"call":{"id":"a@b"},"state":"finished",` + info + `}}}`
	}
	for name, c := range map[string]struct {
		body string
		got  func(call.Event) any
		want any
	}{
		"duration as a string":          {wrap(`"duration":"17"`), func(e call.Event) any { return e.Duration }, 17 * time.Second},
		"duration with a fraction":      {wrap(`"duration":2.5`), func(e call.Event) any { return e.Duration }, 2500 * time.Millisecond},
		"duration null":                 {wrap(`"duration":null`), func(e call.Event) any { return e.HasDuration }, false},
		"negative duration":             {wrap(`"duration":-1`), func(e call.Event) any { return e.HasDuration }, false},
		"duration as words":             {wrap(`"duration":"long"`), func(e call.Event) any { return e.HasDuration }, false},
		"numbers as ids":                {wrap(`"caller":{"accountId":883140582526566}`), func(e call.Event) any { return e.Caller.AccountID }, "883140582526566"},
		"empty displayName gives way":   {wrap(`"callee":{"displayName":"","display_name":"74996497803"}`), func(e call.Event) any { return e.Callee.DisplayName }, "74996497803"},
		"forwarders as strings":         {wrap(`"callee":{"forwarderList":["a",{"id":7},null,"b"]}`), func(e call.Event) any { return e.Callee.Forwarders }, []string{"a", "7", "b"}},
		"reason code as a number":       {wrap(`"reasonCode":486`), func(e call.Event) any { return e.ReasonCode }, "486"},
		"other case":                    {wrap(`"TRANSPORTID":"x"`), func(e call.Event) any { return e.TransportID }, "x"},
		"time with a zone":              {wrap(`"startTime":"2026-11-01T12:00:00+03:00"`), func(e call.Event) any { return e.StartedAt }, time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)},
		"time as Unix seconds":          {wrap(`"startTime":1782000000`), func(e call.Event) any { return e.StartedAt }, time.Unix(1782000000, 0).UTC()},
		"time before 2000 is absent":    {wrap(`"startTime":"1970-01-01 00:00:00"`), func(e call.Event) any { return []any{e.StartedAt.IsZero(), e.BadTime} }, []any{true, true}},
		"time of next week is absent":   {wrap(`"startTime":"2026-11-30 00:00:00"`), func(e call.Event) any { return []any{e.StartedAt.IsZero(), e.BadTime} }, []any{true, true}},
		"time of tomorrow is not":       {wrap(`"startTime":"2026-11-24 00:00:00"`), func(e call.Event) any { return e.BadTime }, false},
		"caller is not an object":       {wrap(`"caller":"78124241500"`), func(e call.Event) any { return e.Caller }, call.Party{}},
		"byte order mark":               {"\xef\xbb\xbf" + wrap(`"type":"incoming"`), func(e call.Event) any { return e.Type }, "incoming"},
		"unknown state":                 {`{"event":"callNotifications","result":{"callInfo":{"call":{"id":"a"},"state":"onHold"}}}`, func(e call.Event) any { return []any{e.Kind, e.State} }, []any{call.KindUnknown, call.State("onhold")}},
		"unknown event":                 {`{"event":"billing","amount":1}`, func(e call.Event) any { return []any{e.Kind, e.State, e.PlatformID} }, []any{call.KindUnknown, call.State("billing"), ""}},
		"no event at all":               {`{}`, func(e call.Event) any { return e.Kind }, call.KindUnknown},
		"unknown directory change":      {`{"event":"vpbxNotifications","result":{"eventType":"rulesChanged"}}`, func(e call.Event) any { return e.Kind }, call.KindUnknown},
		"event type in other letters":   {`{"event":"VPBXnotifications","result":{"event_type":"NUMBERSchanged"}}`, func(e call.Event) any { return string(e.Kind) + " " + string(e.State) }, "directory numbersChanged"},
		"state one level up, as number": {`{"event":"callNotifications","result":{"state":5,"callInfo":{"call":{"id":"a"}}}}`, func(e call.Event) any { return e.State }, call.State("5")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, c.got(decode(t, c.body))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.body, diff)
			}
		})
	}
}

func TestZoneOfTheIntegrationIsUsed(t *testing.T) {
	t.Parallel()
	moscow := time.FixedZone("MSK", 3*3600)
	e, err := mtt.Decode(example(t, "02-outgoing-trying"), mtt.Context{ReceivedAt: received, Zone: moscow})
	if want := time.Date(2020, 6, 24, 12, 1, 45, 0, time.UTC); err != nil || !e.StartedAt.Equal(want) {
		t.Errorf("StartedAt = %v, %v; want %v", e.StartedAt, err, want)
	}
}

func TestUnreadableBodiesNameTheField(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		``:                              "breaks off",
		`hello`:                         "not JSON: error at byte 1",
		`{"event":"ca`:                  "breaks off",
		`[1]`:                           "not an object",
		`{} {}`:                         "more than one",
		`{"event":"callNotifications"}`: "result.callInfo is missing",
		`{"event":"callNotifications","result":{"callInfo":{"a":1}}}`:                                "result.callInfo.call.id is missing",
		`{"event":"callNotifications","result":{"callInfo":{"call":{"id":"x"},"state":"recorded"}}}`: "urlRecord is missing",
	} {
		_, err := mtt.Decode([]byte(body), mtt.Context{ReceivedAt: received})
		if !errors.Is(err, mtt.ErrUnreadable) || !strings.Contains(err.Error(), want) {
			t.Errorf("Decode(%q) = %v; want ErrUnreadable with %q", body, err, want)
		}
	}
}

func TestDirectoryChangesCountByArrival(t *testing.T) {
	t.Parallel()
	body := example(t, "10-numbers-changed")
	at := func(d time.Duration) uint64 {
		e, err := mtt.Decode(body, mtt.Context{ReceivedAt: received.Add(d)})
		if err != nil {
			t.Fatal(err)
		}
		return e.ID
	}
	if at(0) != at(10*time.Second) {
		t.Error("two arrivals within a minute count as two")
	}
	if at(0) == at(time.Hour) {
		t.Error("two arrivals an hour apart count as one")
	}
}

func BenchmarkDecode(b *testing.B) {
	body := example(b, "01-incoming-trying")
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := mtt.Decode(body, mtt.Context{Integration: "main", ReceivedAt: received}); err != nil {
			b.Fatal(err)
		}
	}
}

// Volgograd left UTC+4 for UTC+3 at 22:00 UTC on 26 December 2020: the hour from
// one to two o'clock came twice.
func TestAnHourThatComesTwiceIsReadByItsReceipt(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Europe/Volgograd")
	if err != nil {
		t.Fatal(err)
	}
	at := func(h, m int) time.Time { return time.Date(2020, 12, 26, h, m, 0, 0, time.UTC) }
	for _, c := range []struct {
		said           string
		received, want time.Time
	}{
		{"2020-12-27 01:10:00", at(21, 10), at(21, 10)},
		{"2020-12-27 01:10:00", at(22, 10), at(22, 10)},
		{"2020-12-27 01:10:00", at(21, 5), at(21, 10)}, // our clock is behind
		{"2020-12-27 01:59:00", at(23, 30), at(22, 59)},
		{"2020-12-27 00:59:00", at(21, 0), at(20, 59)},
		{"2020-12-27 02:00:00", at(23, 0), at(23, 0)},
		{"2020-12-27T01:10:00+04:00", at(22, 10), at(21, 10)}, // says it itself
		{"2020-06-01 01:10:00", at(22, 10), time.Date(2020, 5, 31, 21, 10, 0, 0, time.UTC)},
	} {
		body := []byte(`{"event":"callNotifications","result":{"callInfo":{"call":{"id":"a"},"state":"showing","startTime":"` + c.said + `"}}}`)
		e, err := mtt.Decode(body, mtt.Context{ReceivedAt: c.received, Zone: zone})
		if err != nil || !e.StartedAt.Equal(c.want) {
			t.Errorf("%s received %v: %v, want %v (%v)", c.said, c.received, e.StartedAt, c.want, err)
		}
	}
}
