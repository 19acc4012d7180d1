// Package fetchtest is the operator's server for tests: it answers as that does on good
// days and on bad ones, and remembers what it was asked.
package fetchtest

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"fonoteka/internal/fetch"
)

// Origin is a server on this machine.
type Origin struct {
	*httptest.Server
	mu       sync.Mutex
	Requests []*http.Request // so far; to be read when none is under way
	Quiet    bool            // remembers no requests
}

// NewOrigin starts a server, which ends with the test.
func NewOrigin(t testing.TB, h http.HandlerFunc) *Origin {
	t.Helper()
	o := &Origin{}
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		if !o.Quiet {
			o.Requests = append(o.Requests, r)
		}
		o.mu.Unlock()
		h(w, r)
	}))
	t.Cleanup(o.Close)
	return o
}

// Addr is its address with the port.
func (o *Origin) Addr() string { return strings.TrimPrefix(o.URL, "http://") }

// Asked counts the requests so far.
func (o *Origin) Asked() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.Requests)
}

// Hosts is a list of allowed servers.
func Hosts(t testing.TB, entries ...string) fetch.Hosts {
	t.Helper()
	h, err := fetch.ParseHosts(entries...)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// MP3 is a whole mp3 of 2304 bytes, for tests in packages beside mp3.
func MP3(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("../mp3/testdata/mpeg25-8khz.mp3")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Digest is the sha256 of b in lower-case hex.
func Digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Gzipped is b, compressed.
func Gzipped(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Serve answers with a body as an mp3.
func Serve(body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "audio/mpeg")
		_, _ = w.Write(body)
	}
}

// Status answers with a status alone.
func Status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// Answer sends a body with a status and headers, name and value in turn.
func Answer(status int, body []byte, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "audio/mpeg")
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}
}

// Stall sends half of a body and then nothing until the client goes.
func Stall(body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body[:len(body)/2])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
}

// Cut sends half of a body, with or without having said how much it would be.
func Cut(body []byte, announced bool) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if announced {
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		}
		_, _ = w.Write(body[:len(body)/2])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}
