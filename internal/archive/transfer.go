package archive

import (
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
}

func newTransfer(ctx context.Context, f *Fetcher, integration string, link *url.URL) *transfer {
	t := &transfer{f: f, integration: integration, link: link, whole: -1}
	t.ctx, t.cancel = context.WithCancelCause(ctx)
	t.watch = newWatch(f.o.TotalTimeout, func() { t.cancel(errTooSlow) })
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
		if resumed == t.f.o.Resumes || t.have() == before || t.validator == "" || t.ctx.Err() != nil {
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
	host := shown(resp.Request.URL)
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
	host := shown(resp.Request.URL)
	switch {
	case resp.StatusCode == http.StatusPartialContent && t.have() > 0 && t.follows(resp):
	case (resp.StatusCode == http.StatusPartialContent || resp.StatusCode == http.StatusRequestedRangeNotSatisfiable) && t.have() > 0:
		if err := t.w.restart(); err != nil {
			return err
		}
		return &breakOff{failure(call.Failure{Code: call.CodeWrongPart, Host: host})}
	case resp.StatusCode != http.StatusOK:
		return answerFailure(host, resp.StatusCode)
	default:
		if err := t.fresh(resp, host); err != nil {
			return err
		}
	}
	if t.whole > t.f.o.MaxSize {
		return tooLarge(host, t.f.o.MaxSize)
	}
	return nil
}

// follows reports whether an answer is the rest of what we have, as far as it
// says.
func (t *transfer) follows(resp *http.Response) bool {
	from, whole, ok := contentRange(resp.Header.Get("Content-Range"))
	if !ok || from != t.have() || t.whole >= 0 && whole >= 0 && whole != t.whole {
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
	if t.whole > t.f.o.MaxSize {
		return tooLarge(host, t.f.o.MaxSize)
	}
	if t.w == nil {
		t.w = &writer{f: t.f, hash: sha256.New(), body: &Body{}}
		t.w.reserve(t.whole)
	} else if err := t.w.restart(); err != nil {
		return err
	}
	t.w.body.Host, t.w.body.ContentType = host, resp.Header.Get("Content-Type")
	t.w.body.Unmeasured = t.whole < 0 && resp.ProtoMajor < 2 && len(resp.TransferEncoding) == 0
	return nil
}

// read takes an answer's body in.
func (t *transfer) read(ctx context.Context, cancel context.CancelCauseFunc, resp *http.Response, host string) error {
	still := newIdle(t.f.o.IdleTimeout, cancel)
	defer still.timer.Stop()
	buf := readBuffers.Get().(*[readSize]byte)
	defer readBuffers.Put(buf)
	for {
		next := t.w.space(buf[:])
		n, readErr := still.during(func() (int, error) { return resp.Body.Read(next) })
		if t.have()+int64(n) > t.f.o.MaxSize {
			return tooLarge(host, t.f.o.MaxSize)
		}
		if err := t.w.write(next[:n]); err != nil {
			return err
		}
		if readErr == io.EOF {
			return nil
		}
		if readErr != nil {
			return &breakOff{brokenOff(host, t.have(), t.whole, context.Cause(ctx))}
		}
		if t.f.throttle == nil || n == 0 {
			continue
		}
		if err := t.watch.aside(func() error { return t.f.throttle.wait(ctx, n) }); err != nil {
			return &breakOff{brokenOff(host, t.have(), t.whole, context.Cause(ctx))}
		}
	}
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
