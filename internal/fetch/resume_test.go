package fetch_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"fonoteka/internal/fetch"
)

// breaking serves ranges of a body as a real server does, and breaks off after
// so many bytes of each answer as cuts says; then no more.
type breaking struct {
	mu    sync.Mutex
	body  func(try int) []byte
	tag   func(try int) string // ETag; "" sends a Last-Modified instead
	cuts  []int
	stall bool // stands still instead of cutting
	try   int
	asked []string // Range and If-Range of each request
}

func (s *breaking) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	try := s.try
	s.try++
	s.asked = append(s.asked, strings.TrimSpace(r.Header.Get("Range")+" "+r.Header.Get("If-Range")))
	s.mu.Unlock()
	if tag := s.tag(try); tag != "" {
		w.Header().Set("ETag", tag)
	}
	out := &limited{ResponseWriter: w, left: -1}
	if try < len(s.cuts) {
		out.left = s.cuts[try]
		out.end = func() {
			w.(http.Flusher).Flush()
			if s.stall {
				<-r.Context().Done()
			}
			panic(http.ErrAbortHandler)
		}
	}
	http.ServeContent(out, r, "", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), bytes.NewReader(s.body(try)))
}

type limited struct {
	http.ResponseWriter
	left int
	end  func()
}

func (l *limited) Write(p []byte) (int, error) {
	if l.left < 0 || len(p) <= l.left {
		if l.left > 0 {
			l.left -= len(p)
		}
		return l.ResponseWriter.Write(p)
	}
	l.ResponseWriter.Write(p[:l.left])
	l.end()
	return 0, nil
}

func always[T any](v T) func(int) T { return func(int) T { return v } }

func fetched(t *testing.T, s http.Handler, changes ...func(*fetch.Options)) ([]byte, *fetch.Body, error) {
	t.Helper()
	o := newOrigin(t, s.ServeHTTP)
	fo := fetch.Options{Hosts: hosts(t, o.Addr()), TempDir: t.TempDir(), Memory: 1 << 20}
	for _, c := range changes {
		c(&fo)
	}
	f, err := fetch.New(fo)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := f.Fetch(t.Context(), "main", o.URL+"/a.mp3")
	if err != nil {
		return nil, nil, err
	}
	defer b.Close()
	got, err := io.ReadAll(io.NewSectionReader(b, 0, b.Size))
	if err != nil {
		t.Fatal(err)
	}
	return got, b, nil
}

func TestATransferCutAnywhereEndsWithTheRightBytes(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 60 {
		body := make([]byte, 1+r.IntN(3<<20)) // some in memory, some in a file
		for i := range body {
			body[i] = byte(r.Uint32())
		}
		s := &breaking{body: always(body), tag: always([]string{`"one"`, ""}[round%2])}
		for range r.IntN(6) {
			s.cuts = append(s.cuts, 1+r.IntN(len(body)))
		}
		got, b, err := fetched(t, s)
		if err != nil {
			t.Fatalf("round %d, %d bytes, cuts %v: %v", round, len(body), s.cuts, err)
		}
		if !bytes.Equal(got, body) || b.SHA256 != digest(body) || b.Size != int64(len(body)) {
			t.Fatalf("round %d: %d bytes of %d, cuts %v, asked %q", round, len(got), len(body), s.cuts, s.asked)
		}
		if b.Resumed != len(s.asked)-1 {
			t.Errorf("round %d: resumed %d times in %d requests", round, b.Resumed, len(s.asked))
		}
	}
}

func TestAStalledTransferIsResumed(t *testing.T) {
	t.Parallel()
	body := bytes.Repeat([]byte("resume "), 50_000)
	s := &breaking{body: always(body), tag: always(`"x"`), cuts: []int{100_000}, stall: true}
	got, b, err := fetched(t, s, func(o *fetch.Options) { o.IdleTimeout = 200 * time.Millisecond })
	if err != nil || !bytes.Equal(got, body) || b.Resumed != 1 {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	if want := `bytes=100000- "x"`; s.asked[1] != want {
		t.Errorf("asked %q, want %q", s.asked[1], want)
	}
}

func TestAFileThatChangesIsFetchedAnew(t *testing.T) {
	t.Parallel()
	first, second := bytes.Repeat([]byte("a"), 300_000), bytes.Repeat([]byte("b"), 200_000)
	version := func(try int) []byte {
		if try == 0 {
			return first
		}
		return second
	}
	for name, s := range map[string]http.Handler{
		"another etag": &breaking{body: version, cuts: []int{250_000}, tag: func(try int) string { return `"` + strconv.Itoa(min(try, 1)) + `"` }},
		"the range is ignored": func() http.Handler {
			n := 0
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("ETag", `"same"`)
				b := version(n)
				w.Header().Set("Content-Length", strconv.Itoa(len(b)))
				if n++; n == 1 {
					w.Write(b[:250_000])
					w.(http.Flusher).Flush()
					panic(http.ErrAbortHandler)
				}
				w.Write(b)
			})
		}(),
		"another part": func() http.Handler {
			n := 0
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("ETag", `"same"`)
				switch n++; n {
				case 1:
					w.Header().Set("Content-Length", "300000")
					w.Write(first[:250_000])
					w.(http.Flusher).Flush()
					panic(http.ErrAbortHandler)
				case 2:
					w.Header().Set("Content-Range", "bytes 0-9/300000")
					w.WriteHeader(206)
					w.Write(first[:10])
				case 3:
					if r.Header.Get("Range") != "" {
						t.Error("a range again, of a server that cannot do it")
					}
					w.Write(second)
				}
			})
		}(),
		"416": func() http.Handler {
			n := 0
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("ETag", `"same"`)
				if n++; n == 1 {
					w.Header().Set("Content-Length", "300000")
					w.Write(first[:250_000])
					w.(http.Flusher).Flush()
					panic(http.ErrAbortHandler)
				}
				if r.Header.Get("Range") != "" {
					w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
					return
				}
				w.Write(second)
			})
		}(),
	} {
		got, b, err := fetched(t, s)
		if err != nil || !bytes.Equal(got, second) || b.SHA256 != digest(second) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
}

func TestWithoutProofOrProgressNothingIsResumed(t *testing.T) {
	t.Parallel()
	body := bytes.Repeat([]byte("x"), 100_000)
	for name, c := range map[string]struct {
		tag      string
		cuts     []int
		requests int
	}{
		"weak etag":       {`W/"1"`, []int{50_000}, 1},
		"nothing more":    {`"1"`, []int{50_000, 0, 0, 0}, 2},
		"too many breaks": {`"1"`, []int{10, 10, 10, 10, 10, 10, 10, 10}, 6},
	} {
		s := &breaking{body: always(body), tag: always(c.tag), cuts: c.cuts}
		_, _, err := fetched(t, s)
		var f *fetch.Failure
		if !errors.As(err, &f) || f.Kind != fetch.Cut || len(s.asked) != c.requests {
			t.Errorf("%s: %v after %d requests, want a cut after %d", name, err, len(s.asked), c.requests)
		}
	}
}

func TestAPartThatGoesBeyondItsEndIsNotTaken(t *testing.T) {
	t.Parallel()
	body := bytes.Repeat([]byte("x"), 100_000)
	_, _, err := fetched(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		if r.Header.Get("Range") == "" {
			cut(body, true)(w, r)
			return
		}
		w.Header().Set("Content-Range", "bytes 50000-99999/100000")
		w.WriteHeader(http.StatusPartialContent)
		w.Write(body[:50_000])
		w.(http.Flusher).Flush() // no Content-Length: as long as it likes
		w.Write(body[:10])
	}))
	var f *fetch.Failure
	if !errors.As(err, &f) || f.Kind != fetch.Cut || !strings.Contains(f.Sentence(), "100010 bytes of a file of 100000") {
		t.Error(err)
	}
}
