package intake_test

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"fonoteka/internal/intake"
	"fonoteka/internal/spool"
)

// FuzzRequest sends heads of requests as the server reads them. Only who knows the
// path gets anything kept, or an answer that an unknown path does not get.
func FuzzRequest(f *testing.F) {
	for _, head := range []string{
		"POST " + hook + "/events HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", "GET " + hook + "?code=a&state=b HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST //mtt//" + secret + " HTTP/1.1\r\nHost: x\r\n\r\n", "POST /mtt/../mtt/" + secret + "/events HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /%6dtt/" + secret + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST http://x" + hook + " HTTP/1.1\r\nHost: y\r\nContent-Encoding: gzip\r\nContent-Type: " + strings.Repeat("x", 2000) + "\r\nContent-Length: 1\r\n\r\n{",
		"CONNECT " + hook + " HTTP/1.1\r\nHost: x\r\n\r\n", "POST " + hook + "\x00 HTTP/1.1\r\n\r\n", "GET /events HTTP/1.0\r\n\r\n",
	} {
		f.Add([]byte(head))
	}
	kept := 0
	h, err := intake.New(intake.Options{
		Integrations: []intake.Integration{{Name: "main", Path: hook}},
		Append: func(_ context.Context, r spool.Record) (uint64, error) {
			kept++
			if len(r.ContentType) > 1<<10 || len(r.ContentEncoding) > 1<<10 || len(r.Body) == 0 || len(r.Body) > 1<<20 || r.Integration != "main" {
				f.Errorf("kept: %d bytes of type, %d of encoding, %d of body", len(r.ContentType), len(r.ContentEncoding), len(r.Body))
			}
			return 1, nil
		},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(string(sent))))
		if err != nil {
			return
		}
		path := r.URL.EscapedPath()
		ours := path == hook || path == hook+"/" || path == hook+"/events" || path == hook+"/events/" || path == hook+"//events" || path == hook+"//events/"
		before, rec := kept, httptest.NewRecorder()
		h.ServeHTTP(rec, r.WithContext(t.Context()))
		switch {
		case rec.Code == http.StatusInternalServerError:
			t.Errorf("%q panics", sent)
		case !ours && (kept != before || rec.Code != http.StatusNotFound):
			t.Errorf("%q is answered %d, kept %d", path, rec.Code, kept-before)
		case ours && rec.Code == http.StatusNotFound:
			t.Errorf("%q is not found", path)
		}
	})
}
