package archive_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/archive"
	"fonoteka/internal/call"
	"fonoteka/internal/fetch"
)

func TestEveryFailureIsClassifiedWithAReason(t *testing.T) {
	t.Parallel()
	mp3 := audio(t)
	quick := change{fetch: func(o *fetch.Options, _ string) {
		o.IdleTimeout, o.HeaderTimeout, o.MaxSize = 100*time.Millisecond, 200*time.Millisecond, 10<<20
	}}
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		want    fetch.Kind
		code    call.Code
		says    string
	}{
		"404":               {status(404), fetch.Missing, call.CodeNotFound, "answered 404 Not Found; it may still be preparing the file"},
		"425":               {status(425), fetch.TooEarly, call.CodeTooEarly, "425 Too Early"},
		"410":               {status(410), fetch.Gone, call.CodeGone, "answered 410 Gone"},
		"401":               {status(401), fetch.Unauthorised, call.CodeLoginRequired, "401 Unauthorized"},
		"403":               {status(403), fetch.BadAnswer, call.CodeUnexpectedAnswer, "403 Forbidden"},
		"500":               {status(500), fetch.BadAnswer, call.CodeServerError, "500 Internal Server Error"},
		"204":               {status(204), fetch.BadAnswer, call.CodeUnexpectedAnswer, "204 No Content"},
		"206":               {status(206), fetch.BadAnswer, call.CodeUnexpectedAnswer, "206 Partial Content"},
		"empty":             {serve(nil), fetch.NotAudio, call.CodeEmpty, "an empty file"},
		"html":              {serve([]byte("<html>soon</html>")), fetch.NotAudio, call.CodeHTML, "a web page"},
		"json":              {serve([]byte(`{"error":1}`)), fetch.NotAudio, call.CodeJSON, "a JSON message"},
		"gzip":              {serve(gzipped(t, mp3)), fetch.NotAudio, call.CodeCompressed, "sent a compressed file instead of audio"},
		"cut":               {cut(mp3, true), fetch.Cut, call.CodeCut, "broke off after 1152 of 2304 bytes"},
		"cut, no length":    {cut(mp3, false), fetch.Cut, call.CodeCut, "broke off"},
		"cut at the source": {serve(mp3[:len(mp3)-50]), archive.Incomplete, call.CodeIncomplete, "ends before its end"},
		"damaged":           {serve(append(bytes.Clone(mp3), bytes.Repeat([]byte("bad "), 200)...)), archive.Damaged, call.CodeDamaged, "damaged"},
		"stalled":           {stall(mp3), fetch.Timeout, call.CodeStalled, "stopped sending after 1152 bytes"},
		"never answers":     {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, fetch.Timeout, call.CodeNoAnswer, "did not answer in time"},
		"too large":         {serve(make([]byte, 11<<20)), fetch.TooLarge, call.CodeTooLarge, "limit of 10 MiB"},
		"too large, no length": {func(w http.ResponseWriter, _ *http.Request) {
			for range 12 {
				w.Write(make([]byte, 1<<20))
			}
		}, fetch.TooLarge, call.CodeTooLarge, "limit of 10 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, c.handler, quick)
			row := r.handle(t, r.recording("/2026/02/28/a.mp3?signature=secret"), 0)
			if !strings.Contains(row.Reason(), c.says) || strings.Contains(row.Reason(), "secret") || strings.Contains(row.Reason(), "a.mp3") {
				t.Errorf("the reason is %q, want one with %q", row.Reason(), c.says)
			}
			if row.Code() != c.code || row.Failure.Host != r.origin.Addr() {
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
