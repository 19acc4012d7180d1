package intake

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// path is one address that is served, by the digest of the path as it is sent.
type path struct {
	digest      [sha256.Size]byte
	integration int
	events      bool // ends in /events: notifications only
}

// addPaths adds the addresses of an integration. The operator's page does not
// settle which of them notifications go to; a redirect URI that was entered with
// a slash at its end makes two before "events".
func (h *Handler) addPaths(i int, in Integration) error {
	base := strings.TrimSuffix(in.Path, "/")
	for _, suffix := range []string{"", "/", "/events", "/events/", "//events", "//events/"} {
		p := path{digest: sha256.Sum256([]byte(base + suffix)), integration: i, events: len(suffix) > 1}
		for _, other := range h.paths {
			if other.digest == p.digest {
				return fmt.Errorf("intake: integrations %q and %q share an address", h.opts.Integrations[other.integration].Name, in.Name)
			}
		}
		h.paths = append(h.paths, p)
	}
	return nil
}

// match finds an address. The time it takes tells nothing about how much of a
// guess was right: digests are compared, all of them, in constant time.
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
	return h.paths[found], true
}

// strayBytes is how much of a body on an unknown path is looked at.
const strayBytes = 64 << 10

var notificationMarks = [][]byte{[]byte(`"callNotifications"`), []byte(`"vpbxNotifications"`)}

// stray answers whatever comes to an address that is not ours, always in the
// same way. A notification among it means that the operator's cabinet and our
// configuration disagree, and that calls are being lost: that must be seen.
func (h *Handler) stray(w http.ResponseWriter, r *http.Request) {
	o := notFound
	if r.Method == http.MethodPost {
		buf := h.borrow()
		body, _, _ := readUpTo(*buf, r.Body, strayBytes) // what a broken connection gave is good enough
		if isNotification(body) {
			o = misdirected
			h.reportStray(r, len(body))
		}
		h.giveBack(buf, body)
	}
	h.answer(w, o, http.StatusNotFound, "404 page not found")
}

func isNotification(body []byte) bool {
	for _, mark := range notificationMarks {
		if bytes.Contains(body, mark) {
			return true
		}
	}
	return false
}

// reportStray logs the shape of the path only: it may be a secret with a typing
// error, or another's.
func (h *Handler) reportStray(r *http.Request, bytes int) {
	if skipped, ok := h.astray.allow(h.opts.Now()); ok {
		sent := r.URL.EscapedPath()
		h.opts.Log.Warn("a notification came to an address that is not served",
			"path_segments", strings.Count(sent, "/"), "path_bytes", len(sent), "bytes", bytes, "not_logged", skipped)
	}
}

// limiter lets one event through per period and counts the others.
type limiter struct {
	every time.Duration

	mu      sync.Mutex
	last    time.Time
	skipped int
}

func (l *limiter) allow(now time.Time) (skipped int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.last.IsZero() && now.Sub(l.last) < l.every {
		l.skipped++
		return 0, false
	}
	skipped, l.skipped, l.last = l.skipped, 0, now
	return skipped, true
}
