package edge_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"fonoteka/internal/edge"
)

func TestAProbeIsNotedByItsWordAlone(t *testing.T) {
	t.Parallel()
	var now atomic.Int64
	e, err := edge.New(edge.Options{
		Proxies: networks(t, "10.0.0.1"), Senders: networks(t, "192.0.2.0/24"), Now: func() time.Time { return time.Unix(1_700_000_000+now.Load(), 0) },
	})
	if err != nil {
		t.Fatal(err)
	}
	request := func(remote, forwarded string, words ...string) *http.Request {
		r := &http.Request{RemoteAddr: remote, Header: http.Header{"X-Forwarded-For": {forwarded}}}
		for _, w := range words {
			r.Header.Add(edge.ProbeHeader, w)
		}
		return r
	}
	if e.OwnProbe(request("10.0.0.1:1", "192.0.2.1", "")) || e.OwnProbe(request("10.0.0.1:1", "192.0.2.1")) {
		t.Error("expected without a word")
	}
	word, other := e.Expect(), e.Expect()
	for _, words := range [][]string{nil, {""}, {"guess"}, {word + "x"}, {word, word}} {
		if e.OwnProbe(request("10.0.0.1:1", "192.0.2.1", words...)) {
			t.Errorf("%q is expected", words)
		}
	}
	if !e.OwnProbe(request("10.0.0.1:1", "198.51.100.1, 192.0.2.1", word)) || !e.OwnProbe(request("127.0.0.1:1", "192.0.2.1", word)) {
		t.Error("the word is not known")
	}
	want := []edge.Sighting{
		{Proxy: true, Forwarded: []string{"198.51.100.1, 192.0.2.1"}, Restricted: true, MayPost: true},
		{Forwarded: []string{"192.0.2.1"}, Restricted: true},
	}
	if diff := cmp.Diff(want, e.Sightings(word), cmpopts.IgnoreFields(edge.Sighting{}, "Source")); diff != "" {
		t.Error(diff)
	}
	if s := e.Sightings(word); s[0].Source.String() != "192.0.2.1" || s[1].Source.IsValid() || len(e.Sightings(other)) != 0 || len(e.Sightings("")) != 0 {
		t.Errorf("%v", s)
	}
	now.Add(61)
	if e.OwnProbe(request("10.0.0.1:1", "", word)) || len(e.Sightings(word)) != 0 {
		t.Error("still known after its minute")
	}
}

func TestProbesAreBounded(t *testing.T) {
	t.Parallel()
	e, err := edge.New(edge.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := &http.Request{RemoteAddr: "192.0.2.1:1", Header: http.Header{}}
	first := e.Expect()
	r.Header.Set(edge.ProbeHeader, first)
	for i := range 100 {
		if !e.OwnProbe(r) {
			t.Fatal(i)
		}
	}
	if n := len(e.Sightings(first)); n != 8 {
		t.Errorf("%d requests noted", n)
	}
	words := map[string]bool{}
	for range 100 {
		words[e.Expect()] = true
	}
	if known := e.OwnProbe(r); known || len(words) != 100 {
		t.Error(fmt.Sprint("the first of a hundred and one is known: ", known, ", words: ", len(words)))
	}
}
