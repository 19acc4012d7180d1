package archive

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"fonoteka/internal/call"
	"fonoteka/internal/queue"
)

// Due lists what the catalogue wants tried now, and what the rules refused, what
// expires first first: more than half of the limit where there is more, since some
// may settle while they are read. Of each row what a try goes by is enough, as in
// Catalogue. The warehouse implements it.
type Due interface {
	DueRecordings(ctx context.Context, now time.Time, limit int) ([]call.RecordingStatus, error)
	RefusedRecordings(ctx context.Context, limit int) ([]call.RecordingStatus, error)
}

// PlannerOptions of a Planner. Due, Queue, Hosts and Logger are required.
type PlannerOptions struct {
	Due      Due
	Queue    Queue
	Hosts    Hosts
	Interval time.Duration // default 10 s
	// Window is how many jobs are in the queue at most, as far as they are the
	// planner's; default 300. It is shallow, so that order of expiry is decided
	// here and not by what came first: no recording is tried more than a window,
	// and the workers' own number, before one that expires earlier and that the
	// catalogue had when it was last looked at. That is an interval ago at most.
	Window int
	// Depth counts the jobs that wait in the queue, those put off by a store that
	// is out among them. While more is due than the window holds, it is filled
	// again as soon as a quarter of it is done. nil: it is filled every second then.
	Depth func(ctx context.Context) (int, error)
	// Mend compares what Due reads with the whole catalogue, at the start and
	// every MendEvery, and tells what was missing there and what settled. nil: never.
	Mend       func(ctx context.Context) (missing, settled uint64, err error)
	MendEvery  time.Duration // default 1 h
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

func (o *PlannerOptions) validate() error {
	if o.Due == nil || o.Queue == nil || o.Logger == nil || o.Hosts.empty() {
		return errors.New("archive: a planner needs catalogue, queue, hosts and logger")
	}
	if o.Interval <= 0 {
		o.Interval = 10 * time.Second
	}
	if o.Window <= 0 {
		o.Window = 300
	}
	if o.MendEvery <= 0 {
		o.MendEvery = time.Hour
	}
	return nil
}

// Planner keeps the queue filled with what the catalogue says is due. It is
// the reason why the queue may lose everything at any time.
type Planner struct {
	PlannerOptions
	due      prometheus.Gauge
	passes   *prometheus.CounterVec
	released prometheus.Counter
	mended   *prometheus.CounterVec
	compared time.Time         // when Mend began last
	failing  map[string]string // by look, what failed at the last one
	backlog  atomic.Bool
	offered  map[string]time.Time   // jobs, when they went into the queue
	ahead    []call.RecordingStatus // read from the catalogue, not in the queue yet
	more     bool                   // there was more to be read
	looked   time.Time              // when that was
	allowed  []call.RecordingStatus // refused once, and to be released
	checked  bool                   // all refused ones are among those, against today's list of hosts
}

// NewPlanner makes a Planner.
func NewPlanner(o PlannerOptions) (*Planner, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	f := promauto.With(o.Registerer)
	p := &Planner{
		PlannerOptions: o,
		failing:        map[string]string{},
		due:            f.NewGauge(prometheus.GaugeOpts{Name: "fonoteka_archive_due", Help: "Recordings due at the last look, at most sixteen of the planner's windows."}),
		passes:         f.NewCounterVec(prometheus.CounterOpts{Name: "fonoteka_archive_planner_passes_total", Help: "The planner's looks at the catalogue: ok, or what failed."}, []string{"result"}),
		released:       f.NewCounter(prometheus.CounterOpts{Name: "fonoteka_archive_released_total", Help: "Refused recordings tried again because the list of hosts, or the limit of their size, may allow them now."}),
		mended:         f.NewCounterVec(prometheus.CounterOpts{Name: "fonoteka_archive_open_mended_total", Help: "Recordings whose row in recordings_open had to be mended at the hourly comparison: missing (which should never be), or settled since long."}, []string{"what"}),
	}
	for _, result := range []string{"ok", "catalogue", "queue", "comparison"} { // an increase from nothing is none
		p.passes.WithLabelValues(result)
	}
	for _, what := range []string{"missing", "settled"} {
		p.mended.WithLabelValues(what)
	}
	return p, nil
}

// Run looks at once, then at every interval and whenever a window of a backlog
// has room, and returns when ctx has ended. No failure stops it.
func (p *Planner) Run(ctx context.Context) error {
	for {
		if !p.checked || len(p.allowed) > 0 {
			p.pass(ctx, "release", p.release)
		}
		if now := time.Now(); p.Mend != nil && now.Sub(p.compared) >= p.MendEvery {
			p.compared = now
			if !p.pass(ctx, "mend", p.mend) { // sooner, and not at every look
				p.compared = now.Add(-p.MendEvery * 9 / 10)
			}
		}
		full := false
		planned := p.pass(ctx, "plan", func(ctx context.Context) (what string, err error) {
			full, what, err = p.plan(ctx)
			if err == nil {
				p.backlog.Store(full)
			}
			return what, err
		})
		wait := time.After(p.Interval)
		if (full || len(p.allowed) > 0) && planned {
			wait = p.room(ctx)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-wait:
		}
	}
}

// Backlog reports whether more is due than the window holds, as far as the last
// look at the catalogue showed.
func (p *Planner) Backlog() bool { return p.backlog.Load() }

const (
	depthPoll = 50 * time.Millisecond
	idleLook  = time.Second // between two looks at the catalogue
)

// room waits until workers need more, at most an interval. Workers that take
// a whole window at once, as a batch of rows sets many of them free together, get
// the next one at once; only the catalogue is not asked more often than that.
func (p *Planner) room(ctx context.Context) <-chan time.Time {
	if p.Depth == nil {
		return time.After(min(p.Interval, idleLook))
	}
	if since := time.Since(p.looked); len(p.ahead) == 0 && since < idleLook && p.low(ctx) {
		return time.After(min(p.Interval, idleLook-since))
	}
	for end := time.Now().Add(p.Interval); time.Now().Before(end) && ctx.Err() == nil; {
		select {
		case <-ctx.Done():
		case <-time.After(depthPoll):
		}
		if p.low(ctx) {
			break
		}
	}
	return time.After(0)
}

func (p *Planner) low(ctx context.Context) bool {
	n, err := p.Depth(ctx)
	return err != nil || n <= p.Window*3/4
}

// pass runs one look and reports a change from working to failing and back.
func (p *Planner) pass(ctx context.Context, name string, look func(context.Context) (string, error)) bool {
	limited, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	what, err := look(limited)
	switch {
	case ctx.Err() != nil:
		return err == nil
	case err != nil:
		p.passes.WithLabelValues(what).Inc()
		if !p.fails(what) {
			p.Logger.WarnContext(ctx, "planner cannot work, goes on trying", "what", what, "err", err)
		}
		p.failing[name] = what
	default:
		p.passes.WithLabelValues("ok").Inc()
		what := p.failing[name]
		delete(p.failing, name)
		if what != "" && !p.fails(what) {
			p.Logger.InfoContext(ctx, "planner works again", "what", what)
		}
	}
	return err == nil
}

// fails reports whether some look failed by what the last time.
func (p *Planner) fails(what string) bool {
	return slices.Contains(slices.Collect(maps.Values(p.failing)), what)
}

// readAhead is how many windows are read from the catalogue at once: sorting a
// backlog of 100,000 costs half a second of a core, whatever is taken from it.
const readAhead = 16

// plan fills the window. full: more is due than it holds.
func (p *Planner) plan(ctx context.Context) (full bool, what string, err error) {
	now := time.Now()
	room := p.Window
	if p.Depth != nil {
		waiting, err := p.Depth(ctx)
		if err != nil {
			return false, "queue", err
		}
		room -= waiting
		if waiting == 0 && now.Sub(p.looked) >= idleLook { // it may have lost everything
			p.ahead, p.offered = nil, nil
		}
	}
	ago := now.Sub(p.looked)
	if ago >= p.Interval || len(p.ahead) == 0 || p.more && len(p.ahead) < p.Window && ago >= idleLook {
		if err := p.look(ctx, now); err != nil {
			return false, "catalogue", err
		}
	}
	for len(p.ahead) > 0 && room > 0 {
		if err := p.enqueue(ctx, p.ahead[0], now); err != nil {
			return false, "queue", err
		}
		p.offered[jobID(p.ahead[0])] = now
		p.ahead = p.ahead[1:]
		room--
	}
	return len(p.ahead) > 0 || p.more, "", nil
}

// look reads what is due. What went into the queue less than an interval ago is
// left out: that the queue knows a job costs it as much as a new one.
func (p *Planner) look(ctx context.Context, now time.Time) error {
	limit := readAhead * p.Window
	rows, err := p.Due.DueRecordings(ctx, now, limit)
	if err != nil {
		return err
	}
	p.due.Set(float64(len(rows)))
	offered := map[string]time.Time{}
	ahead := rows[:0]
	for _, row := range rows {
		id := jobID(row)
		if at, ok := p.offered[id]; ok && now.Sub(at) < p.Interval {
			offered[id] = at
			continue
		}
		ahead = append(ahead, row)
	}
	p.ahead, p.more, p.offered, p.looked = ahead, len(rows) > limit/2, offered, time.Now()
	return nil
}

// mend is the net below a table that should never miss a recording.
func (p *Planner) mend(ctx context.Context) (string, error) {
	missing, settled, err := p.Mend(ctx)
	p.mended.WithLabelValues("missing").Add(float64(missing))
	p.mended.WithLabelValues("settled").Add(float64(settled))
	if missing > 0 {
		p.Logger.ErrorContext(ctx, "recordings were missing among those that wait", "recordings", missing, "mended", err == nil)
	}
	if err != nil {
		return "comparison", err
	}
	return "", nil
}

func jobID(row call.RecordingStatus) string {
	return jobOf(row).ID()
}

// jobOf is the next try of a recording.
func jobOf(row call.RecordingStatus) queue.Job {
	return queue.Job{Recording: row.Recording, Attempt: row.Attempt, Due: row.NextAttemptAt}
}

// maxRefused bounds what is read of the refused at once, the first to expire.
const maxRefused = 20_000

// release enqueues refused recordings that the list of hosts allows now, as far
// as half of the room in the window goes: the other half is for what is due. A
// file that was too large is tried as well: the limit may have been raised, and
// asking costs little.
func (p *Planner) release(ctx context.Context) (string, error) {
	now := time.Now()
	if !p.checked {
		rows, err := p.Due.RefusedRecordings(ctx, maxRefused)
		if err != nil {
			return "catalogue", err
		}
		for _, row := range rows {
			if p.Hosts.Check(row.URL) == nil {
				p.allowed = append(p.allowed, row)
			}
		}
		p.checked = true
	}
	room := p.Window
	if p.Depth != nil {
		waiting, err := p.Depth(ctx)
		if err != nil {
			return "queue", err
		}
		room -= waiting
	}
	for ; len(p.allowed) > 0 && room > 0; room -= 2 {
		if err := p.enqueue(ctx, p.allowed[0], now); err != nil {
			return "queue", err
		}
		p.allowed = p.allowed[1:]
		p.released.Inc()
	}
	return "", nil
}

func (p *Planner) enqueue(ctx context.Context, row call.RecordingStatus, now time.Time) error {
	return p.Queue.Enqueue(ctx, jobOf(row), queue.Options{Urgent: Urgent(row.ExpiresAt, now)})
}
