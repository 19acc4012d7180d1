package system

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"
	"unicode/utf16"
)

// Whatever a sender or a proxy does to a body, it becomes its call.
func TestANotificationIsReadInAnyEncoding(t *testing.T) {
	t.Parallel()
	in := install(t).start().ready()
	by := func(s string, open func(io.Writer) io.WriteCloser) []byte {
		var b bytes.Buffer
		w := open(&b)
		_, err := io.WriteString(w, s)
		if err := errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	in16 := func(s string, order binary.AppendByteOrder) (b []byte) {
		b = order.AppendUint16(b, 0xfeff)
		for _, unit := range utf16.Encode([]rune(s)) {
			b = order.AppendUint16(b, unit)
		}
		return b
	}
	ways := []struct {
		encoding, contentType string
		encode                func(string) []byte
	}{
		{"", "application/json", func(s string) []byte { return []byte(s) }},
		{"gzip", "application/json", func(s string) []byte { return by(s, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }) }},
		{"deflate", "application/json", func(s string) []byte { return by(s, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }) }},
		{"deflate", "application/json", func(s string) []byte {
			return by(s, func(w io.Writer) io.WriteCloser { f, _ := flate.NewWriter(w, 6); return f })
		}},
		{"", "application/json; charset=utf-16le", func(s string) []byte { return in16(s, binary.LittleEndian) }},
		{"", "application/json; charset=utf-16be", func(s string) []byte { return in16(s, binary.BigEndian) }},
		{"", "application/json", func(s string) []byte { return in16(s, binary.LittleEndian)[2:] }},
	}
	for n, way := range ways {
		body := fmt.Sprintf(`{"event":"callNotifications","result":{"eventType":"incoming","callInfo":{"call":{"id":"way-%d~1o"},"state":"trying","callerInfo":{"displayName":"Анна"}}}}`, n)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+in.runtime().PublicListen+redirect+"/events", bytes.NewReader(way.encode(body)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", way.contentType)
		if way.encoding != "" {
			req.Header.Set("Content-Encoding", way.encoding)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("way %d: %d", n, resp.StatusCode)
		}
	}
	in.eventually(time.Minute, fmt.Sprint(len(ways)), "SELECT count() FROM events WHERE body LIKE '%%Анна%%'")
	in.eventually(time.Minute, fmt.Sprint(len(ways)), "SELECT count() FROM calls")
	in.eventually(time.Minute, "0", "SELECT count() FROM rejected")
	in.stop()
}
