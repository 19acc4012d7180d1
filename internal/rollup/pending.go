package rollup

import (
	"context"
	"fmt"
	"hash/fnv"
)

// The names in progress from which the view report_pending knows that reports are being
// worked out anew: they go by another calendar or other settings until then, while
// report_calls goes by the new ones at once. Each has one writer.
const (
	// ProgressCalendar is set by whoever has written the calendar, each time to another
	// position. It is set afterwards: a pass that knows the position has read that calendar.
	ProgressCalendar = "report calendar"

	progressSettings = "report settings" // fingerprint of report_settings
	progressReports  = "reports"         // both positions, of the last pass that left nothing to do
)

// goesBy returns what a full pass goes by, from the position of the calendar, which was
// read before the basis. It notes new settings, so that report_pending has a row until
// settled.
func (r *Roller) goesBy(ctx context.Context, calendar string, basis ReportBasis) (string, error) {
	var sum uint64 // of no order
	for _, s := range basis.Settings {
		h := fnv.New64a()
		fmt.Fprint(h, s.Since.Unix(), s.Fingerprint)
		sum += h.Sum64()
	}
	settings := fmt.Sprintf("%016x", sum)
	if settings != r.settings {
		if err := r.opts.Store.SetProgress(ctx, progressSettings, settings); err != nil {
			return "", err
		}
		r.settings = settings
	}
	return calendar + " " + settings, nil
}

// settled notes that all rollups are as the pass that goes by by would make them.
func (r *Roller) settled(ctx context.Context, by string) error {
	if by == r.settledBy {
		return nil
	}
	if err := r.opts.Store.SetProgress(ctx, progressReports, by); err != nil {
		return err
	}
	r.settledBy = by
	return nil
}
