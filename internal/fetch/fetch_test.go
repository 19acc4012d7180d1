package fetch_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"fonoteka/internal/fetch"
)

func TestServersThatCannotBeReachedAreNotReady(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	l.Close()
	plain := newOrigin(t, serve(audio(t)))
	f, err := fetch.New(fetch.Options{Hosts: hosts(t, nobody, plain.Addr(), "name.invalid"), TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	for link, says := range map[string]string{
		"http://" + nobody + "/a.mp3":        "refused the connection",
		"https://name.invalid/a.mp3":         "name.invalid",
		"https://" + plain.Addr() + "/a.mp3": "no connection",
	} {
		_, err := f.Fetch(t.Context(), "main", link)
		var fail *fetch.Failure
		if !errors.As(err, &fail) || fail.Kind != fetch.Unreachable || !strings.Contains(fail.Sentence(), says) || strings.Contains(fail.Sentence(), "a.mp3") {
			t.Errorf("%s: %v", link, err)
		}
	}
}

func TestSlowButSteadyIsNoStall(t *testing.T) {
	t.Parallel()
	mp3 := audio(t)
	drip := func(w http.ResponseWriter, r *http.Request) {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for part := range bytesIn(mp3, 144) {
			<-tick.C
			w.Write(part)
			w.(http.Flusher).Flush()
		}
	}
	for _, c := range []struct {
		total time.Duration
		want  fetch.Kind
	}{{0, ""}, {100 * time.Millisecond, fetch.Timeout}} {
		r := newRig(t, drip, func(o *fetch.Options, _ string) {
			o.IdleTimeout, o.TotalTimeout = 200*time.Millisecond, c.total
		})
		body, err := r.Fetch(t.Context(), "main", r.origin.URL+"/a.mp3")
		var f *fetch.Failure
		if c.want == "" && (err != nil || body.SHA256 != digest(mp3)) || c.want != "" && (!errors.As(err, &f) || f.Kind != c.want) {
			t.Errorf("at most %v: %v", c.total, err)
		}
	}
}

// What leads elsewhere may have a body, which nobody needs.
func TestARedirectWhoseBodyStallsIsFollowed(t *testing.T) {
	t.Parallel()
	mp3 := audio(t)
	r := newRig(t, func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/b.mp3" {
			serve(mp3)(w, req)
			return
		}
		w.Header().Set("Location", "/b.mp3")
		w.Header().Set("Content-Length", "4000")
		w.WriteHeader(http.StatusFound)
		w.(http.Flusher).Flush()
		<-req.Context().Done()
	}, func(o *fetch.Options, _ string) {
		o.IdleTimeout, o.TotalTimeout = 200*time.Millisecond, 5*time.Second
	})
	body, err := r.Fetch(t.Context(), "main", r.origin.URL+"/a.mp3")
	if err != nil || body.SHA256 != digest(mp3) {
		t.Error(err)
	}
}

func bytesIn(b []byte, n int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(b) > 0 && yield(b[:min(n, len(b))]) {
			b = b[min(n, len(b)):]
		}
	}
}

func TestAStopIsNoFailureOfTheServer(t *testing.T) {
	t.Parallel()
	started := make(chan bool, 1)
	r := newRig(t, func(w http.ResponseWriter, req *http.Request) {
		started <- true
		stall(audio(t))(w, req)
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-started; cancel() }()
	_, err := r.Fetch(ctx, "main", r.origin.URL+"/a.mp3")
	var f *fetch.Failure
	if errors.As(err, &f) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestBodiesAreHeldWithinTheirBounds downloads more at once than fits into
// memory: small bodies, large ones, with and without a length.
func TestBodiesAreHeldWithinTheirBounds(t *testing.T) {
	t.Parallel()
	small, large := bytes.Repeat([]byte("s"), 300_000), bytes.Repeat([]byte("large "), 1<<20)
	temp := t.TempDir()
	left := filepath.Join(temp, "fonoteka-download-1")
	if err := os.WriteFile(left, []byte("of a crash"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, func(w http.ResponseWriter, req *http.Request) {
		body := small
		if strings.Contains(req.URL.Path, "large") {
			body = large
		}
		if !strings.Contains(req.URL.Path, "chunked") {
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		}
		w.Write(body)
	}, func(o *fetch.Options, _ string) { o.TempDir, o.Memory = temp, 5<<20 })
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what a crash left is still there: %v", err)
	}
	for range 2 { // the second round finds the memory given back
		var wg sync.WaitGroup
		for i := range 24 {
			path := []string{"/small", "/large", "/small-chunked", "/large-chunked"}[i%4]
			wg.Go(func() {
				want := small
				if strings.Contains(path, "large") {
					want = large
				}
				b, err := r.Fetch(t.Context(), "main", r.origin.URL+path)
				if err != nil {
					t.Error(err)
					return
				}
				defer b.Close()
				got, err := io.ReadAll(io.NewSectionReader(b, 0, b.Size))
				if err != nil || !bytes.Equal(got, want) || b.SHA256 != digest(want) || b.Size != int64(len(want)) {
					t.Errorf("%s: %d bytes, %v", path, len(got), err)
				}
			})
		}
		wg.Wait()
	}
	if files, _ := os.ReadDir(temp); len(files) != 0 {
		t.Errorf("%d files left", len(files))
	}
}
