package fixity

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"fonoteka/internal/call"
)

// page is how many rows are read, and noted in the chain of custody, at once.
const page = 200

// good are the steps of custody at which a recording was known to be right.
var good = []string{string(Verified), "archived", "restored"}

// Report counts what a scrub found.
type Report struct {
	Total        uint64    // recordings there were to check
	TotalBytes   uint64    // their bytes
	Checked      uint64    // of them; those that changed meanwhile count too
	Bytes        uint64    // read
	Wrong        uint64    // Altered, Absent and Unreadable together
	Altered      uint64    //
	Absent       uint64    //
	Unreadable   uint64    //
	Unlocked     uint64    // recordings that had lost their lock in the store
	LeftUnlocked uint64    // of them: they could not be locked anew
	Started      time.Time //
}

// Left estimates how long the rest takes at the pace so far; false while
// nothing can be said.
func (r Report) Left(now time.Time) (time.Duration, bool) {
	took := now.Sub(r.Started)
	if r.Checked == 0 || took < time.Second || r.Total < r.Checked {
		return 0, false
	}
	done := float64(r.Checked) / float64(r.Total)
	if r.TotalBytes > 0 && r.Bytes > 0 {
		done = min(float64(r.Bytes)/float64(r.TotalBytes), 1)
	}
	return time.Duration(float64(took) * (1 - done) / done), true
}

func (r *Report) add(f Finding) {
	r.Checked++
	r.Bytes += uint64(f.Size)
	switch f.Result {
	case Altered:
		r.Altered++
	case Absent:
		r.Absent++
	case Unreadable:
		r.Unreadable++
	}
	r.Wrong = r.Altered + r.Absent + r.Unreadable
}

// Scrub checks what q chooses, in the catalogue's order. wrong is called for
// each finding that is not Verified, progress after every page; either may be
// nil. When it returns nil, every check is in the chain of custody, and the
// rows of what is wrong say so.
func (c *Checker) Scrub(ctx context.Context, q Query, wrong func(Finding), progress func(Report)) (Report, error) {
	r := Report{Started: c.opts.Now()}
	var err error
	if r.Total, r.TotalBytes, err = c.opts.Rows.Count(ctx, q); err != nil {
		return r, err
	}
	for {
		rows, err := c.opts.Rows.Archived(ctx, q, page)
		if err != nil || len(rows) == 0 {
			return r, err
		}
		findings, err := c.CheckAll(ctx, rows)
		if err != nil {
			return r, err
		}
		lost, left, err := c.Relock(ctx, rows)
		if err != nil {
			return r, err
		}
		r.Unlocked, r.LeftUnlocked = r.Unlocked+uint64(lost), r.LeftUnlocked+uint64(left)
		for _, f := range findings {
			r.add(f)
			if f.Result != Verified && wrong != nil {
				wrong(f)
			}
		}
		if progress != nil {
			progress(r)
		}
		q = q.after(rows[len(rows)-1])
	}
}

// CheckAll checks rows and notes what it found. A row that changed while it was
// checked – erased, or its good copy is elsewhere now – is left out.
func (c *Checker) CheckAll(ctx context.Context, rows []call.RecordingStatus) ([]Finding, error) {
	findings, err := c.checkEach(ctx, rows)
	if err != nil {
		return nil, err
	}
	return c.note(ctx, findings)
}

func (c *Checker) checkEach(ctx context.Context, rows []call.RecordingStatus) ([]Finding, error) {
	findings := make([]Finding, 0, len(rows))
	var mu sync.Mutex
	g, inner := errgroup.WithContext(ctx)
	g.SetLimit(c.opts.Parallel)
	for _, row := range rows {
		g.Go(func() error {
			f, err := c.Check(inner, row)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			findings = append(findings, f)
			return nil
		})
	}
	return findings, g.Wait()
}

// note writes findings into the chain of custody, and into the rows where they
// say something new.
func (c *Checker) note(ctx context.Context, findings []Finding) ([]Finding, error) {
	findings, err := c.current(ctx, findings)
	if err != nil {
		return nil, err
	}
	if err := c.lastGood(ctx, findings); err != nil {
		return nil, err
	}
	var rows []call.RecordingStatus
	var steps []call.Custody
	for _, f := range findings {
		steps = append(steps, step(f.Row, string(f.Result), f.At, f.SHA256, detail(f)))
		if row, changed := marked(f); changed {
			rows = append(rows, row)
		}
		if f.Result != Verified {
			c.opts.Log.ErrorContext(ctx, "archived recording is not as it was", "recording", f.Row.ID, "key", f.Row.Key, "result", string(f.Result), "part", string(f.Part))
		} else if Faulty(f.Row) != "" {
			c.m.restored.WithLabelValues("back").Inc()
			c.opts.Log.InfoContext(ctx, "recording is as archived again", "recording", f.Row.ID, "key", f.Row.Key)
		}
	}
	if len(steps) == 0 {
		return findings, nil
	}
	if err := c.opts.Custody.Save(ctx, rows, steps); err != nil {
		return nil, err
	}
	return findings, nil
}

func step(row call.RecordingStatus, name string, at time.Time, digest, detail string) call.Custody {
	return call.Custody{Integration: row.Integration, RecordingID: row.ID, Step: name, At: at, SHA256: digest, Attempt: row.Attempt, Detail: detail}
}

func detail(f Finding) string {
	if f.Result == Verified {
		return ""
	}
	if f.Part == call.BesidePart {
		return string(f.Part) + " " + f.Row.Key + ": " + f.Detail
	}
	s := string(f.Part) + " " + f.Row.Key
	if f.Part == call.RecordingPart && f.Result == Altered {
		s += ": " + differing(f)
	}
	return s
}

// differing says in what the stored bytes of a recording are not those that were archived.
func differing(f Finding) string {
	if f.Size != f.Row.Size {
		return fmt.Sprintf("%d bytes instead of %d", f.Size, f.Row.Size)
	}
	return fmt.Sprintf("%d bytes as archived, but other ones", f.Size)
}

// marked is the row as the finding wants it, and whether that is a change. The
// same fault found again is none.
func marked(f Finding) (call.RecordingStatus, bool) {
	row, fault := f.Row, f.fault()
	if fault.Kind == row.Fault.Kind && fault.Part == row.Fault.Part {
		return row, false
	}
	row.Fault = fault
	row.Attempt++
	return row, true
}

// current leaves out what is wrong with a row that is not the catalogue's any more.
func (c *Checker) current(ctx context.Context, findings []Finding) ([]Finding, error) {
	var ids []string
	for _, f := range findings {
		if f.Result != Verified {
			ids = append(ids, f.Row.ID)
		}
	}
	if len(ids) == 0 {
		return findings, nil
	}
	rows, err := c.opts.Rows.ByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	type key struct{ integration, id string }
	now := map[key]call.RecordingStatus{}
	for _, r := range rows {
		now[key{r.Integration, r.ID}] = r
	}
	kept := findings[:0]
	for _, f := range findings {
		r := now[key{f.Row.Integration, f.Row.ID}]
		if f.Result == Verified || r.State == call.Archived && r.Key == f.Row.Key && r.SHA256 == f.Row.SHA256 {
			kept = append(kept, f)
		}
	}
	return kept, nil
}

// lastGood fills Finding.LastGood of what is wrong.
func (c *Checker) lastGood(ctx context.Context, findings []Finding) error {
	var at []int
	var rows []call.RecordingStatus
	for i, f := range findings {
		if f.Result != Verified {
			at, rows = append(at, i), append(rows, f.Row)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	times, err := c.opts.Custody.LastStep(ctx, rows, good...)
	if err != nil {
		return err
	}
	for n, i := range at {
		findings[i].LastGood = times[n]
		if times[n].IsZero() {
			findings[i].LastGood = findings[i].Row.ArchivedAt
		}
	}
	return nil
}
