package archive_test

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

	"fonoteka/internal/archive"
	"fonoteka/internal/call"
)

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// stall sends half and then nothing until the client goes.
func stall(body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.Write(body[:len(body)/2])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
}

// cut sends half, with or without having said how much it would be.
func cut(body []byte, announced bool) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if announced {
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		}
		w.Write(body[:len(body)/2])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

func TestEveryFailureIsClassifiedWithAReason(t *testing.T) {
	t.Parallel()
	mp3 := audio(t)
	quick := change{fetch: func(o *archive.FetchOptions, _ string) {
		o.IdleTimeout, o.HeaderTimeout, o.MaxSize = 100*time.Millisecond, 200*time.Millisecond, 10<<20
	}}
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		want    archive.Kind
		code    call.Code
		says    string
	}{
		"404":               {status(404), archive.Missing, call.CodeNotFound, "answered 404 Not Found; it may still be preparing the file"},
		"425":               {status(425), archive.TooEarly, call.CodeTooEarly, "425 Too Early"},
		"410":               {status(410), archive.Gone, call.CodeGone, "answered 410 Gone"},
		"401":               {status(401), archive.Unauthorised, call.CodeLoginRequired, "401 Unauthorized"},
		"403":               {status(403), archive.BadAnswer, call.CodeUnexpectedAnswer, "403 Forbidden"},
		"500":               {status(500), archive.BadAnswer, call.CodeServerError, "500 Internal Server Error"},
		"204":               {status(204), archive.BadAnswer, call.CodeUnexpectedAnswer, "204 No Content"},
		"206":               {status(206), archive.BadAnswer, call.CodeUnexpectedAnswer, "206 Partial Content"},
		"empty":             {serve(nil), archive.NotAudio, call.CodeEmpty, "an empty file"},
		"html":              {serve([]byte("<html>soon</html>")), archive.NotAudio, call.CodeHTML, "a web page"},
		"json":              {serve([]byte(`{"error":1}`)), archive.NotAudio, call.CodeJSON, "a JSON message"},
		"gzip":              {serve(gzipped(t, mp3)), archive.NotAudio, call.CodeCompressed, "sent a compressed file instead of audio"},
		"cut":               {cut(mp3, true), archive.Cut, call.CodeCut, "broke off after 1152 of 2304 bytes"},
		"cut, no length":    {cut(mp3, false), archive.Cut, call.CodeCut, "broke off"},
		"cut at the source": {serve(mp3[:len(mp3)-50]), archive.Incomplete, call.CodeIncomplete, "ends before its end"},
		"damaged":           {serve(append(bytes.Clone(mp3), bytes.Repeat([]byte("bad "), 200)...)), archive.Damaged, call.CodeDamaged, "damaged"},
		"stalled":           {stall(mp3), archive.Timeout, call.CodeStalled, "stopped sending after 1152 bytes"},
		"never answers":     {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, archive.Timeout, call.CodeNoAnswer, "did not answer in time"},
		"too large":         {serve(make([]byte, 11<<20)), archive.TooLarge, call.CodeTooLarge, "limit of 10 MiB"},
		"too large, no length": {func(w http.ResponseWriter, _ *http.Request) {
			for range 12 {
				w.Write(make([]byte, 1<<20))
			}
		}, archive.TooLarge, call.CodeTooLarge, "limit of 10 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, c.handler, quick)
			row := r.handle(t, r.recording("/2026/02/28/a.mp3?signature=secret"), 0)
			if !strings.Contains(row.Reason(), c.says) || strings.Contains(row.Reason(), "secret") || strings.Contains(row.Reason(), "a.mp3") {
				t.Errorf("the reason is %q, want one with %q", row.Reason(), c.says)
			}
			if row.Code() != c.code || row.Failure.Host != r.origin.addr() {
				t.Errorf("the code is %s of %q, want %s", row.Code(), row.Failure.Host, c.code)
			}
			if got := r.catalogue.steps[0].Detail; got != string(c.want) {
				t.Errorf("classified as %s, want %s", got, c.want)
			}
			kept := c.want == archive.Damaged
			if row.Attempt != 1 || row.NextAttemptAt.IsZero() || (row.SHA256 != "") != kept || (row.Key != "") != kept {
				t.Errorf("row %+v", row)
			}
			if k := keys(t, r.bucket); (len(k) != 0) != kept {
				t.Errorf("stored: %v", k)
			}
		})
	}
}

func TestServersThatCannotBeReachedAreNotReady(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	l.Close()
	plain := newOrigin(t, serve(audio(t)))
	f, err := archive.NewFetcher(archive.FetchOptions{Hosts: hosts(t, nobody, plain.addr(), "name.invalid"), TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	for link, says := range map[string]string{
		"http://" + nobody + "/a.mp3":        "refused the connection",
		"https://name.invalid/a.mp3":         "name.invalid",
		"https://" + plain.addr() + "/a.mp3": "no connection",
	} {
		_, err := f.Fetch(t.Context(), "main", link)
		var fail *archive.Failure
		if !errors.As(err, &fail) || fail.Kind != archive.Unreachable || !strings.Contains(fail.Sentence(), says) || strings.Contains(fail.Sentence(), "a.mp3") {
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
		want  archive.Kind
	}{{0, ""}, {100 * time.Millisecond, archive.Timeout}} {
		r := newRig(t, drip, change{fetch: func(o *archive.FetchOptions, _ string) {
			o.IdleTimeout, o.TotalTimeout = 200*time.Millisecond, c.total
		}})
		body, err := r.Fetcher.Fetch(t.Context(), "main", r.origin.URL+"/a.mp3")
		var f *archive.Failure
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
	}, change{fetch: func(o *archive.FetchOptions, _ string) {
		o.IdleTimeout, o.TotalTimeout = 200*time.Millisecond, 5*time.Second
	}})
	body, err := r.Fetcher.Fetch(t.Context(), "main", r.origin.URL+"/a.mp3")
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
	_, err := r.Fetcher.Fetch(ctx, "main", r.origin.URL+"/a.mp3")
	var f *archive.Failure
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
	}, change{fetch: func(o *archive.FetchOptions, _ string) { o.TempDir, o.Memory = temp, 5<<20 }})
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
				b, err := r.Fetcher.Fetch(t.Context(), "main", r.origin.URL+path)
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
