package archive_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
	"fonoteka/internal/fetch"
)

// Answers other than a plain 200 that hold the whole file all the same.
func TestAWholeFileInAnOddAnswerIsArchived(t *testing.T) {
	t.Parallel()
	mp3 := audio(t)
	n := len(mp3)
	whole := fmt.Sprintf("bytes 0-%d/%d", n-1, n)
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		proxied bool
	}{
		"206 of the whole":              {answer(206, mp3, "Content-Range", whole), false},
		"203":                           {answer(203, mp3), true},
		"gzip":                          {answer(200, gzipped(t, mp3), "Content-Encoding", "gzip"), false},
		"x-gzip":                        {answer(200, gzipped(t, mp3), "Content-Encoding", "X-GZIP"), false},
		"gzip in two parts":             {answer(200, append(gzipped(t, mp3[:1000]), gzipped(t, mp3[1000:])...), "Content-Encoding", "gzip"), false},
		"gzip of 203":                   {answer(203, gzipped(t, mp3), "Content-Encoding", "gzip"), true},
		"said to be gzip, and is not":   {answer(200, mp3, "Content-Encoding", "gzip"), false},
		"identity":                      {answer(200, mp3, "Content-Encoding", "identity"), false},
		"gzip with a length of its own": {answer(200, gzipped(t, mp3), "Content-Encoding", "gzip", "ETag", `"a"`, "Accept-Ranges", "bytes"), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, c.handler)
			row := r.handle(t, r.recording("/2026/02/28/a.mp3"), 0)
			if row.State != call.Archived || row.SHA256 != digest(mp3) || row.Size != int64(n) || !bytes.Equal(read(t, r.bucket, row.Key), mp3) {
				t.Fatalf("row %s, %d bytes: %s", row.State, row.Size, row.Reason())
			}
			said := strings.Contains(row.Reason(), "changed by a proxy") && row.Code() == call.CodeProxied
			if row.Proxied != c.proxied || said != c.proxied || row.Unmeasured {
				t.Errorf("row %+v, reason %q", row, row.Reason())
			}
			noted := false
			for _, s := range r.catalogue.steps {
				noted = noted || strings.Contains(s.Detail, "changed by a proxy")
			}
			if noted != c.proxied {
				t.Errorf("custody %+v", r.catalogue.steps)
			}
			side, err := bucket.ReadSidecar(bytes.NewReader(read(t, r.bucket, bucket.SidecarKey(row.Key))))
			if err != nil || side.Row(row.Bucket).Proxied != c.proxied {
				t.Errorf("sidecar %+v, %v", side, err)
			}
		})
	}
}

// Answers that do not hold the whole file, or do not say that they do.
func TestAnOddAnswerThatIsNotWholeIsNotArchived(t *testing.T) {
	t.Parallel()
	mp3 := audio(t)
	n := len(mp3)
	z := gzipped(t, mp3)
	spoiled := bytes.Clone(z)
	spoiled[len(spoiled)-6]++ // of the checksum
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		code    call.Code
	}{
		"206 without a range":     {answer(206, mp3), call.CodeUnexpectedAnswer},
		"206 of a beginning":      {answer(206, mp3[:n/2], "Content-Range", fmt.Sprintf("bytes 0-%d/%d", n/2-1, n)), call.CodeUnexpectedAnswer},
		"206 of an end":           {answer(206, mp3[n/2:], "Content-Range", fmt.Sprintf("bytes %d-%d/%d", n/2, n-1, n)), call.CodeUnexpectedAnswer},
		"206 of a length unknown": {answer(206, mp3, "Content-Range", fmt.Sprintf("bytes 0-%d/*", n-1)), call.CodeUnexpectedAnswer},
		"206 with more than said": {answer(206, mp3, "Content-Range", fmt.Sprintf("bytes 0-%d/%d", n-2, n-1)), call.CodeUnexpectedAnswer},
		"gzip, cut within itself": {answer(200, z[:len(z)-20], "Content-Encoding", "gzip"), call.CodeCut},
		"gzip, cut on its way":    {cutEncoded(z), call.CodeCut},
		"gzip with a wrong sum":   {answer(200, spoiled, "Content-Encoding", "gzip"), call.CodeCompressed},
		"gzip and something else": {answer(200, append(bytes.Clone(z), "and something else"...), "Content-Encoding", "gzip"), call.CodeCompressed},
		"gzip of a web page":      {answer(200, gzipped(t, []byte("<html>")), "Content-Encoding", "gzip"), call.CodeHTML},
		"gzip of too much":        {answer(200, gzipped(t, make([]byte, 11<<20)), "Content-Encoding", "gzip"), call.CodeTooLarge},
		"a gzip file":             {answer(200, z), call.CodeCompressed},
		"an unknown encoding":     {answer(200, z, "Content-Encoding", "br"), call.CodeCompressed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, c.handler, change{fetch: func(o *fetch.Options, _ string) { o.MaxSize = 10 << 20 }})
			row := r.handle(t, r.recording("/2026/02/28/a.mp3"), 0)
			if row.State == call.Archived || row.Code() != c.code || len(keys(t, r.bucket)) > 0 {
				t.Errorf("row %s, code %s: %s", row.State, row.Code(), row.Reason())
			}
			if c.code == call.CodeCut && strings.Contains(name, "way") && row.Failure.WantBytes != int64(len(z)) {
				t.Errorf("%d of %d bytes", row.Failure.GotBytes, row.Failure.WantBytes)
			}
		})
	}
}

// cutEncoded announces a gzip answer, lets part of it go out, and hangs up.
func cutEncoded(z []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Range") != "" {
			w.WriteHeader(http.StatusTeapot) // nothing of an encoded file is taken up again
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("ETag", `"a"`)
		w.Header().Set("Content-Length", strconv.Itoa(len(z)))
		_, _ = w.Write(z[:len(z)-30])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

// Links that are not spelled as they should be are read as they are meant.
func TestOddLinksAreFetched(t *testing.T) {
	t.Parallel()
	mp3 := audio(t)
	for link, path := range map[string]string{
		"http://HOST/2026/02/28/100%.mp3":       "/2026/02/28/100%.mp3",
		"http://HOST/2026/02/28/50%25/a%zz.mp3": "/2026/02/28/50%/a%zz.mp3",
		"http://HOST/2026/02/28/a.mp3?q=100%":   "/2026/02/28/a.mp3",
		"//HOST/2026/02/28/a.mp3":               "/2026/02/28/a.mp3",
		"//HOST/2026/02/28/100%.mp3":            "/2026/02/28/100%.mp3",
	} {
		t.Run(link, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != path {
					w.WriteHeader(http.StatusNotFound)
					return
				}
				serve(mp3)(w, r)
			})
			row := r.handle(t, recording(strings.ReplaceAll(link, "HOST", r.origin.Addr()), *r.now.Load()), 0)
			if row.State != call.Archived || !strings.Contains(row.Key, "/2026/02/28/") {
				t.Errorf("%s %s: %s", row.State, row.Key, row.Reason())
			}
		})
	}
}

// What a link is refused for is true, and says what would allow it.
func TestRefusalsOfOddLinksSayWhatWouldAllowThem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		link string
		code call.Code
		says []string
	}{
		{"https://mtt.ru:8443/a.mp3", call.CodeRefusedPort, []string{"mtt.ru:8443", "port", "--record-hosts"}},
		{"http://records.mtt.ru:8080/a.mp3", call.CodeRefusedPort, []string{"records.mtt.ru:8080", "--record-hosts"}},
		{"//mtt.ru:8443/a.mp3", call.CodeRefusedPort, []string{"mtt.ru:8443"}},
		{"//evil.example/a.mp3", call.CodeRefusedHost, []string{"evil.example"}},
		{"//10.0.0.1/a.mp3", call.CodeRefusedAddress, []string{"10.0.0.1"}},
		{"http://evil.example/100%.mp3", call.CodeRefusedHost, []string{"evil.example"}},
		{"http://evil.example:8080/a.mp3", call.CodeRefusedHost, []string{"evil.example"}},
		{"ftp://mtt.ru/a.mp3", call.CodeNotHTTPS, []string{"mtt.ru"}},
	} {
		r := newRig(t, serve(audio(t)), change{fetch: func(o *fetch.Options, _ string) { o.Hosts = hosts(t) }})
		row := r.handle(t, recording(c.link, *r.now.Load()), 0)
		if row.State != call.Refused || row.Code() != c.code {
			t.Errorf("%s: %s %s: %s", c.link, row.State, row.Code(), row.Reason())
		}
		for _, w := range c.says {
			if !strings.Contains(row.Reason(), w) {
				t.Errorf("%s: %q is not in %q", c.link, w, row.Reason())
			}
		}
	}
}
