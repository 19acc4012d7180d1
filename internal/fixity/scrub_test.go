package fixity_test

import (
	"testing"
	"time"

	"fonoteka/internal/fixity"
)

// What is left of a scrub is estimated by bytes where they are known, else by recordings.
func TestWhatIsLeftOfAScrubIsEstimated(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name   string
		report fixity.Report
		took   time.Duration
		left   time.Duration
		known  bool
	}{
		{"nothing checked", fixity.Report{Total: 10}, time.Minute, 0, false},
		{"too early", fixity.Report{Total: 10, Checked: 1}, time.Second - 1, 0, false},
		{"more than there were at the start", fixity.Report{Total: 10, Checked: 11}, time.Minute, 0, false},
		{"by recordings", fixity.Report{Total: 10, Checked: 2}, time.Minute, 4 * time.Minute, true},
		{"by bytes", fixity.Report{Total: 10, Checked: 2, TotalBytes: 400, Bytes: 100}, time.Minute, 3 * time.Minute, true},
		{"done", fixity.Report{Total: 10, Checked: 10, TotalBytes: 400, Bytes: 500}, time.Minute, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.report.Started = start
			left, known := c.report.Left(start.Add(c.took))
			if left != c.left || known != c.known {
				t.Errorf("%v, %v; want %v, %v", left, known, c.left, c.known)
			}
		})
	}
}
