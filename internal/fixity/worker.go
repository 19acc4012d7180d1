package fixity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"fonoteka/internal/blob"
	"fonoteka/internal/call"
	"fonoteka/internal/run"
)

// Positions keeps where the background check stands.
type Positions interface {
	Progress(ctx context.Context, name string) (string, error)
	SetProgress(ctx context.Context, name, position string) error
}

// Uploads are multipart uploads that were begun and not completed.
type Uploads interface {
	Leftovers(ctx context.Context, prefix string, each func(blob.Upload) bool) error
	Abort(ctx context.Context, u blob.Upload) error
}

// WorkerOptions of a Worker. Checker and Positions are required.
type WorkerOptions struct {
	Checker   *Checker
	Positions Positions
	Uploads   Uploads // nil: none are looked for
	Fetch     Fetch   // nil: nothing is fetched again

	Every   time.Duration // everything is checked once within it; default 30 days
	Stride  time.Duration // between two looks at what is due, at least; default 30 s
	Recheck time.Duration // between two looks at what is known to be wrong; default 1 h
	Sweep   time.Duration // between two looks for orphans and left-overs; default 1 day
}

func (o *WorkerOptions) validate() error {
	if o.Checker == nil || o.Positions == nil {
		return errors.New("fixity: a worker needs a checker and a place for its position")
	}
	for _, d := range []struct {
		v   *time.Duration
		def time.Duration
	}{{&o.Every, 30 * 24 * time.Hour}, {&o.Stride, 30 * time.Second}, {&o.Recheck, time.Hour}, {&o.Sweep, 24 * time.Hour}} {
		if *d.v <= 0 {
			*d.v = d.def
		}
	}
	return nil
}

// Worker is the slow check of everything in the background. There must be one
// in an installation: it keeps its position in the warehouse.
//
// A pass goes through the catalogue in the order of its key, spread evenly over
// nine tenths of Every: what is due at a moment follows from when the pass
// began, how much it has checked and how much is left, so that after a stop of
// any length it goes on where it was, and catches up as fast as the rate
// allows. What was archived behind its back is met by the next pass, again
// within Every. Failures of store and warehouse only delay it.
type Worker struct {
	opts    WorkerOptions
	c       *Checker
	pass    position
	left    uint64 // of the pass, counted then
	counted time.Time
	outage  *run.Outage
	failing map[string]bool      // parts of the work that failed the last time
	looked  string               // behind which key the next one's age was read
	fetched map[string]time.Time // when a restore of a recording was last tried
}

// position is where a pass stands, as it is kept.
type position struct {
	Started     time.Time `json:"started"`
	Integration string    `json:"integration"`
	ID          string    `json:"recording_id"`
	Checked     uint64    `json:"checked"`
	Wrong       uint64    `json:"wrong"`
	Swept       time.Time `json:"swept"`
	Ended       time.Time `json:"ended"` // of the last whole pass
}

const positionName = "fixity"

// NewWorker makes a Worker.
func NewWorker(o WorkerOptions) (*Worker, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	return &Worker{
		opts: o, c: o.Checker, fetched: map[string]time.Time{}, failing: map[string]bool{},
		outage: run.NewOutage("fixity", o.Checker.opts.Log, o.Checker.opts.Registerer),
	}, nil
}

// maxSleep is how long the worker sleeps at most: the catalogue grows meanwhile.
const maxSleep = 15 * time.Minute

// Run works until ctx ends. No failure stops it.
func (w *Worker) Run(ctx context.Context) error {
	for !w.try(ctx, "position", w.load) {
		if run.Sleep(ctx, w.opts.Stride); ctx.Err() != nil {
			return nil
		}
	}
	var rechecked time.Time
	for ctx.Err() == nil {
		now := w.c.opts.Now()
		if now.Sub(rechecked) >= w.opts.Recheck {
			w.try(ctx, "recheck", w.recheck)
			rechecked = now
		}
		if now.Sub(w.pass.Swept) >= w.opts.Sweep {
			w.try(ctx, "sweep", w.sweep)
		}
		wait := w.opts.Stride
		w.try(ctx, "check", func(ctx context.Context) (err error) {
			wait, err = w.advance(ctx)
			return err
		})
		run.Sleep(ctx, min(max(wait, 0), maxSleep, w.opts.Recheck))
	}
	return nil
}

// try does a part of the work. The worker fails as long as one of them does.
func (w *Worker) try(ctx context.Context, what string, f func(context.Context) error) bool {
	err := f(ctx)
	switch {
	case err == nil:
		if delete(w.failing, what); len(w.failing) == 0 {
			w.outage.Note(nil)
		}
	case ctx.Err() == nil:
		w.c.m.failures.WithLabelValues(what).Inc()
		w.failing[what] = true
		w.outage.Note(err, "what", what)
	}
	return err == nil
}

func (w *Worker) load(ctx context.Context) error {
	text, err := w.opts.Positions.Progress(ctx, positionName)
	if err != nil {
		return err
	}
	if text != "" {
		if err := json.Unmarshal([]byte(text), &w.pass); err != nil {
			return fmt.Errorf("the position of the background check: %w", err)
		}
	}
	if w.pass.Started.IsZero() {
		w.pass.Started = w.c.opts.Now().UTC()
		return w.save(ctx)
	}
	return nil
}

func (w *Worker) save(ctx context.Context) error {
	text, err := json.Marshal(w.pass)
	if err != nil {
		return err
	}
	if !w.pass.Ended.IsZero() {
		w.c.m.passEnd.Set(float64(w.pass.Ended.Unix()))
	}
	return w.opts.Positions.SetProgress(ctx, positionName, string(text))
}

// advance checks what is due and says how long to wait for the next.
func (w *Worker) advance(ctx context.Context) (time.Duration, error) {
	q := Query{AfterIntegration: w.pass.Integration, AfterID: w.pass.ID}
	left, err := w.count(ctx, q)
	if err != nil {
		return w.opts.Stride, err
	}
	now := w.c.opts.Now()
	if left == 0 {
		return w.finished(ctx, now)
	}
	n, wait := due(now.Sub(w.pass.Started), w.opts.Every/10*9, w.opts.Stride, w.pass.Checked, left)
	if n == 0 {
		return wait, w.age(ctx, q)
	}
	rows, err := w.c.opts.Rows.Archived(ctx, q, n)
	if err != nil || len(rows) == 0 {
		w.counted = time.Time{}
		return w.opts.Stride, err
	}
	if err := w.observeAge(ctx, rows); err != nil {
		return w.opts.Stride, err
	}
	findings, err := w.c.CheckAll(ctx, rows)
	if err != nil {
		return w.opts.Stride, err
	}
	if _, _, err := w.c.Relock(ctx, rows); err != nil {
		return w.opts.Stride, err
	}
	for _, f := range findings {
		if f.Result != Verified {
			w.pass.Wrong++
			w.restore(ctx, f)
		}
	}
	last := rows[len(rows)-1]
	w.pass.Integration, w.pass.ID = last.Integration, last.ID
	w.pass.Checked += uint64(len(rows))
	w.left -= min(w.left, uint64(len(rows)))
	return 0, w.save(ctx)
}

// count tells how many recordings the pass has still to check: counted anew now
// and then, as that takes a second or more with very many of them.
func (w *Worker) count(ctx context.Context, q Query) (uint64, error) {
	if now := w.c.opts.Now(); w.left == 0 || now.Sub(w.counted) >= min(maxSleep, 10*w.opts.Stride) {
		left, _, err := w.c.opts.Rows.Count(ctx, q)
		if err != nil {
			return 0, err
		}
		w.left, w.counted = left, now
	}
	w.c.m.left.Set(float64(w.left))
	return w.left, nil
}

// due tells how many of left should be checked now, at most a page, or how long
// to wait: the k-th is due when k of all have their share of the span behind
// them, and several are taken together where they are due within a stride.
func due(passed, span, stride time.Duration, checked, left uint64) (n int, wait time.Duration) {
	each := float64(span) / float64(checked+left)
	together := min(max(uint64(float64(stride)/each), 1), page, left)
	at := time.Duration(each * float64(checked+together))
	if passed < at {
		return 0, at - passed
	}
	behind := uint64(float64(passed)/each) - checked
	return int(min(max(behind, together), page, left)), 0
}

// finished ends a pass; the next begins when its time has come.
func (w *Worker) finished(ctx context.Context, now time.Time) (time.Duration, error) {
	next := w.pass.Started.Add(w.opts.Every)
	if w.pass.Checked > 0 && w.pass.Ended.Before(w.pass.Started) {
		w.pass.Ended = now.UTC()
		w.c.opts.Log.InfoContext(ctx, "every archived recording was read again", "recordings", w.pass.Checked, "wrong", w.pass.Wrong, "took", now.Sub(w.pass.Started))
		if err := w.save(ctx); err != nil {
			return w.opts.Stride, err
		}
	}
	if now.Before(next) && w.pass.Checked > 0 {
		return next.Sub(now), nil
	}
	w.counted = time.Time{}
	if w.pass.Checked == 0 { // nothing is archived yet: the pass begins with the first recording
		w.pass.Started = now.UTC()
		return w.opts.Stride, nil
	}
	if now.Sub(next) > w.opts.Every/5 { // else it catches up, so that what a stop delayed does not add up
		next = now
	}
	w.pass.Started = next.UTC()
	w.pass.Integration, w.pass.ID, w.pass.Checked, w.pass.Wrong = "", "", 0, 0
	return 0, w.save(ctx)
}

// age looks at the next one to be checked, for the metric.
func (w *Worker) age(ctx context.Context, q Query) error {
	if w.looked == q.AfterIntegration+" "+q.AfterID {
		return nil
	}
	rows, err := w.c.opts.Rows.Archived(ctx, q, 1)
	if err != nil || len(rows) == 0 {
		return err
	}
	w.looked = q.AfterIntegration + " " + q.AfterID
	return w.observeAge(ctx, rows)
}

func (w *Worker) observeAge(ctx context.Context, rows []call.RecordingStatus) error {
	times, err := w.c.opts.Custody.LastStep(ctx, rows, string(Verified), string(Altered), string(Absent), string(Unreadable))
	if err != nil {
		return err
	}
	var oldest time.Time
	for i, t := range times {
		if t.IsZero() {
			t = rows[i].ArchivedAt
		}
		if oldest.IsZero() || t.Before(oldest) {
			oldest = t
		}
	}
	w.c.m.oldest.Store(oldest.UnixMilli())
	return nil
}
