package system

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"fonoteka/internal/spool"
)

var bombs = flag.Int("bombs", 80, "compressed bombs of each kind in the tests that send them")

// bombKind is a notification of some kilobytes that is large once it is read.
type bombKind struct {
	name string
	body func(head string) []byte // head begins it, as far as into callInfo
	// rejected is the detail with which each shows in rejected; "": they become events.
	rejected string
}

// bombKinds makes them when they are wanted: serve runs in this program, too.
func bombKinds() []bombKind {
	return []bombKind{
		{"16 MiB of spaces", before(strings.Repeat(" ", 16<<20) + "}}}"), "inflates to more than 1 MiB"},
		{"1 MiB of spaces", before(strings.Repeat(" ", 1<<20-1024) + "}}}"), ""},
		{"empty lists", before(`,"more":[` + strings.Repeat("[],", 300<<10) + "0]}}}"), ""},
		{"empty objects", before(`,"more":[` + strings.Repeat("{},", 300<<10) + "0]}}}"), ""},
		{"small objects", before(`,"more":[` + strings.Repeat(`{"id":1},`, 100<<10) + "0]}}}"), ""},
		{"spellings of a name", before(`,"more":{` + spellings("callinfo", 900<<10) + `"id":1}}}}`), ""},
		{"a deep list", before(`,"more":` + strings.Repeat("[", 400<<10) + strings.Repeat("]", 400<<10) + "}}}"), "nested more than 64 deep"},
		{"a long call id", func(head string) []byte {
			return zipped(strings.Replace(head, "bomb-", "bomb-"+strings.Repeat("x", 900<<10), 1) + "}}}")
		}, "call.id is longer than 1024 bytes"},
		{"a long name", before(`,"caller":{"displayName":"` + strings.Repeat("x", 900<<10) + `"}}}}`), "displayName is longer than 1024 bytes"},
	}
}

// nth is the n-th bomb of a kind: each is another one.
func (b bombKind) nth(n int) []byte {
	return b.body(fmt.Sprintf(`{"event":"callNotifications","result":{"callInfo":{"call":{"id":"bomb-%s-%d~1o"},"state":"trying","type":"incoming"`, b.name, n))
}

// before makes bombs that end alike. The end is a gzip member of its own, made once.
func before(end string) func(head string) []byte {
	member := sync.OnceValue(func() []byte { return zipped(end) })
	return func(head string) []byte { return append(zipped(head), member()...) }
}

// spellings are so many bytes of fields whose names all read as the same one.
func spellings(name string, size int) string {
	var fields strings.Builder
	for i := 0; fields.Len() < size; i++ {
		fields.WriteString(`"` + spelling(name, i) + `":0,`)
	}
	return fields.String()
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

func zipped(s string) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.Bytes()
}

// arrived wants all bombs where they belong, and a notification amid them too.
func (b bombKind) arrived(in *installation, honest int) {
	in.t.Helper()
	kept := fmt.Sprintf("calls WHERE platform_call_id LIKE 'bomb-%s-%%'", b.name)
	if b.rejected != "" {
		kept = fmt.Sprintf("rejected WHERE detail LIKE '%%%s%%'", b.rejected)
	}
	patience := 5*time.Minute + time.Duration(*bombs)*time.Second
	in.eventually(patience, strconv.Itoa(*bombs), "SELECT count() FROM %s", kept)
	in.eventually(patience, "1", "SELECT count() FROM calls WHERE platform_call_id = 'honest-%d'", honest)
}

// memoryAboveIdle is how much more than it needs when idle a serve may take, bytes.
const memoryAboveIdle = 256 << 20

// bearsUp wants serve to answer, and to have kept within its memory.
func (in *installation) bearsUp(idle int64) {
	in.t.Helper()
	resp, err := http.Get("http://" + in.runtime().PrivateListen + "/healthz")
	if err != nil {
		in.t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		in.t.Errorf("healthz answers %s", resp.Status)
	}
	grown := in.peak() - idle
	in.t.Logf("serve took %d MB when idle, and by now %d MB more at most", idle>>20, grown>>20)
	if grown > memoryAboveIdle {
		in.t.Errorf("%d MB of memory above idle", grown>>20)
	}
}

// part runs a subtest on the installation.
func (in *installation) part(name string, do func()) {
	of := in.t
	defer func() { in.t = of }()
	of.Run(name, func(t *testing.T) {
		in.t = t
		do()
	})
}

// Small posts that inflate to a thousand times their size, or whose JSON takes
// many times its size to be read, cost neither the memory of the machine nor any
// notification.
func TestBombsThatArePostedCostLittleMemory(t *testing.T) {
	kinds := bombKinds()
	in := install(t).start().ready()
	in.honest(t, 1)
	in.eventually(time.Minute, "1", "SELECT count() FROM calls WHERE platform_call_id = 'honest-0'")
	idle := in.memory()
	for k, b := range kinds {
		in.part(b.name, func() {
			var posters errgroup.Group
			for first := range 16 {
				posters.Go(func() (err error) {
					for n := first; n < *bombs && err == nil; n += 16 {
						err = in.postZipped(b.nth(n))
					}
					return err
				})
			}
			if err := posters.Wait(); err != nil {
				in.t.Fatal(err)
			}
			in.mustPost(k + 1)
			b.arrived(in, k+1)
			in.bearsUp(idle)
		})
	}
}

// mustPost posts an honest notification, and wants it to be answered 200.
func (in *installation) mustPost(n int) {
	in.t.Helper()
	if status := in.post(redirect+"/events", notification(n)); status != http.StatusOK {
		in.t.Fatalf("honest notification %d: status %d", n, status)
	}
}

func (in *installation) postZipped(body []byte) error {
	req, err := http.NewRequest(http.MethodPost, in.redirectURI()+"/events", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Encoding", "gzip")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("a bomb is answered %s", resp.Status)
	}
	return nil
}

// A spool that an older version filled with bombs does not keep serve from
// starting, and from taking notifications.
func TestBombsInTheSpoolDoNotKeepServeFromStarting(t *testing.T) {
	kinds := bombKinds()
	in := install(t).start().ready()
	idle := in.memory()
	for k, b := range kinds {
		in.part(b.name, func() {
			in.stop()
			in.fill(b)
			in.start()
			in.mustPost(k)
			b.arrived(in, k)
			in.bearsUp(idle)
		})
	}
}

// fill puts bombs into the spool of a stopped installation.
func (in *installation) fill(b bombKind) {
	in.t.Helper()
	sp, err := spool.Open(spool.Options{Dir: filepath.Join(in.dir, "spool"), Cursors: []string{warehouseCursor, recordingsCursor}})
	if err != nil {
		in.t.Fatal(err)
	}
	var writers errgroup.Group
	for first := range 16 {
		writers.Go(func() (err error) {
			for n := first; n < *bombs && err == nil; n += 16 {
				_, err = sp.Append(context.Background(), spool.Record{Integration: "main", ContentEncoding: "gzip", Body: b.nth(n)})
			}
			return err
		})
	}
	if err := errors.Join(writers.Wait(), sp.Close()); err != nil {
		in.t.Fatal(err)
	}
}
