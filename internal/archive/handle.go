package archive

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"fonoteka/internal/audio"
	"fonoteka/internal/blob"
	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
	"fonoteka/internal/fetch"
	"fonoteka/internal/queue"
)

// enqueueWithin is how near a next try must be to be put into the queue right away; the
// planner, which looks every ten seconds, cares for later ones.
const enqueueWithin = 90 * time.Second

// Handle does one job. When it returns nil, the outcome is in the catalogue:
// archived, or failed with reason and next try – or, where only the catalogue
// could not be written, the next try is in the queue, and the catalogue's older
// row lets the planner bring it back. An error means that store or catalogue
// or this machine failed; the same job must be run again soon.
func (a *Archiver) Handle(ctx context.Context, job queue.Job) error {
	a.m.inFlight.Inc()
	defer a.m.inFlight.Dec()
	start := a.opts.Now()
	outcome, err := a.handle(ctx, job)
	if err != nil && ctx.Err() == nil && !errors.Is(err, queue.ErrStopping) && job.Failures >= maxInfraFailures && a.outage.archivesOthers() {
		outcome, err = a.putOff(ctx, job, err)
	}
	took := a.opts.Now().Sub(start)
	switch {
	case err != nil:
		outcome = Again
		if ctx.Err() == nil && !errors.Is(err, queue.ErrStopping) {
			a.outage.failed(ctx, job.Recording.ID, err)
		}
	default:
		a.opts.Log.DebugContext(ctx, "recording handled", "recording", job.Recording.ID, "attempt", job.Attempt+1, "outcome", outcome, "took", took)
	}
	a.m.attempts.WithLabelValues(string(outcome)).Inc()
	a.m.took.Observe(took.Seconds())
	return err
}

// maxInfraFailures: after so many infrastructure failures of one job, half a minute
// apart at last, while other recordings are archived, a failure is recorded and the
// recording is scheduled like any other that failed. Else it would take a place in the
// planner's window for ever, and nobody would be told.
const maxInfraFailures = 30

// putOff records that a try failed by cause, and its next try. Its error is cause where
// it cannot.
func (a *Archiver) putOff(ctx context.Context, job queue.Job, cause error) (outcome Outcome, err error) {
	row, known, err := a.row(ctx, job)
	switch {
	case err != nil:
		return "", cause
	case known && a.settled(row, job):
		return Stale, nil
	}
	a.opts.Log.ErrorContext(ctx, "recording put off, others are archived", "recording", job.Recording.ID, "failures", job.Failures+1, "err", cause)
	f := failure(call.Failure{Code: call.CodeOwnFailure, OwnFailures: job.Failures + 1})
	commit, err := a.failed(ctx, merge(job.Recording, row.Recording), job, row, f, nil)
	if err != nil {
		return "", cause
	}
	return failedWith(f.Kind), commit(ctx)
}

func (a *Archiver) handle(ctx context.Context, job queue.Job) (outcome Outcome, err error) {
	if job.Failures >= maxInfraFailures {
		defer func() {
			if v := recover(); v != nil {
				err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
			}
		}()
	}
	rec := job.Recording
	talked := a.talkOf(ctx, rec)
	row, known, err := a.row(ctx, job)
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err != nil: // recordings must reach the bucket without the catalogue
		a.m.infra.WithLabelValues("catalogue").Inc()
		row = call.RecordingStatus{}
	case known && a.settled(row, job):
		return Stale, nil
	case known:
		rec = merge(rec, row.Recording)
	}
	outcome, commit, err := a.attemptInTurn(ctx, job, rec, row, err == nil, <-talked)
	if err != nil {
		return "", err
	}
	return outcome, commit(ctx)
}

// commit writes what is left of an attempt: its sidecar, and the row.
type commit func(ctx context.Context) error

// attemptInTurn is attempt within the limit of Options.Parallel. What it leaves to
// commit is not limited: a job that waits for the catalogue, which writes in groups,
// holds neither a body nor a slot.
func (a *Archiver) attemptInTurn(ctx context.Context, job queue.Job, rec call.Recording, row call.RecordingStatus, known bool, t talk) (outcome Outcome, commit commit, err error) {
	before, end := queue.BeforeStop(ctx)
	defer end()
	if refused := a.downloads.do(before, Urgent(rec.ExpiresAt, a.opts.Now()), func() { outcome, commit, err = a.attempt(ctx, job, rec, row, known, t) }); refused != nil {
		return "", nil, refused
	}
	return outcome, commit, err
}

// attempt does what needs the operator's server and the store. known: the
// catalogue has answered, with row.
func (a *Archiver) attempt(ctx context.Context, job queue.Job, rec call.Recording, row call.RecordingStatus, known bool, t talk) (Outcome, commit, error) {
	// A recording that nobody has tried is not in the store, as a rule: if it is,
	// its conditional put says so. While something of ours fails, or is not known,
	// the store is asked first, so that the operator's server is not asked in vain.
	if row.State == call.Archived {
		return a.fetch(ctx, rec, job, row, t)
	}
	if job.Attempt > 0 || row.Attempt > 0 || !known || a.outage.Failing() {
		object, err := a.pairs.First(ctx, bucket.Stem(rec))
		if err == nil {
			left, err := a.finish(ctx, rec, job, object)
			return Finished, left, err
		}
		if !errors.Is(err, blob.ErrNotFound) {
			a.m.infra.WithLabelValues("store").Inc()
			return "", nil, err
		}
	}
	return a.fetch(ctx, rec, job, row, t)
}

// row reads what the catalogue has of a job's recording: what a try goes by, and of
// one that is archived and to be fetched again all.
func (a *Archiver) row(ctx context.Context, job queue.Job) (row call.RecordingStatus, known bool, err error) {
	row, known, err = a.opts.Catalogue.Recording(ctx, job.Recording.Integration, job.Recording.ID)
	if err != nil || !known || row.State != call.Archived || a.settled(row, job) {
		return row, known, err
	}
	return a.opts.Catalogue.Whole(ctx, job.Recording.Integration, job.Recording.ID)
}

// settled reports whether there is nothing to do: it is erased, or archived and not to
// be fetched again by now, or another job has gone on from here. A job for one that was
// given up, with its number of tries, is somebody's wish: a notification that comes
// again has none.
func (a *Archiver) settled(row call.RecordingStatus, job queue.Job) bool {
	if row.State == call.Archived && (row.NextAttemptAt.IsZero() || a.opts.Now().Before(row.NextAttemptAt)) {
		return true
	}
	return row.State.Rank() > call.Archived.Rank() || row.Attempt > job.Attempt
}

// merge takes the job's link, which may carry a fresher signature, the earliest
// announcement, and the call from whichever side knows it: an import may know the
// link alone.
func merge(job, row call.Recording) call.Recording {
	if job.GroupID == 0 {
		job.GroupID, job.PlatformCallID, job.PlatformID = row.GroupID, row.PlatformCallID, row.PlatformID
	}
	if job.AccountID == "" {
		job.AccountID = row.AccountID
	}
	if !row.AnnouncedAt.IsZero() && row.AnnouncedAt.Before(job.AnnouncedAt) {
		job.AnnouncedAt = row.AnnouncedAt
	}
	if !row.ExpiresAt.IsZero() && row.ExpiresAt.Before(job.ExpiresAt) {
		job.ExpiresAt = row.ExpiresAt
	}
	return job
}

// fetch downloads, verifies and stores. before is the catalogue's row, zero if
// there is none or it is not known.
func (a *Archiver) fetch(ctx context.Context, rec call.Recording, job queue.Job, before call.RecordingStatus, t talk) (Outcome, commit, error) {
	body, err := a.opts.Fetcher.Fetch(ctx, rec.Integration, rec.URL)
	var found audio.Result
	if err == nil {
		defer body.Close()
		a.m.bytes.Add(float64(body.Size))
		a.m.resumed.Add(float64(body.Resumed))
		found, err = verify(body)
	}
	if f, ok := errors.AsType[*fetch.Failure](err); ok {
		commit, err := a.failed(ctx, rec, job, before, f, body)
		return failedWith(f.Kind), commit, err
	}
	if err != nil {
		a.m.infra.WithLabelValues("download").Inc()
		return "", nil, err
	}
	side := bucket.Sidecar{
		Schema: bucket.SidecarSchema, Recording: rec, Key: bucket.Key(rec, found.Format), Format: string(found.Format), SHA256: body.SHA256, Size: body.Size,
		DurationMS: found.Duration.Milliseconds(), Attempt: job.Attempt + 1, FetchedAt: a.opts.Now().UTC(),
	}
	a.noteAnomalies(&side, found, body, t)
	if before.State == call.Archived {
		return a.refetched(ctx, side, body, before)
	}
	commit, err := a.store(ctx, side, body)
	if err != nil {
		a.m.infra.WithLabelValues("store").Inc()
	}
	return Stored, commit, err
}

// failed writes a failure and its next try. body is what came, where something did.
func (a *Archiver) failed(ctx context.Context, rec call.Recording, job queue.Job, before call.RecordingStatus, f *fetch.Failure, body *fetch.Body) (commit, error) {
	if before.State == call.Archived {
		return a.refetchFailed(ctx, rec, job, before, f), nil
	}
	now := a.opts.Now()
	row := call.RecordingStatus{Recording: rec, Attempt: job.Attempt + 1, Failure: f.Failure}
	next(&row, before, f, now)
	steps := []call.Custody{{
		Integration: rec.Integration, RecordingID: rec.ID, Step: "failed", At: now.UTC(), Attempt: row.Attempt, Detail: string(f.Kind),
	}}
	if row.State == call.Refused {
		steps[0].Step = "refused"
	}
	keepFormer(&row, before)
	if f.Why != nil && f.Format != "" {
		a.opts.Log.InfoContext(ctx, "what came is no whole recording", "recording", rec.ID, "format", f.Format, "err", f.Why)
	}
	if worthKeeping(f.Kind, row.Attempt) {
		step, err := a.quarantine(ctx, &row, job, body, f)
		if err != nil {
			return nil, err
		}
		steps = append(steps, step)
	}
	a.refresh(ctx, rec, f)
	return func(ctx context.Context) error { return a.saveFailed(ctx, row, now, steps) }, nil
}

// refresh asks for a fresh login where a try failed for want of one.
func (a *Archiver) refresh(ctx context.Context, rec call.Recording, f *fetch.Failure) {
	if f.Kind != fetch.Unauthorised || a.opts.Refresh == nil {
		return
	}
	if err := a.opts.Refresh(ctx, rec.Integration, f.Host); err != nil {
		a.m.infra.WithLabelValues("refresh").Inc()
		a.opts.Log.WarnContext(ctx, "login could not be refreshed", "err", err)
	}
}

func (a *Archiver) saveFailed(ctx context.Context, row call.RecordingStatus, now time.Time, steps []call.Custody) error {
	if err := a.opts.Catalogue.Save(ctx, row, steps...); err != nil {
		a.m.infra.WithLabelValues("catalogue").Inc()
		if row.NextAttemptAt.IsZero() || ctx.Err() != nil {
			return err
		}
		// The server must not be asked again every few seconds for as long as the
		// catalogue is out: the schedule goes on in the queue.
		a.outage.failed(ctx, row.ID, err)
		return a.enqueue(ctx, row)
	}
	a.outage.Note(nil)
	if row.NextAttemptAt.IsZero() || row.NextAttemptAt.Sub(now) > enqueueWithin {
		return nil
	}
	if err := a.enqueue(ctx, row); err != nil { // the planner will
		a.m.infra.WithLabelValues("queue").Inc()
		a.opts.Log.DebugContext(ctx, "next try not enqueued", "recording", row.ID, "err", err)
	}
	return nil
}

func (a *Archiver) enqueue(ctx context.Context, row call.RecordingStatus) error {
	return a.opts.Queue.Enqueue(ctx, jobOf(row), queue.Options{
		At: row.NextAttemptAt, Urgent: Urgent(row.ExpiresAt, a.opts.Now()),
	})
}

// next decides where a failed recording stands, and when it is tried again.
// Once its time is over it is given up by the server's own word, said twice and a
// day apart, and only by it: a single 404 may be the server's mistake, as may be
// our guess of the link's end. Anything else is tried every week for as long as
// it takes. before is the catalogue's row.
func next(row *call.RecordingStatus, before call.RecordingStatus, f *fetch.Failure, now time.Time) {
	c := classOf(f.Kind)
	row.State = c.state
	row.NextAttemptAt = NextAttempt(f.Kind, row.Attempt, row.AnnouncedAt, now, row.ExpiresAt)
	if !row.NextAttemptAt.IsZero() {
		return
	}
	if !c.last {
		row.NextAttemptAt = now.Add(7 * day)
		return
	}
	row.DeniedAt = now.UTC().Truncate(time.Millisecond) // as it is stored
	if !before.AskAgainAt().IsZero() {
		row.DeniedAt = before.DeniedAt
	}
	if until := row.AskAgainAt(); now.Before(until) && before.State != call.Expired {
		row.NextAttemptAt = until
		return
	}
	row.State, row.GivenUpAt = call.Expired, now.UTC()
}
