package archive

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"fonoteka/internal/call"
	"fonoteka/internal/fetch"
	"fonoteka/internal/queue"
	"fonoteka/internal/run"
)

// Due lists what the catalogue wants tried now, and what the rules refused, what
// expires first first: more than half of the limit where there is more, since some
// may settle while they are read. Of each row what a try goes by is enough, as in
// Catalogue. The warehouse implements it.
type Due interface {
	DueRecordings(ctx context.Context, now time.Time, limit int) ([]call.RecordingStatus, error)
	RefusedRecordings(ctx context.Context, limit int) ([]call.RecordingStatus, error)
}

// PlannerOptions of a Planner. Due, Queue, Hosts and Log are required.
type PlannerOptions struct {
	Due      Due
	Queue    Queue
	Hosts    fetch.Hosts
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
	// Reconcile compares what Due reads with the whole catalogue, at the start and
	// every ReconcileEvery, repairs it, and tells how many rows were missing there and
	// how many had settled. nil: never.
	Reconcile      func(ctx context.Context) (missing, settled uint64, err error)
	ReconcileEvery time.Duration // default 1 h

	Log        *slog.Logger
	Registerer prometheus.Registerer
}

func (o *PlannerOptions) validate() error {
	if o.Due == nil || o.Queue == nil || o.Log == nil || o.Hosts.Empty() {
		return errors.New("archive: a planner needs catalogue, queue, hosts and logger")
	}
	if o.Interval <= 0 {
		o.Interval = 10 * time.Second
	}
	if o.Window <= 0 {
		o.Window = 300
	}
	if o.ReconcileEvery <= 0 {
		o.ReconcileEvery = time.Hour
	}
	return nil
}

// Planner keeps the queue filled with what the catalogue says is due. It is
// the reason why the queue may lose everything at any time.
type Planner struct {
	opts     PlannerOptions
	due      prometheus.Gauge
	passes   *prometheus.CounterVec
	released prometheus.Counter
	mended   *prometheus.CounterVec
	compared time.Time // when Reconcile began last
	outage   *run.Outage
	failing  map[string]bool // looks that failed the last time
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
		opts:     o,
		outage:   run.NewOutage("planner", o.Log, o.Registerer),
		failing:  map[string]bool{},
		due:      f.NewGauge(prometheus.GaugeOpts{Name: "fonoteka_archive_due", Help: "Recordings due at the last look, at most sixteen of the planner's windows."}),
		passes:   f.NewCounterVec(prometheus.CounterOpts{Name: "fonoteka_archive_planner_passes_total", Help: "The planner's looks at the catalogue: ok, or what failed."}, []string{"result"}),
		released: f.NewCounter(prometheus.CounterOpts{Name: "fonoteka_archive_released_total", Help: "Refused recordings tried again because the list of hosts, or the limit of their size, may allow them now."}),
		mended:   f.NewCounterVec(prometheus.CounterOpts{Name: "fonoteka_archive_open_mended_total", Help: "Recordings whose row in recordings_open had to be mended at the hourly comparison: missing (which should never be), or settled since long."}, []string{"what"}),
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
		if now := time.Now(); p.opts.Reconcile != nil && now.Sub(p.compared) >= p.opts.ReconcileEvery {
			p.compared = now
			if !p.pass(ctx, "reconcile", p.reconcile) { // sooner, and not at every look
				p.compared = now.Add(-p.opts.ReconcileEvery * 9 / 10)
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
		wait := time.After(p.opts.Interval)
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
	if p.opts.Depth == nil {
		return time.After(min(p.opts.Interval, idleLook))
	}
	if since := time.Since(p.looked); len(p.ahead) == 0 && since < idleLook && p.low(ctx) {
		return time.After(min(p.opts.Interval, idleLook-since))
	}
	for end := time.Now().Add(p.opts.Interval); time.Now().Before(end) && ctx.Err() == nil; {
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
	n, err := p.opts.Depth(ctx)
	return err != nil || n <= p.opts.Window*3/4
}

// pass runs one look. The planner fails as long as one of its looks does.
func (p *Planner) pass(ctx context.Context, name string, look func(context.Context) (string, error)) bool {
	limited, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	what, err := look(limited)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		p.passes.WithLabelValues(what).Inc()
		p.failing[name] = true
		p.outage.Note(err, "what", what)
	default:
		p.passes.WithLabelValues("ok").Inc()
		if delete(p.failing, name); len(p.failing) == 0 {
			p.outage.Note(nil)
		}
	}
	return err == nil
}

// readAhead is how many windows are read from the catalogue at once: sorting a
// backlog of 100,000 costs half a second of a core, whatever is taken from it.
const readAhead = 16

// plan fills the window. full: more is due than it holds.
func (p *Planner) plan(ctx context.Context) (full bool, what string, err error) {
	now := time.Now()
	room := p.opts.Window
	if p.opts.Depth != nil {
		waiting, err := p.opts.Depth(ctx)
		if err != nil {
			return false, "queue", err
		}
		room -= waiting
		if waiting == 0 && now.Sub(p.looked) >= idleLook { // it may have lost everything
			p.ahead, p.offered = nil, nil
		}
	}
	ago := now.Sub(p.looked)
	if ago >= p.opts.Interval || len(p.ahead) == 0 || p.more && len(p.ahead) < p.opts.Window && ago >= idleLook {
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
	limit := readAhead * p.opts.Window
	rows, err := p.opts.Due.DueRecordings(ctx, now, limit)
	if err != nil {
		return err
	}
	p.due.Set(float64(len(rows)))
	offered := map[string]time.Time{}
	ahead := rows[:0]
	for _, row := range rows {
		id := jobID(row)
		if at, ok := p.offered[id]; ok && now.Sub(at) < p.opts.Interval {
			offered[id] = at
			continue
		}
		ahead = append(ahead, row)
	}
	p.ahead, p.more, p.offered, p.looked = ahead, len(rows) > limit/2, offered, time.Now()
	return nil
}

// reconcile is the safety net below a table that should never miss a recording.
func (p *Planner) reconcile(ctx context.Context) (string, error) {
	missing, settled, err := p.opts.Reconcile(ctx)
	p.mended.WithLabelValues("missing").Add(float64(missing))
	p.mended.WithLabelValues("settled").Add(float64(settled))
	if missing > 0 {
		p.opts.Log.ErrorContext(ctx, "recordings were missing among those that wait", "recordings", missing, "mended", err == nil)
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
		rows, err := p.opts.Due.RefusedRecordings(ctx, maxRefused)
		if err != nil {
			return "catalogue", err
		}
		for _, row := range rows {
			if p.opts.Hosts.Check(row.URL) == nil {
				p.allowed = append(p.allowed, row)
			}
		}
		p.checked = true
	}
	room := p.opts.Window
	if p.opts.Depth != nil {
		waiting, err := p.opts.Depth(ctx)
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
	return p.opts.Queue.Enqueue(ctx, jobOf(row), queue.Options{Urgent: Urgent(row.ExpiresAt, now)})
}
