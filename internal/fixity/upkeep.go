package fixity

import (
	"context"
	"time"

	"fonoteka/internal/blob"
	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
)

// maxFaulty bounds one recheck.
const maxFaulty = 1000

// recheck looks at what is known to be wrong, and tries to mend it.
func (w *Worker) recheck(ctx context.Context) error {
	rows, err := w.c.opts.Rows.Archived(ctx, Query{Faulty: true}, maxFaulty)
	if err != nil {
		return err
	}
	for at := 0; at < len(rows); at += page {
		findings, err := w.c.checkEach(ctx, rows[at:min(at+page, len(rows))])
		if err != nil {
			return err
		}
		var news []Finding // the same again would fill the chain of custody
		for _, f := range findings {
			if f.Result != Faulty(f.Row) {
				news = append(news, f)
			}
		}
		if _, err := w.c.note(ctx, news); err != nil {
			return err
		}
		for _, f := range findings {
			if f.Result != Verified {
				w.restore(ctx, f)
			}
		}
	}
	return nil
}

// restore tries to mend, each recording once a day.
func (w *Worker) restore(ctx context.Context, f Finding) {
	now := w.c.opts.Now()
	if now.Sub(w.fetched[f.Row.ID]) < 24*time.Hour {
		return
	}
	if len(w.fetched) > 10*maxFaulty {
		clear(w.fetched)
	}
	w.fetched[f.Row.ID] = now
	f.Row = w.latest(ctx, f.Row)
	if _, err := w.c.Restore(ctx, f, w.opts.Fetch); err != nil && ctx.Err() == nil {
		w.c.m.failures.WithLabelValues("restore").Inc()
		w.c.opts.Log.WarnContext(ctx, "recording could not be fetched again", "recording", f.Row.ID, "err", err)
	}
}

// latest is the row after the finding was noted in it.
func (w *Worker) latest(ctx context.Context, row call.RecordingStatus) call.RecordingStatus {
	rows, err := w.c.opts.Rows.ByID(ctx, []string{row.ID})
	if err == nil {
		for _, r := range rows {
			if r.Integration == row.Integration && r.Key == row.Key {
				return r
			}
		}
	}
	return row
}

// sweep looks for orphans and ends what was left of uploads.
func (w *Worker) sweep(ctx context.Context) error {
	r, err := w.c.Orphans(ctx, nil, nil)
	if err != nil {
		return err
	}
	for _, kind := range orphanKinds {
		w.c.m.orphans.WithLabelValues(string(kind)).Set(float64(r.ByKind[kind]))
	}
	if w.opts.Uploads != nil {
		if err := w.endUploads(ctx); err != nil {
			return err
		}
	}
	w.pass.Swept = w.c.opts.Now().UTC()
	return w.save(ctx)
}

// endUploads ends incomplete uploads under our own names that are older than a
// day. Fonoteka makes none itself: they come from who restores or copies.
func (w *Worker) endUploads(ctx context.Context) error {
	var old []blob.Upload
	err := w.opts.Uploads.Leftovers(ctx, "", func(u blob.Upload) bool {
		if _, _, ours := bucket.Split(u.Key); ours && w.c.opts.Now().Sub(u.Started) > 24*time.Hour {
			old = append(old, u)
		}
		return true
	})
	if err != nil {
		return err
	}
	for _, u := range old {
		if err := w.opts.Uploads.Abort(ctx, u); err != nil {
			return err
		}
		w.c.m.uploads.Inc()
		w.c.opts.Log.InfoContext(ctx, "incomplete upload ended", "key", u.Key)
	}
	return nil
}
