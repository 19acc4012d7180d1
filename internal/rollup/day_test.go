package rollup_test

import (
	"testing"
	"time"

	"fonoteka/internal/rollup"
)

// A day is the same key however its moment was come by.
func TestADayIsOneKey(t *testing.T) {
	t.Parallel()
	moscow, err := time.LoadLocation("Europe/Moscow")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[rollup.Day]int{}
	for _, text := range []string{"1969-12-31", "1970-01-01", "2026-03-02", "2149-06-06"} {
		begin, err := time.Parse(time.DateOnly, text)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range []time.Time{begin, begin.In(moscow), begin.Add(24*time.Hour - 1), begin.Local()} {
			d := rollup.DayOf(at)
			seen[d]++
			if d.String() != text || !d.Start().Equal(begin) || d.Start().Location() != time.UTC {
				t.Errorf("%v is %s, which begins at %v", at, d, d.Start())
			}
		}
	}
	if len(seen) != 4 {
		t.Errorf("keys %v", seen)
	}
	now := time.Now() // with its monotonic reading
	if rollup.DayOf(now) != rollup.DayOf(now.Round(0).UTC()) {
		t.Error("now is two days")
	}
}
