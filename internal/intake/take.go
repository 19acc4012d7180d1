package intake

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"fonoteka/internal/spool"
)

const (
	keptOfTooLarge = 64 << 10 // bytes kept of a body over the limit
	maxHeaderText  = 1 << 10  // bytes kept of a header's value
	maxPooled      = 64 << 10 // larger buffers are left to the garbage collector
)

// TooLarge is the reason in Record.Truncated of a body over the limit.
const TooLarge = "too large"

// take keeps a notification.
func (h *Handler) take(w http.ResponseWriter, r *http.Request, integration int) {
	defer h.metrics.observe(time.Now())
	buf := h.borrow()
	body, more, err := h.read(r, *buf)
	// Append does not use the body after it has returned, so that the next request can
	// have the buffer.
	defer func() { h.giveBack(buf, body) }()
	switch {
	case err != nil:
		h.answer(w, brokenOff, http.StatusBadRequest, "the body broke off")
	case len(body) == 0:
		h.acknowledge(w, empty)
	case more:
		body = body[:min(len(body), keptOfTooLarge)]
		w.Header().Set("Connection", "close") // the rest is not worth reading
		h.keep(w, r, integration, body, TooLarge)
	default:
		h.keep(w, r, integration, body, "")
	}
}

// largeAtOnce bounds the memory for long bodies: 16 MiB by default. Further long bodies
// wait; short ones do not.
const largeAtOnce = 16

// read reads the body; more says that it is longer than the limit.
func (h *Handler) read(r *http.Request, buf []byte) (body []byte, more bool, err error) {
	limit := h.readLimit(r)
	body, more, err = readUpTo(buf[:0], r.Body, min(limit, keptOfTooLarge))
	if !more || err != nil || limit <= keptOfTooLarge {
		return body, more, err
	}
	select {
	case h.large <- struct{}{}:
	case <-r.Context().Done():
		return body, true, r.Context().Err()
	}
	defer func() { <-h.large }()
	return readUpTo(body, r.Body, limit)
}

// readLimit is how much of the body to read: where Content-Length is too large, only what
// will be kept.
func (h *Handler) readLimit(r *http.Request) int64 {
	if r.ContentLength > h.opts.MaxBody {
		return min(keptOfTooLarge, h.opts.MaxBody)
	}
	return h.opts.MaxBody
}

// keep appends the body and answers with the outcome. A client that disconnects now does
// not stop it: it might never send the notification again.
func (h *Handler) keep(w http.ResponseWriter, r *http.Request, integration int, body []byte, truncated string) {
	_, err := h.opts.Append(context.Background(), spool.Record{
		Integration:     h.opts.Integrations[integration].Name,
		ContentType:     clip(r.Header.Get("Content-Type")),
		ContentEncoding: clip(r.Header.Get("Content-Encoding")),
		Truncated:       truncated,
		Body:            body,
	})
	switch {
	case err != nil:
		h.refuse(w, err)
	case truncated != "":
		h.answer(w, tooLarge, http.StatusRequestEntityTooLarge, "the body is too large")
	default:
		h.metrics.kept(integration, len(body), h.opts.Now())
		h.acknowledge(w, kept)
	}
}

// acknowledge answers 200 with no body: this is the one answer whose cost matters.
func (h *Handler) acknowledge(w http.ResponseWriter, o outcome) {
	h.metrics.outcome[o].Inc()
	w.WriteHeader(http.StatusOK)
}

// refuse answers where the spool did not take the record. The spool itself
// logs why, once.
func (h *Handler) refuse(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, spool.ErrFull):
		w.Header().Set("Retry-After", "30")
		h.answer(w, full, http.StatusServiceUnavailable, "no space left, try again later")
	case errors.Is(err, spool.ErrClosed):
		w.Header().Set("Retry-After", "5")
		h.answer(w, stopping, http.StatusServiceUnavailable, "stopping, try again later")
	default:
		h.answer(w, failed, http.StatusInternalServerError, "not kept, try again later")
	}
}

// readUpTo appends to buf, which grows with the bytes that arrive, not with
// Content-Length. more says that it stopped because buf holds more than limit bytes.
func readUpTo(buf []byte, r io.Reader, limit int64) (body []byte, more bool, err error) {
	for int64(len(buf)) <= limit {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, int64(len(buf)) > limit, nil
		}
		if err != nil {
			return buf, false, err
		}
	}
	return buf, true, nil
}

func (h *Handler) borrow() *[]byte { return h.buffers.Get().(*[]byte) }

// giveBack returns a buffer with the memory that body has grown into.
func (h *Handler) giveBack(buf *[]byte, body []byte) {
	if cap(body) <= maxPooled {
		*buf = body[:0]
	}
	h.buffers.Put(buf)
}

func clip(value string) string { return value[:min(len(value), maxHeaderText)] }
