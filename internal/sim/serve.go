package sim

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// serveRecord answers a GET or HEAD of a recording. Only GETs count as tries.
func (s *Sim) serveRecord(w http.ResponseWriter, req *http.Request) {
	s.mu.Lock()
	rec := s.files[req.URL.Path]
	s.mu.Unlock()
	if rec == nil || !rec.announced.Load() {
		s.count.notThere.Add(1)
		http.NotFound(w, req)
		return
	}
	fault := ""
	if req.Method == http.MethodGet {
		if n := int(rec.tries.Add(1)); n <= len(rec.faults) {
			fault = rec.faults[n-1]
			s.count.faults.Add(1)
		}
	}
	switch fault {
	case "404":
		http.NotFound(w, req)
	case "5xx":
		status := []int{http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusInternalServerError}[rec.tries.Load()%3]
		http.Error(w, http.StatusText(status), status)
	case "html":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte("<!DOCTYPE html><html><body><h1>Запись готовится</h1></body></html>\n"))
	default:
		s.send(w, req, rec, fault)
	}
}

// send serves the bytes, cut or stalled if the fault says so.
func (s *Sim) send(w http.ResponseWriter, req *http.Request, rec *Recording, fault string) {
	b := rec.Bytes()
	w.Header().Set("Content-Type", "audio/mpeg")
	w.Header().Set("ETag", rec.etag(len(b)))
	out := &bodyWriter{ResponseWriter: w, total: int64(len(b)), border: int64(frameBytes(rec.layout.rate))}
	if rec.layout.seed%2 == 0 {
		out.ragged = 13
	}
	switch fault {
	case "cut":
		out.atHalf = func() { panic(http.ErrAbortHandler) }
	case "stall":
		out.atHalf = func() {
			t := time.NewTimer(s.opts.StallFor)
			defer t.Stop()
			select {
			case <-t.C:
			case <-req.Context().Done():
			}
		}
	}
	http.ServeContent(out, req, "", rec.modified, bytes.NewReader(b))
	if req.Method == http.MethodGet && out.last() && !rec.fetched.Swap(true) {
		s.count.fetched.Add(1)
	}
}

// bodyWriter counts the body and lets something happen in its middle: for about
// half of the files on a frame's border, where the bytes alone do not show a cut.
type bodyWriter struct {
	http.ResponseWriter
	atHalf  func()
	border  int64 // half is a multiple of it …
	ragged  int64 // … and so many bytes more
	total   int64 // the whole file
	half    int64 // bytes to send before atHalf
	status  int
	length  int64
	written int64
}

func (w *bodyWriter) WriteHeader(status int) {
	w.status = status
	w.length, _ = strconv.ParseInt(w.Header().Get("Content-Length"), 10, 64)
	w.half = w.length / 2
	w.half = min(w.half-w.half%w.border+w.ragged, w.length)
	w.ResponseWriter.WriteHeader(status)
}

func (w *bodyWriter) Write(b []byte) (int, error) {
	if w.atHalf == nil || w.written+int64(len(b)) <= w.half {
		return w.pass(b)
	}
	first, err := w.pass(b[:w.half-w.written])
	if err != nil {
		return first, err
	}
	if f, ok := w.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
	w.atHalf()
	w.atHalf = nil
	rest, err := w.pass(b[first:])
	return first + rest, err
}

func (w *bodyWriter) pass(b []byte) (int, error) {
	n, err := w.ResponseWriter.Write(b)
	w.written += int64(n)
	return n, err
}

// last says whether the body went out up to the last byte of the file.
func (w *bodyWriter) last() bool {
	if w.written != w.length {
		return false
	}
	if w.status == http.StatusOK {
		return w.length == w.total
	}
	var from, to, of int64
	n, _ := fmt.Sscanf(w.Header().Get("Content-Range"), "bytes %d-%d/%d", &from, &to, &of)
	return w.status == http.StatusPartialContent && n == 3 && to == of-1
}
