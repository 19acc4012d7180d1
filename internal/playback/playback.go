// Package playback answers GET /recordings/ID: the link that dashboards, CRMs
// and people keep of a recording.
//
// Contract. The link names the recording's id and nothing else: no number, no
// date, no place in the store, so that it holds for as long as the recording is
// kept, wherever it is moved, and tells nothing to who reads it in a log. Bucket
// and key come from the catalogue's row, which of several files names the longest. An
// archived recording is served as the media type of its format, in ranges where the
// client asks for them, and only if the store has the digest that the row has; for any
// other the answer is a page that says why it is not there and what happens next. Every
// answer is counted.
//
// What is known to be altered is not served. Of what is sent from the beginning to the
// end, the last 32 KiB leave only if the bytes read have the digest: else the connection is
// reset, so that no client takes them for the recording, and Options.Suspect is told. A
// part cannot be checked so, and bears no digest of the whole (Repr-Digest).
//
// No byte of a recording is served to anybody before Options.Note has returned
// nil, at most ten minutes ago, for the same name and recording. What needs no
// byte, as HEAD or a copy that is still good (304), is not noted.
//
// Recordings are voices, which are personal data: whoever asks must give the
// installation's password (HTTP Basic, which every browser can ask for). The
// name that comes with it is for Note alone and proves nothing. A session with
// users and rights is another program's task, in front of this one.
//
// http.ServeContent does ranges and conditions; a redirect to the store with a
// signed URL was rejected, since such a URL lets in whoever sees it, and the
// store is often not reachable from where people listen. Only the standard
// library is used.
package playback

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"fonoteka/internal/audio"
	"fonoteka/internal/blob"
	"fonoteka/internal/call"
	"fonoteka/internal/printable"
	"fonoteka/internal/run"
)

// Store is one bucket.
type Store interface {
	Stat(ctx context.Context, key string) (blob.Object, error)
	GetRange(ctx context.Context, key string, offset, length int64) (io.ReadCloser, blob.Object, error)
}

// Options of a Handler. All but Note, Suspect, Judge, Log and Registerer are required.
type Options struct {
	// Find reads a recording's row of the catalogue by its id alone.
	Find func(ctx context.Context, id string) (call.RecordingStatus, bool, error)
	// Store gives the bucket of a row.
	Store func(bucket string) Store
	// Password lets listen.
	Password string
	// Note keeps who listens to which recording, before it is served; an error
	// keeps it from being served. It may be told twice.
	Note func(ctx context.Context, who string, r call.RecordingStatus) error
	// Suspect is told of a recording whose stored bytes are not what was archived. It
	// returns at once, and may be told many times.
	Suspect func(r call.RecordingStatus)
	// Judge is told of each password, and whether it is right and the name one that can be
	// noted. It may take its time before the answer; an error keeps any from being given but
	// that too many wrong passwords came.
	Judge func(r *http.Request, right bool) error

	Log        *slog.Logger
	Registerer prometheus.Registerer
}

// Handler serves recordings by their ids: GET and HEAD with the path value "id".
type Handler struct {
	opts     Options
	password [sha256.Size]byte
	answers  *prometheus.CounterVec
	noted    recentNotes
}

// The answers, as they are counted.
const (
	served       = "served"       // or a part of it, or its headers
	broken       = "broken"       // the store failed after the first byte
	unauthorised = "unauthorised" // no password, or a wrong one
	tooMany      = "too_many"     // so many wrong passwords came that this one was not looked at
	unknown      = "unknown"      // no such recording
	absent       = "absent"       // known, and not archived
	differs      = "differs"      // the store does not have what was archived
	altered      = "altered"      // nor has it, as was seen when all but the end had been sent
	failed       = "failed"       // catalogue, store or Note do not answer
)

// New makes a Handler.
func New(o Options) (*Handler, error) {
	if o.Find == nil || o.Store == nil || o.Password == "" {
		return nil, errors.New("playback: find, store and password are required")
	}
	if o.Note == nil {
		o.Note = func(context.Context, string, call.RecordingStatus) error { return nil }
	}
	if o.Suspect == nil {
		o.Suspect = func(call.RecordingStatus) {}
	}
	if o.Judge == nil {
		o.Judge = func(*http.Request, bool) error { return nil }
	}
	o.Log = run.Log(o.Log)
	h := &Handler{opts: o, password: sha256.Sum256([]byte(o.Password)), answers: promauto.With(o.Registerer).NewCounterVec(prometheus.CounterOpts{
		Name: "fonoteka_playback_requests_total", Help: "Requests to listen to a recording, by the answer.",
	}, []string{"answer"})}
	for _, a := range []string{served, broken, unauthorised, tooMany, unknown, absent, differs, altered, failed} {
		h.answers.WithLabelValues(a)
	}
	return h, nil
}

// recordingID is the form of ids; what looks otherwise is not asked for.
var recordingID = regexp.MustCompile(`^[0-9a-f]{32}$`)

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Voices stay neither in shared caches nor in the browser's.
	w.Header().Set("Cache-Control", "private, no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Referrer-Policy", "no-referrer")
	answer := h.answer(w, r)
	h.answers.WithLabelValues(answer).Inc()
	if answer == broken || answer == altered {
		panic(http.ErrAbortHandler) // resets the connection: the client knows that it has not got all
	}
}

func (h *Handler) answer(w http.ResponseWriter, r *http.Request) string {
	who, ok := h.authorised(r)
	if r.Header.Get("Authorization") != "" { // a browser asks without it first
		if err := h.opts.Judge(r, ok); err != nil {
			w.Header().Set("Retry-After", "60")
			page(w, r, http.StatusTooManyRequests, tooManyPasswords)
			return tooMany
		}
	}
	if !ok {
		w.Header().Set("WWW-Authenticate", `Basic realm="Fonoteka", charset="UTF-8"`)
		page(w, r, http.StatusUnauthorized, needsPassword)
		return unauthorised
	}
	id := r.PathValue("id")
	if !recordingID.MatchString(id) {
		page(w, r, http.StatusNotFound, noSuchRecording)
		return unknown
	}
	rec, known, err := h.opts.Find(r.Context(), id)
	switch {
	case err != nil:
		return h.unavailable(w, r, "find a recording to listen to", id, err)
	case !known:
		page(w, r, http.StatusNotFound, noSuchRecording)
		return unknown
	case rec.State != call.Archived:
		page(w, r, statusOf(rec), whyAbsent(rec))
		return absent
	case rec.Fault.Part == call.RecordingPart && rec.Fault.Kind != "":
		page(w, r, http.StatusNotFound, faulty(rec))
		return differs
	}
	return h.serve(w, r, who, rec)
}

// authorised compares digests, so that the time taken tells nothing. A name that
// could forge a line of the audit where it is shown is refused.
func (h *Handler) authorised(r *http.Request) (who string, ok bool) {
	who, password, ok := r.BasicAuth()
	given := sha256.Sum256([]byte(password))
	return who, ok && printable.Check(who) == nil && subtle.ConstantTimeCompare(given[:], h.password[:]) == 1
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request, who string, rec call.RecordingStatus) string {
	store := h.opts.Store(rec.Bucket)
	object, err := store.Stat(r.Context(), rec.Key)
	switch {
	case errors.Is(err, blob.ErrNotFound), err == nil && !same(object, rec):
		h.opts.Log.ErrorContext(r.Context(), "a recording to listen to is not what was archived", "recording", rec.ID, "absent", err != nil)
		h.opts.Suspect(rec)
		page(w, r, http.StatusNotFound, notAsArchived)
		return differs
	case err != nil:
		return h.unavailable(w, r, "open a recording to listen to", rec.ID, err)
	}
	content := &content{ctx: r.Context(), store: store, key: rec.Key, size: object.Size, sha256: rec.SHA256}
	defer content.Close()
	before := w.Header().Clone()
	format := audio.Format(rec.Format)
	w.Header().Set("Content-Type", format.ContentType())
	w.Header().Set("Content-Disposition", `inline; filename="`+rec.ID+format.Ext()+`"`)
	w.Header().Set("ETag", `"`+rec.SHA256+`"`)
	if digest, err := hex.DecodeString(rec.SHA256); err == nil {
		w.Header().Set("Repr-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(digest)+":")
	}
	out := &notingWriter{ResponseWriter: w, note: func() error { return h.noteOnce(r, who, rec) }}
	http.ServeContent(out, fewRanges(r), "", time.Time{}, content)
	restoreHeader := func() { // while nothing is sent
		clear(w.Header())
		maps.Copy(w.Header(), before)
	}
	switch {
	case out.err != nil:
		restoreHeader()
		return h.unavailable(w, r, "note who listens", rec.ID, out.err)
	case errors.Is(content.err, blob.ErrAltered):
		h.opts.Log.ErrorContext(r.Context(), "a recording that was listened to is not what was archived", "recording", rec.ID, "err", content.err)
		h.opts.Suspect(rec)
		if out.sent {
			return altered
		}
		restoreHeader()
		page(w, r, http.StatusNotFound, notAsArchived)
		return differs
	case content.err != nil && r.Context().Err() != nil: // who listened has gone
		return served
	case content.err != nil && !out.sent:
		restoreHeader()
		return h.unavailable(w, r, "read a recording to listen to", rec.ID, content.err)
	case content.err != nil:
		h.opts.Log.WarnContext(r.Context(), "a recording broke off while it was listened to", "recording", rec.ID, "err", content.err)
		return broken
	}
	out.finish()
	return served
}

// maxRanges is how many parts of a recording one request may name. Players name one; each
// further one costs the store a request.
const maxRanges = 8

// fewRanges is the request, without a Range of more than maxRanges parts: it is then
// answered with the whole, as RFC 9110 (14.2) allows.
func fewRanges(r *http.Request) *http.Request {
	if strings.Count(r.Header.Get("Range"), ",") < maxRanges {
		return r
	}
	r = r.Clone(r.Context())
	r.Header.Del("Range")
	return r
}

func (h *Handler) noteOnce(r *http.Request, who string, rec call.RecordingStatus) error {
	key := noteKey(who, rec.ID)
	if r.Method == http.MethodHead || h.noted.has(key) {
		return nil
	}
	if err := h.opts.Note(r.Context(), who, rec); err != nil {
		return err
	}
	h.noted.add(key)
	return nil
}

// same reports whether the store holds what the row says. A store that gives no
// digest back is held to the size.
func same(o blob.Object, rec call.RecordingStatus) bool {
	return o.Size == rec.Size && (o.SHA256 == "" || o.SHA256 == rec.SHA256)
}

func (h *Handler) unavailable(w http.ResponseWriter, r *http.Request, what, id string, err error) string {
	if r.Context().Err() == nil {
		h.opts.Log.WarnContext(r.Context(), "a recording cannot be listened to now", "while", what, "recording", id, "err", err)
	}
	w.Header().Set("Retry-After", "30")
	page(w, r, http.StatusServiceUnavailable, notNow)
	return failed
}
