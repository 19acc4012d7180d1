package sim

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Recording is one mp3 that a call announces.
type Recording struct {
	URL string

	path     string
	legID    string
	account  string
	after    time.Duration // announced so long after the call's start
	modified time.Time     // the end of the talk
	layout   layout
	voice    *voice

	announced atomic.Bool // its notification was posted, or AnnounceAll called
	fetched   atomic.Bool // was sent once up to its last byte
	tries     atomic.Int64
	faults    []string // what happens to the first tries

	hashOnce sync.Once
	hash     string
	size     int64
}

// Bytes returns the mp3. It is built anew each time: thousands of recordings
// would not fit into memory, and building costs little more than copying.
func (r *Recording) Bytes() []byte { return r.voice.mp3(r.layout) }

// Digest returns the sha256 of Bytes in lower-case hex, and their number.
func (r *Recording) Digest() (sha256hex string, size int64) {
	r.hashOnce.Do(func() {
		b := r.Bytes()
		sum := sha256.Sum256(b)
		r.hash, r.size = hex.EncodeToString(sum[:]), int64(len(b))
	})
	return r.hash, r.size
}

// etag names the bytes as file servers do, without a digest of them: whoever
// measures downloads would find the first of each recording the slower one.
func (r *Recording) etag(size int) string { return fmt.Sprintf("\"%x-%x\"", r.layout.seed, size) }

// Duration is how long the mp3 plays: the talk, rounded up to whole frames.
func (r *Recording) Duration() time.Duration {
	return time.Duration(r.layout.frames) * frameMillis * time.Millisecond
}

// Announced says whether the recording can be downloaded by now.
func (r *Recording) Announced() bool { return r.announced.Load() }

// record makes the recordings of the call: five of six talks have one, announced
// some seconds after their leg's end, now and then in two parts. An internal
// call is recorded once, on the caller's leg.
func (st *story) record(s *Sim) {
	for _, l := range st.legs {
		if l.connected == never || l.role == callsIn {
			continue
		}
		twice := st.call.Kind == RecordedTwice || st.r.IntN(16) == 0
		if st.call.Kind != RecordedTwice && st.r.IntN(6) == 0 {
			continue
		}
		parts := []int{l.talk}
		if twice && l.talk > 1 {
			parts = []int{l.talk / 2, l.talk - l.talk/2}
		}
		for _, seconds := range parts {
			st.call.Recordings = append(st.call.Recordings, st.newRecording(s, l, seconds))
		}
	}
}

func (st *story) newRecording(s *Sim, l *leg, seconds int) *Recording {
	end := time.Duration(l.connected+l.talk) * time.Second
	rec := &Recording{
		legID: l.id, account: l.account, voice: s.voice,
		after:    end + time.Duration(st.between(2, 15))*time.Second,
		modified: st.call.StartedAt.Add(end),
		layout:   newLayout(st.r, seconds, s.opts.RecordBytes),
	}
	rec.path = fmt.Sprintf("/records/%s/%s/%s.mp3",
		st.company.centrex, rec.modified.Format("2006/01/02"), recordName(st.r))
	rec.URL = s.opts.RecordBase + rec.path
	rec.faults = s.opts.Faults.downloads(newRand(s.opts.Seed, streamFaults, rec.layout.seed))
	return rec
}
