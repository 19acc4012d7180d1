package rollup

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"
)

// progressDepartments is where the fingerprint is noted of the departments that
// hourly_departments has.
const progressDepartments = "rollup departments"

// forgetMoved notes the days as not done whose accounts the directory takes for
// other workplaces now. They are noted first and rolled up then, so that a crash
// between the two forgets none.
func (r *Roller) forgetMoved(ctx context.Context, basis ReportBasis, now time.Time) error {
	if r.workplaces != nil && *r.workplaces == basis.Workplaces {
		return nil
	}
	moved, err := r.opts.Store.MovedDays(ctx)
	if err != nil {
		return err
	}
	var days []Rolled
	for _, day := range moved {
		days = append(days, Rolled{Name: calls, Day: day, Fingerprint: undone, Version: r.nextVersion(now)})
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

// rollDepartments works hourly_departments out anew where the directory's
// departments have changed, for the days that are rolled up.
func (r *Roller) rollDepartments(ctx context.Context, basis ReportBasis, now time.Time) error {
	named := strconv.FormatUint(basis.Departments, 16)
	if r.departments == named {
		return nil
	}
	days := slices.Sorted(maps.Keys(r.rolled[calls]))
	days = slices.DeleteFunc(days, func(day Day) bool { return r.rolled[calls][day] == undone })
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
	if err := r.opts.Store.SetProgress(ctx, progressDepartments, named); err != nil {
		return err
	}
	r.departments = named
	return nil
}
