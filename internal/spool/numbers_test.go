package spool

import (
	"testing"

	"pgregory.net/rapid"
)

func TestNumbersAreASet(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.OneOf(rapid.Uint64Range(0, 300), rapid.Uint64Range(65_400, 65_700), rapid.Uint64())
		set, want := numbers{}, map[uint64]bool{}
		for _, n := range rapid.SliceOf(number).Draw(t, "added") {
			if set.add(n) == want[n] {
				t.Fatalf("added %d", n)
			}
			want[n] = true
		}
		other := numbers{}
		for _, n := range rapid.SliceOf(number).Draw(t, "removed") {
			other.add(n)
			delete(want, n)
		}
		set.remove(other)
		after, last := number.Draw(t, "after"), number.Draw(t, "last")
		count := uint64(0)
		for n := range want {
			if !set.has(n) {
				t.Fatalf("%d is gone", n)
			}
			if n > after && n <= last {
				count++
			}
		}
		if got := set.between(after, last); got != count {
			t.Fatalf("%d between %d and %d, want %d", got, after, last, count)
		}
	})
}
