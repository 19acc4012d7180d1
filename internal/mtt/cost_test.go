package mtt_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/mtt"
)

// costly are bodies of a megabyte that ask for as much work as their size can.
func costly() map[string]string {
	const size = 1 << 20
	times := func(s string) string { return strings.Repeat(s, size/len(s)) }
	var spellings strings.Builder
	for i := 0; spellings.Len() < size; i++ {
		fmt.Fprintf(&spellings, `"%s":0,`, spelling("callinfo", i))
	}
	around := func(more string) string {
		return `{"event":"callNotifications","result":{"callInfo":{"call":{"id":"a~1o"},"state":"trying",` + more + `}}}`
	}
	return map[string]string{
		"plain notification":  around(`"type":"` + strings.Repeat("x", 100) + `"`),
		"spaces":              around(times(" ") + `"type":"incoming"`),
		"numbers":             around(`"more":[` + times("1,") + `1]`),
		"empty lists":         around(`"more":[` + times("[],") + `0]`),
		"empty objects":       around(`"more":[` + times("{},") + `0]`),
		"small objects":       around(`"more":[` + times(`{"id":1},`) + `0]`),
		"small known objects": around(`"caller":{"forwarderList":[` + times(`{"x":[]},`) + `0]}`),
		"deep as allowed":     around(`"more":[` + times(strings.Repeat(`{"id":`, 50)+"0"+strings.Repeat("}", 50)+",") + `0]`),
		"deeper":              around(`"more":` + strings.Repeat("[", size/2) + strings.Repeat("]", size/2)),
		"small fields":        around(times(`"a":0,`) + `"b":0`),
		"spellings of a name": around(spellings.String() + `"type":0`),
		"the same name again": around(times(`"callInfo":0,`) + `"type":0`),
	}
}

// spelling is the n-th way to write a name that reads as the same one.
func spelling(name string, n int) string {
	var b strings.Builder
	for _, c := range []byte(name) {
		b.WriteString(strings.Repeat("_", n%8))
		b.WriteByte(c)
		n /= 8
	}
	return b.String()
}

// BenchmarkCostly measures what hostile bodies cost.
func BenchmarkCostly(b *testing.B) {
	for name, body := range costly() {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				_, _ = mtt.Decode([]byte(body), mtt.Context{ReceivedAt: received})
			}
		})
	}
}

// To read a body takes little memory beside it, whatever it holds, so that a batch of
// bodies takes what they have and no more.
func TestNoBodyCostsMuchMoreThanItsSize(t *testing.T) {
	if testing.Short() {
		t.Skip("the race detector takes memory of its own")
	}
	for name, body := range costly() {
		raw := []byte(body)
		began := time.Now()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = mtt.Decode(raw, mtt.Context{ReceivedAt: received})
		runtime.ReadMemStats(&after)
		took, allocated := time.Since(began), after.TotalAlloc-before.TotalAlloc
		t.Logf("%-20s %8d bytes: %9d bytes allocated, %v", name, len(raw), allocated, took.Round(time.Microsecond))
		if allocated > uint64(len(raw))+512<<10 { // a copy of it, and a thousand fields in a list that grows
			t.Errorf("%s: %d bytes allocated for a body of %d", name, allocated, len(raw))
		}
	}
}
