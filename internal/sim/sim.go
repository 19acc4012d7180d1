// Package sim plays the operator's side of the platform: it makes up the calls
// of a small company, posts their notifications as the operator's page spells
// them, and serves the recordings they announce. Its Ledger says what a correct
// archive must hold afterwards. Platform adds the operator's OAuth and API, and
// calls that obey them.
//
// It imports nothing of the product, so it cannot mirror a decoder's mistake:
// the ledger is written from the story of a call (who rang, who talked, for how
// long), and the notifications are rendered from the same story. Deriving the
// ledger from the notifications was rejected, since that would be a second
// decoder with the same blind spots.
//
// Everything follows from Options: the same options give the same calls, ids,
// numbers, bodies and recordings; what Platform plays by order, and its tokens,
// are the exception. Ids and audio follow from the seed alone, so
// they stay the same when Start differs; two runs of one seed against one
// archive therefore need the same Start too, or they are different calls under
// the same ids.
//
// Only the standard library is used: requests, random numbers, JSON and even
// the mp3s need no more.
package sim

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// AbandonAfter is the wait below which an unanswered incoming call counts as
// abandoned in the ledger; from it on the call was missed.
const AbandonAfter = 5 * time.Second

// Options say what is simulated. The zero value of a field means its default.
type Options struct {
	Seed  uint64
	Calls int // how many calls New makes up

	// Start is the present moment of the simulation, UTC, cut to the second.
	// Default: the time of New.
	Start time.Time
	// Since spreads the calls over the working hours between Since and Start.
	// Zero: calls happen now, Rate of them a second from Start on.
	Since time.Time
	// Rate is calls per second. 0: as fast as the target takes them.
	Rate float64
	// Speed is how many times faster than life a call's notifications follow
	// each other. 0: all of a call at once, and then a call that happens "now"
	// has just ended when it is posted, so that receive times are not before
	// the events. 1: as in life. It does not apply to calls spread by Since,
	// which are always posted at once.
	Speed float64

	// RecordBase is where Handler is reached, without a path: the links of
	// recordings begin with it. Default "http://127.0.0.1:8081".
	RecordBase string
	// RecordBytes is the least size of a recording in bytes, for benchmarks.
	// Reached by a higher bit rate first and by longer play when that is not
	// enough. 0: 8 or 16 kbit/s of the talk's length.
	RecordBytes int

	Faults        Faults
	ShuffleWindow int           // places a shuffled notification moves at most; 0: anywhere in the run
	StallFor      time.Duration // how long a stalled download stands still; default 2 s
	Connections   int           // notifications posted at once; default 4
	NoRetry       bool          // a notification that is not answered 2xx is given up at once
	RetryFor      time.Duration // how long one is retried, and how long an outage is waited out; default 10 min

	Logger *slog.Logger // default: none
}

func (o Options) withDefaults() (Options, error) {
	if o.Calls < 0 || o.Rate < 0 || o.Speed < 0 || o.RecordBytes < 0 || o.Connections < 0 {
		return o, fmt.Errorf("sim: calls, rate, speed, record bytes and connections must not be negative")
	}
	if err := o.Faults.validate(); err != nil {
		return o, fmt.Errorf("sim: faults: %w", err)
	}
	if o.Start.IsZero() {
		o.Start = time.Now()
	}
	o.Start = o.Start.UTC().Truncate(time.Second)
	if !o.Since.IsZero() {
		o.Since = o.Since.UTC()
		if !o.Since.Before(o.Start) {
			return o, fmt.Errorf("sim: since %s is not before start %s", o.Since, o.Start)
		}
	}
	if o.RecordBase == "" {
		o.RecordBase = "http://127.0.0.1:8081"
	}
	o.RecordBase = strings.TrimRight(o.RecordBase, "/")
	if o.StallFor == 0 {
		o.StallFor = 2 * time.Second
	}
	if o.Connections == 0 {
		o.Connections = 4
	}
	if o.RetryFor == 0 {
		o.RetryFor = 10 * time.Minute
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, nil
}

// Sim is one simulated company with its calls. Its methods may be used from
// several goroutines.
type Sim struct {
	opts  Options
	voice *voice

	mu      sync.Mutex // guards what Live and Platform change
	company *company   // replaced, never changed
	calls   []*Call
	files   map[string]*Recording // by path

	count   counters
	lastAck atomic.Int64 // Unix nanoseconds of the latest acknowledgement, or of the first post
}

// New makes up the company and opts.Calls calls.
func New(opts Options) (*Sim, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Sim{
		opts:    opts,
		company: newCompany(newRand(opts.Seed, streamCompany, 0)),
		voice:   newVoice(),
		files:   map[string]*Recording{},
	}
	for i, at := range startTimes(opts) {
		m := moment{at: at, end: opts.Since.IsZero() && opts.Speed == 0}
		m.closed = !opts.Since.IsZero() && !working(at)
		s.add(i, m)
	}
	return s, nil
}

// add makes up call i and files it.
func (s *Sim) add(i int, m moment) *Call {
	c := newStory(s, i, m)
	c.directory = directoryChange(s.opts.Seed, i)
	var calls []*Call
	if c.reused {
		c.before = s.earlier(c)
		calls = append(calls, c.before)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(append(s.calls, calls...), c)
	for _, rec := range c.Recordings {
		s.files[rec.path] = rec
	}
	return c
}

// Calls returns the calls made up so far, in the order they are posted.
func (s *Sim) Calls() []*Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*Call(nil), s.calls...)
}

// Notifications returns the body of every notification once, in the order of
// the calls and of the events within each, directory changes included. Those of
// calls that Live has finished with are gone.
func (s *Sim) Notifications() [][]byte {
	var out [][]byte
	for _, d := range s.plan() {
		if body := d.note.Body(); body != nil {
			out = append(out, body)
		}
	}
	return out
}

// AnnounceAll makes every recording available, as if its notification had been
// posted: for tests that do not use Post.
func (s *Sim) AnnounceAll() {
	for _, c := range s.Calls() {
		for _, rec := range c.Recordings {
			rec.announced.Store(true)
		}
	}
}

// Handler serves the recordings that have been announced, under
// /records/{centrex}/{yyyy}/{mm}/{dd}/{name}.mp3, with the faults of the
// options. It answers Range, If-Range and HEAD.
func (s *Sim) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /records/", s.serveRecord)
	return mux
}

// Streams of random numbers: what is drawn in one does not move another.
const (
	streamCompany = iota
	streamClock
	streamCall
	streamAudio
	streamFaults
	streamSchedule
	streamDirectory
	streamLive
	streamPlayed
	streamOdd
	streamEarlier
)

func newRand(seed uint64, stream int, i uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed^uint64(stream+1)*0x9e3779b97f4a7c15, i+1))
}
