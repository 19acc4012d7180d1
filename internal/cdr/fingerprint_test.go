package cdr_test

import (
	"math"
	"testing"

	"fonoteka/internal/cdr"
)

func TestSplitAndWithinFindTheirPart(t *testing.T) {
	t.Parallel()
	var sorted []cdr.Fingerprint
	for _, id := range []uint64{2, 4, 8, math.MaxUint64} {
		sorted = append(sorted, cdr.Fingerprint{CallID: id})
	}
	for id, want := range map[uint64][3]uint64{0: {0, 0, 4}, 2: {0, 2, 3}, 4: {1, 4, 2}, 5: {2, 0, 2}, math.MaxUint64: {3, math.MaxUint64, 0}} {
		before, with, after := cdr.Split(sorted, id)
		if got := [3]uint64{uint64(len(before)), with.CallID, uint64(len(after))}; got != want {
			t.Errorf("Split at %d: %v, want %v", id, got, want)
		}
	}
	for in, want := range map[cdr.Range]int{{To: math.MaxUint64}: 4, {From: 4, To: 4}: 1, {From: 3, To: 8}: 2, {From: 9, To: math.MaxUint64}: 1, {To: 1}: 0} {
		if got := len(cdr.Within(sorted, in)); got != want {
			t.Errorf("Within %v: %d, want %d", in, got, want)
		}
	}
}
