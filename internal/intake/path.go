package intake

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// path is one address that is served, by the digest of the path as it is sent.
type path struct {
	digest      [sha256.Size]byte
	integration int
	events      bool      // ends in /events: notifications only
	origin      bool      // the origin's own /events, which is no secret
	until       time.Time // of a former address: when it ends; zero: never
}

// addPaths adds the addresses of an integration. The operator's documentation leaves open
// which of them notifications are sent to; a redirect URI that was entered with
// a slash at its end makes two slashes before "events".
func (h *Handler) addPaths(i int, of string, until time.Time) error {
	base := strings.TrimSuffix(of, "/")
	for _, suffix := range []string{"", "/", "/events", "/events/", "//events", "//events/"} {
		p := path{digest: sha256.Sum256([]byte(base + suffix)), integration: i, events: len(suffix) > 1, until: until}
		for _, other := range h.paths {
			if other.digest == p.digest {
				return fmt.Errorf("intake: integrations %q and %q share an address", h.opts.Integrations[other.integration].Name, h.opts.Integrations[i].Name)
			}
		}
		h.paths = append(h.paths, p)
	}
	return nil
}

// addOrigin adds the origin's own /events, unless it is an integration's anyway.
func (h *Handler) addOrigin() {
	i := slices.IndexFunc(h.opts.Integrations, func(in Integration) bool { return in.Name == h.opts.OriginEvents })
	if i < 0 {
		return
	}
	for _, sent := range []string{"/events", "/events/"} {
		if _, served := h.match(sent); !served {
			h.paths = append(h.paths, path{digest: sha256.Sum256([]byte(sent)), integration: i, events: true, origin: true})
		}
	}
}

// warnFormer counts and logs that the operator's cabinet still has the former
// redirect URI.
func (h *Handler) warnFormer(p path) {
	h.metrics.former[p.integration].Inc()
	if skipped, ok := h.former.Allow(h.opts.Now()); ok {
		h.opts.Log.Warn("the previous redirect uri is still used",
			"integration", h.opts.Integrations[p.integration].Name, "ends", p.until, "not_logged", skipped)
	}
}

// refuseForeign answers a post from a network that may not send, as if its path
// were unknown. It is counted and logged, unless it is our own probe: the operator may
// have new addresses.
func (h *Handler) refuseForeign(w http.ResponseWriter, p path, own bool) {
	if own {
		h.notFound(w, notFound)
		return
	}
	if skipped, ok := h.foreign.Allow(h.opts.Now()); ok {
		h.opts.Log.Warn("a notification came from a network that is not allowed, and was refused",
			"integration", h.opts.Integrations[p.integration].Name, "not_logged", skipped)
	}
	h.notFound(w, foreign)
}

// match finds an address. The time it takes does not depend on how much of a guess was
// right: all digests are compared, in constant time.
func (h *Handler) match(sent string) (path, bool) {
	digest := sha256.Sum256([]byte(sent))
	found := -1
	for i := range h.paths {
		same := subtle.ConstantTimeCompare(digest[:], h.paths[i].digest[:])
		found = subtle.ConstantTimeSelect(same, i, found)
	}
	if found < 0 {
		return path{}, false
	}
	p := h.paths[found]
	return p, p.until.IsZero() || h.opts.Now().Before(p.until)
}

// probeBytes is how much of a body to an unknown path is examined.
const probeBytes = 64 << 10

var notificationMarks = [][]byte{[]byte(`"callNotifications"`), []byte(`"vpbxNotifications"`)}

// unknownPath answers a request to an address that is not ours, always in the
// same way. A notification among them means that the operator's cabinet and our
// configuration disagree, and that calls are being lost: it is counted and logged.
func (h *Handler) unknownPath(w http.ResponseWriter, r *http.Request) {
	o := notFound
	if r.Method == http.MethodPost && h.acquireProbe(r) {
		defer func() { <-h.probes }()
		buf := h.borrow()
		body, _, _ := readUpTo((*buf)[:0], r.Body, probeBytes) // the part of a broken connection is enough
		if isNotification(body) {
			o = misdirected
			h.reportMisdirected(r, len(body))
		}
		h.giveBack(buf, body)
	}
	h.notFound(w, o)
}

// notFound always gives the same answer, and closes the connection: its next request need
// not be waited for, and the body not be read.
func (h *Handler) notFound(w http.ResponseWriter, o outcome) {
	w.Header().Set("Connection", "close")
	h.answer(w, o, http.StatusNotFound, "404 page not found")
}

// probesAtOnce bounds the memory for bodies to unknown paths: 2 MiB.
const probesAtOnce = 32

// acquireProbe says whether the body may be examined now; the caller releases h.probes.
func (h *Handler) acquireProbe(r *http.Request) bool {
	if !h.opts.Guard.AllowProbe(r) {
		return false
	}
	select {
	case h.probes <- struct{}{}:
		return true
	default:
		return false
	}
}

func isNotification(body []byte) bool {
	for _, mark := range notificationMarks {
		if bytes.Contains(body, mark) {
			return true
		}
	}
	return false
}

// reportMisdirected logs only the shape of the path: it may be a secret with a typing
// error, or somebody else's.
func (h *Handler) reportMisdirected(r *http.Request, bytes int) {
	if skipped, ok := h.misdirected.Allow(h.opts.Now()); ok {
		sent := r.URL.EscapedPath()
		h.opts.Log.Warn("a notification came to an address that is not served",
			"path_segments", strings.Count(sent, "/"), "path_bytes", len(sent), "bytes", bytes, "not_logged", skipped)
	}
}
