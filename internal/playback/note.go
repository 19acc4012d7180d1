package playback

import (
	"crypto/sha256"
	"net/http"
	"sync"
	"time"
)

// noteHolds is how long one note stands for whoever goes on listening to the same
// recording: a player asks for a part of it at every seek.
const noteHolds = 10 * time.Minute

// maxNotes is how many notes are remembered, of 40 bytes each.
const maxNotes = 10_000

// recentNotes remembers what was noted within noteHolds. What it has forgotten is noted
// twice.
type recentNotes struct {
	mu sync.Mutex
	at map[[sha256.Size]byte]time.Time // by who and recording
}

func noteKey(who, id string) [sha256.Size]byte { return sha256.Sum256([]byte(id + who)) }

func (n *recentNotes) has(key [sha256.Size]byte) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	at, ok := n.at[key]
	return ok && time.Since(at) < noteHolds
}

// add is told of a note once it is kept.
func (n *recentNotes) add(key [sha256.Size]byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.at) >= maxNotes {
		for k, at := range n.at {
			if time.Since(at) >= noteHolds {
				delete(n.at, k)
			}
		}
	}
	if n.at == nil || len(n.at) >= maxNotes {
		n.at = map[[sha256.Size]byte]time.Time{}
	}
	n.at[key] = time.Now()
}

// notingWriter calls note before the first byte of a recording goes out, and lets none
// out if that fails. The header goes out with the first byte, or by finish: until
// then there can be another answer.
type notingWriter struct {
	http.ResponseWriter
	note   func() error
	err    error // of note
	status int   // 0: none yet
	sent   bool
}

// WriteHeader implements http.ResponseWriter. Of http.ServeContent's answers only
// these two have bytes of the recording.
func (n *notingWriter) WriteHeader(status int) {
	n.status = status
	if status != http.StatusOK {
		n.Header().Del("Repr-Digest") // of the whole
	}
	if status == http.StatusOK || status == http.StatusPartialContent {
		n.err = n.note()
	}
}

func (n *notingWriter) Write(b []byte) (int, error) {
	if n.err != nil {
		return 0, n.err
	}
	n.finish()
	return n.ResponseWriter.Write(b)
}

// finish sends the header, if that was not done.
func (n *notingWriter) finish() {
	if !n.sent && n.status != 0 {
		n.ResponseWriter.WriteHeader(n.status)
	}
	n.sent = true
}
