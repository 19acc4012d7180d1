package words_test

import (
	"testing"
	"time"

	"fonoteka/internal/words"
)

func TestNumbersAndTimesAreTold(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		words.Count(1, "call"): "1 call", words.Count(2, "call"): "2 calls", words.Count(0, "mistake"): "0 mistakes",
		words.Grouped(1234567): "1,234,567", words.Grouped(-1234): "-1,234", words.Grouped(999): "999",
		words.RecordingsAre(1): "1 recording is", words.RecordingsAre(3): "3 recordings are",
		words.Clock(time.Time{}): "-", words.Clock(time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)): "2026-03-02 10:00:00",
		words.Local(time.Time{}, nil): "-", words.Local(time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC), nil): "2026-03-02 10:00:00 +00:00",
		words.Local(time.Date(2026, 3, 2, 23, 0, 0, 0, time.UTC), time.FixedZone("MSK", 3*3600)): "2026-03-03 02:00:00 +03:00",
		words.Roughly(0): "0 s", words.Roughly(50 * time.Hour): "2 d 2 h", words.Roughly(90 * time.Second): "1 min 30 s",
		words.Ends(time.Hour): "ends in 1 h 0 min", words.Ends(-time.Minute): "ended 1 min 0 s ago",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
