package fetch

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"fonoteka/internal/bounded"
	"fonoteka/internal/call"
)

// transfer is one download, over as many requests as it takes.
type transfer struct {
	f           *Fetcher
	integration string
	link        *url.URL
	ctx         context.Context // ends with the caller's, and when the whole takes too long
	cancel      context.CancelCauseFunc
	watch       *watch

	w         *writer
	whole     int64  // the file's length; -1: not known
	validator string // proves that the file is the same one: an ETag or a date; "": nothing does
	bearer    bearer
	scheme    string // of the link as it came; "": none
	mismatch  bool   // the last request met plain http where https was spoken
}

func newTransfer(ctx context.Context, f *Fetcher, integration string, link *url.URL) *transfer {
	t := &transfer{f: f, integration: integration, link: link, whole: -1}
	t.ctx, t.cancel = context.WithCancelCause(ctx)
	t.watch = newWatch(f.opts.TotalTimeout, func() { t.cancel(errTooSlow) })
	return t
}

func (t *transfer) close() {
	t.watch.stop()
	t.cancel(nil)
	if t.w != nil {
		t.w.body.Close()
	}
}

// run asks until the file is whole. The first request's failure is final here;
// a break after it is mended, as long as each request brings something.
func (t *transfer) run() (*Body, error) {
	for resumed := 0; ; resumed++ {
		before := t.have()
		err := t.once()
		if err == nil {
			body := t.w.body
			body.Resumed = resumed
			body.SHA256 = hex.EncodeToString(t.w.hash.Sum(nil))
			t.w = nil
			return body, nil
		}
		broke, ok := errors.AsType[*breakOff](err)
		if !ok {
			return nil, err
		}
		if resumed == t.f.opts.Resumes || t.have() == before || t.validator == "" || t.ctx.Err() != nil {
			return nil, broke.Failure
		}
	}
}

func (t *transfer) have() int64 {
	if t.w == nil {
		return 0
	}
	return t.w.body.Size
}

// breakOff is a transfer's end before its end.
type breakOff struct{ *Failure }

// once does one request and reads its answer.
func (t *transfer) once() error {
	ctx, cancel := context.WithCancelCause(t.ctx)
	defer cancel(nil)
	resp, err := t.ask(ctx)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := t.begin(resp); err != nil {
		return err
	}
	host := displayHost(resp.Request.URL)
	err = t.read(ctx, cancel, resp, host)
	switch {
	case err != nil || t.whole < 0:
	case t.have() < t.whole:
		err = &breakOff{brokenOff(host, t.have(), t.whole, nil)}
	case t.have() > t.whole: // a part that goes beyond the end it named
		err = failure(call.Failure{Code: call.CodeOverlong, Host: host, GotBytes: t.have(), WantBytes: t.whole})
	}
	return err
}

// begin prepares for an answer: the rest of the file, or the file from its
// first byte.
func (t *transfer) begin(resp *http.Response) error {
	host := displayHost(resp.Request.URL)
	switch {
	case resp.StatusCode == http.StatusPartialContent && t.have() > 0 && t.follows(resp):
	case isWhole(resp):
		if err := t.fresh(resp, host); err != nil {
			return err
		}
	case (resp.StatusCode == http.StatusPartialContent || resp.StatusCode == http.StatusRequestedRangeNotSatisfiable) && t.have() > 0:
		if err := t.w.restart(); err != nil {
			return err
		}
		return &breakOff{failure(call.Failure{Code: call.CodeWrongPart, Host: host})}
	default:
		return answerFailure(host, resp.StatusCode)
	}
	if t.whole > t.f.opts.MaxSize {
		return tooLarge(host, t.f.opts.MaxSize)
	}
	return nil
}

// isWhole reports whether an answer is a file from its first byte to its last: also
// the answer of a proxy that has changed it (203), and a part that says that it is all.
func isWhole(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusOK, http.StatusNonAuthoritativeInfo:
		return true
	case http.StatusPartialContent:
		span, ok := strings.CutPrefix(resp.Header.Get("Content-Range"), "bytes 0-")
		last, whole, ok2 := strings.Cut(span, "/")
		n, err := strconv.ParseInt(whole, 10, 64)
		return ok && ok2 && err == nil && n > 0 && last == strconv.FormatInt(n-1, 10) && (resp.ContentLength < 0 || resp.ContentLength == n)
	}
	return false
}

// encoding is the content encoding of an answer that has one in spite of ours: "" for none.
func encoding(resp *http.Response) string {
	var all []string
	for _, name := range strings.Split(strings.ToLower(strings.Join(resp.Header.Values("Content-Encoding"), ",")), ",") {
		if name = strings.TrimSpace(name); name != "" && name != "identity" {
			all = append(all, name)
		}
	}
	return strings.Join(all, ",")
}

// follows reports whether an answer is the rest of what we have, as far as it
// says.
func (t *transfer) follows(resp *http.Response) bool {
	from, whole, ok := contentRange(resp.Header.Get("Content-Range"))
	if !ok || encoding(resp) != "" || from != t.have() || t.whole >= 0 && whole >= 0 && whole != t.whole {
		return false
	}
	if tag := resp.Header.Get("ETag"); tag != "" && strings.HasPrefix(t.validator, `"`) && tag != t.validator {
		return false
	}
	t.whole = max(t.whole, whole)
	return true
}

// fresh begins at the first byte: of the first answer, or of one that does not
// go on from what we have.
func (t *transfer) fresh(resp *http.Response, host string) error {
	t.whole, t.validator = resp.ContentLength, validator(resp.Header)
	if t.whole > t.f.opts.MaxSize {
		return tooLarge(host, t.f.opts.MaxSize)
	}
	if t.w == nil {
		t.w = &writer{f: t.f, hash: sha256.New(), body: &Body{}}
		t.w.reserve(t.whole)
	} else if err := t.w.restart(); err != nil {
		return err
	}
	t.w.body.Host, t.w.body.ContentType = host, resp.Header.Get("Content-Type")
	t.w.body.Proxied = resp.StatusCode == http.StatusNonAuthoritativeInfo
	t.w.body.Unmeasured = t.whole < 0 && resp.ProtoMajor < 2 && len(resp.TransferEncoding) == 0
	return nil
}

// read takes an answer's body in.
func (t *transfer) read(ctx context.Context, cancel context.CancelCauseFunc, resp *http.Response, host string) error {
	timer := newIdleTimer(t.f.opts.IdleTimeout, cancel)
	defer timer.timer.Stop()
	w := &wire{idle: timer, body: resp.Body}
	var from io.Reader = w
	length := t.whole
	if encoding(resp) != "" {
		var err error
		if from, err = t.decoded(w, resp); err != nil {
			return t.broke(ctx, w, host, length, err)
		}
	}
	buf := readBuffers.Get().(*[readSize]byte)
	defer readBuffers.Put(buf)
	for {
		next := t.w.space(buf[:])
		n, readErr := from.Read(next)
		if t.have()+int64(n) > t.f.opts.MaxSize {
			return tooLarge(host, t.f.opts.MaxSize)
		}
		if err := t.w.write(next[:n]); err != nil {
			return err
		}
		if readErr == io.EOF {
			return nil
		}
		if readErr != nil {
			return t.broke(ctx, w, host, length, readErr)
		}
		if t.f.throttle == nil || n == 0 {
			continue
		}
		if err := t.watch.paused(func() error { return t.f.throttle.wait(ctx, n) }); err != nil {
			return &breakOff{brokenOff(host, t.have(), t.whole, context.Cause(ctx))}
		}
	}
}

// wire is a body as it comes, each read under the limit.
type wire struct {
	idle idleTimer
	body io.Reader
	n    int64 // bytes that came
	err  error // that ended it
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.idle.during(func() (int, error) { return w.body.Read(p) })
	w.n += int64(n)
	if err != nil {
		w.err = err
	}
	return n, err
}

// decoded undoes gzip, which was not asked for, piece by piece. What is measured is the
// body as it comes: how long it becomes nobody has said, and it is not taken up again
// where it breaks off.
func (t *transfer) decoded(w *wire, resp *http.Response) (io.Reader, error) {
	head := bufio.NewReaderSize(w, 4<<10)
	switch magic, err := head.Peek(2); {
	case err != nil && err != io.EOF:
		return nil, err
	case string(magic) != "\x1f\x8b": // a server that says so of everything
		return head, nil
	case encoding(resp) != "gzip" && encoding(resp) != "x-gzip":
		return nil, errEncoded
	}
	t.whole, t.validator = -1, ""
	t.w.body.Unmeasured = false // gzip has an end of its own, with length and sum
	return bounded.Gunzip(head)
}

var errEncoded = errors.New("in an encoding that is not understood")

// broke says what ended a body before its end: the way, or, of one that is encoded, what
// it is made of.
func (t *transfer) broke(ctx context.Context, w *wire, host string, length int64, err error) error {
	if w.err != nil && !errors.Is(w.err, io.EOF) {
		if t.whole >= 0 || length < 0 {
			return &breakOff{brokenOff(host, t.have(), t.whole, context.Cause(ctx))}
		}
		return &breakOff{brokenOff(host, w.n, length, context.Cause(ctx))}
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		if w.n >= length { // came whole, but was cut before
			length = -1
		}
		return &breakOff{brokenOff(host, w.n, length, nil)}
	}
	return failure(call.Failure{Code: call.CodeCompressed, Host: host, GotBytes: w.n})
}

// validator is what If-Range may compare by: a strong ETag, or else a date that
// is strong because the file was a second old at least when it was sent (RFC
// 9110, 8.8.2.2).
func validator(h http.Header) string {
	if strings.EqualFold(h.Get("Accept-Ranges"), "none") {
		return ""
	}
	if tag := h.Get("ETag"); tag != "" {
		if strings.HasPrefix(tag, `"`) {
			return tag
		}
		return ""
	}
	modified, err := http.ParseTime(h.Get("Last-Modified"))
	sent, err2 := http.ParseTime(h.Get("Date"))
	if err != nil || err2 != nil || sent.Sub(modified) < time.Second {
		return ""
	}
	return h.Get("Last-Modified")
}

// contentRange reads "bytes 5-9/10"; whole is -1 for "*".
func contentRange(s string) (from, whole int64, ok bool) {
	span, total, ok1 := strings.Cut(strings.TrimPrefix(s, "bytes "), "/")
	first, _, ok2 := strings.Cut(span, "-")
	from, err := strconv.ParseInt(first, 10, 64)
	if !ok1 || !ok2 || err != nil || from < 0 {
		return 0, 0, false
	}
	if total == "*" {
		return from, -1, true
	}
	whole, err = strconv.ParseInt(total, 10, 64)
	return from, whole, err == nil && whole >= 0
}

// rangeFrom asks for the rest of a file.
func (t *transfer) rangeFrom(req *http.Request) {
	if n := t.have(); n > 0 && t.validator != "" {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", n))
		req.Header.Set("If-Range", t.validator)
	}
}
