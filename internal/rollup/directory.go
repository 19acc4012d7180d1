package rollup

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"
)

// progressDepartments is the name under which the warehouse keeps the fingerprint of the
// departments that hourly_departments was computed with.
const progressDepartments = "rollup departments"

// invalidateReassigned marks the days as dirty in which the directory now assigns an
// account to another workplace. The marks are saved before the days are rolled up, so
// that a crash between the two loses none.
func (r *Roller) invalidateReassigned(ctx context.Context, basis ReportBasis, now time.Time) error {
	if r.workplaces != nil && *r.workplaces == basis.Workplaces {
		return nil
	}
	moved, err := r.opts.Store.MovedDays(ctx)
	if err != nil {
		return err
	}
	var days []Rolled
	for _, day := range moved {
		days = append(days, Rolled{Name: calls, Day: day, Fingerprint: dirty, Version: r.nextVersion(now)})
	}
	if err := r.opts.Store.SaveRolled(ctx, days); err != nil {
		return err
	}
	for _, d := range days {
		r.rolled[calls][d.Day] = d.Fingerprint
	}
	r.workplaces = &basis.Workplaces
	return nil
}

// rollDepartments recomputes hourly_departments where the directory's departments have
// changed, for the days that are rolled up.
func (r *Roller) rollDepartments(ctx context.Context, basis ReportBasis, now time.Time) error {
	fingerprint := strconv.FormatUint(basis.Departments, 16)
	if r.departments == fingerprint {
		return nil
	}
	days := slices.Sorted(maps.Keys(r.rolled[calls]))
	days = slices.DeleteFunc(days, func(day Day) bool { return r.rolled[calls][day] == dirty })
	waiting := r.metrics.waiting.WithLabelValues(departments)
	waiting.Set(float64(len(days)))
	for _, span := range slices.Backward(spans(days)) {
		began := time.Now()
		s := r.span
		s.From, s.To, s.Version = span[0], span[len(span)-1]+1, r.nextVersion(now)
		if err := r.opts.Store.RollDepartments(ctx, s); err != nil {
			return err
		}
		r.metrics.days.WithLabelValues(departments).Add(float64(len(span)))
		r.metrics.seconds.WithLabelValues(departments).Observe(time.Since(began).Seconds())
		waiting.Sub(float64(len(span)))
	}
	if err := r.opts.Store.SetProgress(ctx, progressDepartments, fingerprint); err != nil {
		return err
	}
	r.departments = fingerprint
	return nil
}
