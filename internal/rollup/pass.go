package rollup

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"fonoteka/internal/warehouse"
)

// The names of the rollups in rollup_days, except departments, which has no rows there.
const (
	calls       = "calls"
	departments = "departments"
	callers     = "callers"
	recordings  = "recordings"
)

// dirty is a fingerprint that no calls have: it forces a day to be recomputed.
const dirty = 1

// recent is how many days back every pass checks; older days are checked by a full pass.
const recent = 8

// Pass rolls up once what has changed.
func (r *Roller) Pass(ctx context.Context) error {
	now, err := r.opts.Store.ServerTime(ctx)
	if err != nil {
		return err
	}
	if err := r.load(ctx); err != nil {
		return err
	}
	began := time.Now()
	full, since := r.full.due(), DayOf(now)-recent
	var calendar string
	if full {
		since = 0
		if err := r.saveSettings(ctx, now); err != nil {
			return err
		}
		if calendar, err = r.opts.Store.Progress(ctx, ProgressCalendar); err != nil {
			return err
		}
	}
	days, basis, err := r.fingerprints(ctx, since)
	if err != nil {
		return err
	}
	var by string
	if full {
		r.full.done(began)
		if by, err = r.goesBy(ctx, calendar, basis); err != nil {
			return err
		}
		if err := r.invalidateReassigned(ctx, basis, now); err != nil {
			return err
		}
		if err := r.rollDepartments(ctx, basis, now); err != nil {
			return err
		}
	}
	if err := r.roll(ctx, calls, r.changed(calls, days, since), days, r.opts.Store.RollCalls); err != nil {
		return err
	}
	if full && r.slow.due() {
		began := time.Now()
		if err := r.rollSlow(ctx, days, now); err != nil {
			return err
		}
		r.slow.done(began)
		if err := r.settled(ctx, by); err != nil {
			return err
		}
	}
	r.metrics.passed.SetToCurrentTime()
	return nil
}

// rollSlow rolls up callers and recordings, which cost more, for all days.
func (r *Roller) rollSlow(ctx context.Context, days map[Day]uint64, now time.Time) error {
	todo := r.changed(callers, days, 0)
	if len(todo) > 0 {
		// Whether a caller is new on a day depends on all days before it, so that every
		// later day is recomputed, too.
		first := todo[0] - 1
		for day := range days {
			if day >= first && !slices.Contains(todo, day) {
				todo = append(todo, day)
			}
		}
	}
	if err := r.roll(ctx, callers, todo, days, r.opts.Store.RollCallers); err != nil {
		return err
	}
	changed, err := r.opts.Store.RecordingDays(ctx, r.since)
	if err != nil {
		return err
	}
	todo = r.changed(recordings, days, 0)
	if !r.since.IsZero() { // else every day counts as changed, and the fingerprints suffice
		todo = append(todo, changed...)
	}
	if err := r.roll(ctx, recordings, todo, days, r.opts.Store.RollRecordings); err != nil {
		return err
	}
	if err := r.opts.Store.MarkRecordingsWithoutCall(ctx, r.since, r.nextVersion(now)); err != nil {
		return err
	}
	// An insert that is under way becomes visible later, with the time when it began.
	r.since = now.Add(-warehouse.InsertTimeout - 10*time.Second)
	return r.opts.Store.SetProgress(ctx, "rollup", r.since.Format(time.RFC3339Nano))
}

// load reads how far the last Roller came.
func (r *Roller) load(ctx context.Context) error {
	if r.rolled != nil {
		return nil
	}
	position, err := r.opts.Store.Progress(ctx, "rollup")
	if err != nil {
		return err
	}
	if position != "" {
		if r.since, err = time.Parse(time.RFC3339Nano, position); err != nil {
			return fmt.Errorf("position of the rollups: %w", err)
		}
	}
	days, err := r.opts.Store.RolledDays(ctx)
	if err != nil {
		return err
	}
	if r.departments, err = r.opts.Store.Progress(ctx, progressDepartments); err != nil {
		return err
	}
	rolled := map[string]map[Day]uint64{calls: {}, callers: {}, recordings: {}}
	for _, d := range days {
		if of := rolled[d.Name]; of != nil {
			of[d.Day] = d.Fingerprint
		}
		r.version = max(r.version, d.Version)
	}
	r.rolled = rolled
	return nil
}

// saveSettings writes the options' settings into report_settings, for every integration
// that is configured or has calls.
func (r *Roller) saveSettings(ctx context.Context, now time.Time) error {
	seen, err := r.opts.Store.Integrations(ctx)
	if err != nil {
		return err
	}
	names := append(slices.Clone(r.opts.Integrations), seen...)
	slices.Sort(names)
	var settings []ReportSettings
	for _, name := range slices.Compact(names) {
		s := r.opts.Settings(name)
		settings = append(settings, s)
		r.span.CallbackDays = max(r.span.CallbackDays, s.CallbackDays)
		r.span.RepeatHours = max(r.span.RepeatHours, s.RepeatHours)
	}
	return r.opts.Store.SaveReportSettings(ctx, settings, now)
}

// fingerprints returns the fingerprints of days, which cover all that their rollups are
// computed from.
func (r *Roller) fingerprints(ctx context.Context, since Day) (map[Day]uint64, ReportBasis, error) {
	basis, err := r.opts.Store.ReportBasis(ctx)
	if err != nil {
		return nil, basis, err
	}
	days, err := r.opts.Store.CallDays(ctx, since)
	if err != nil {
		return nil, basis, err
	}
	for day, fingerprint := range days {
		days[day] = covering(fingerprint, basis, day)
	}
	return days, basis, nil
}

// covering mixes into the fingerprint of a day's calls what else its rows depend on. A day
// in the company's time zone overlaps two days of UTC.
func covering(fingerprint uint64, b ReportBasis, day Day) uint64 {
	var settings uint64
	for _, s := range b.Settings {
		if s.Since.Before((day + 1).Start()) { // what takes effect later, such as summer time, does not count
			settings += s.Fingerprint
		}
	}
	h := fnv.New64a()
	_ = binary.Write(h, binary.LittleEndian, []uint64{fingerprint, settings, b.OwnCalls[day]})
	for around := day - 1; around <= day+1; around++ {
		fmt.Fprint(h, b.Calendar[around], "|")
	}
	return max(h.Sum64(), dirty+1) // 0 is a day without calls
}

// changed are the days, from since on, whose fingerprint is not the one that
// they were rolled up with, in order; also those that have lost all their calls.
func (r *Roller) changed(name string, days map[Day]uint64, since Day) []Day {
	var out []Day
	for day, fingerprint := range days {
		if r.rolled[name][day] != fingerprint {
			out = append(out, day)
		}
	}
	for day, fingerprint := range r.rolled[name] {
		if _, there := days[day]; !there && fingerprint != 0 && day >= since {
			out = append(out, day)
		}
	}
	slices.Sort(out)
	return out
}

// rollFunc computes one rollup for a span of days.
type rollFunc func(context.Context, Span) error

// roll rolls up days, the newest first, so that a first pass over years begins with
// what people look at most. Between two spans the last days are checked again.
func (r *Roller) roll(ctx context.Context, name string, todo []Day, days map[Day]uint64, roll rollFunc) error {
	slices.Sort(todo)
	todo = slices.Compact(todo)
	waiting := len(todo)
	r.checked = time.Now()
	for _, span := range slices.Backward(spans(todo)) {
		r.metrics.waiting.WithLabelValues(name).Set(float64(waiting))
		if time.Since(r.checked) > r.opts.Every {
			if err := r.rollRecent(ctx); err != nil {
				return err
			}
		}
		if err := r.rollSpan(ctx, name, span, days, roll); err != nil {
			return err
		}
		waiting -= len(span)
	}
	r.metrics.waiting.WithLabelValues(name).Set(0)
	return nil
}

// rollRecent rolls up the calls of the last days.
func (r *Roller) rollRecent(ctx context.Context) error {
	now, err := r.opts.Store.ServerTime(ctx)
	if err != nil {
		return err
	}
	since := DayOf(now) - recent
	days, _, err := r.fingerprints(ctx, since)
	if err != nil {
		return err
	}
	for _, span := range spans(r.changed(calls, days, since)) {
		if err := r.rollSpan(ctx, calls, span, days, r.opts.Store.RollCalls); err != nil {
			return err
		}
	}
	r.checked = time.Now()
	r.metrics.passed.SetToCurrentTime()
	return nil
}

// rollSpan rolls up days of one month and saves their fingerprints.
func (r *Roller) rollSpan(ctx context.Context, name string, span []Day, days map[Day]uint64, roll rollFunc) error {
	now, err := r.opts.Store.ServerTime(ctx)
	if err != nil {
		return err
	}
	s := r.span
	s.From, s.To, s.Version = span[0], span[len(span)-1]+1, r.nextVersion(now)
	began := time.Now()
	if err := roll(ctx, s); err != nil {
		return err
	}
	done := make([]Rolled, len(span))
	for i, day := range span {
		done[i] = Rolled{Name: name, Day: day, Fingerprint: days[day], Version: s.Version}
	}
	if err := r.opts.Store.SaveRolled(ctx, done); err != nil {
		return err
	}
	for _, d := range done {
		r.rolled[name][d.Day] = d.Fingerprint
	}
	r.metrics.days.WithLabelValues(name).Add(float64(len(span)))
	r.metrics.seconds.WithLabelValues(name).Observe(time.Since(began).Seconds())
	return nil
}

// nextVersion returns ever higher versions, even where the server's clock stands still or
// is set back.
func (r *Roller) nextVersion(now time.Time) uint64 {
	r.version = max(r.version+1, uint64(now.UnixMicro()))
	return r.version
}

// spans groups consecutive days of one month.
func spans(days []Day) [][]Day {
	var out [][]Day
	for i, day := range days {
		if i == 0 || day != days[i-1]+1 || day.Start().Month() != days[i-1].Start().Month() {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], day)
	}
	return out
}
