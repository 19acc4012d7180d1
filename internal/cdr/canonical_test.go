package cdr_test

import (
	"testing"

	"pgregory.net/rapid"

	"fonoteka/internal/cdr"
)

func TestCallVersionOrdersEpochThenEventsThenRevision(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		type version struct {
			epoch    uint16
			events   uint32
			revision uint16
		}
		draw := func() version {
			return version{rapid.Uint16().Draw(t, "epoch"), rapid.Uint32().Draw(t, "events"), rapid.Uint16().Draw(t, "revision")}
		}
		a, b := draw(), draw()
		va := cdr.CallVersion(a.epoch, a.events, a.revision)
		vb := cdr.CallVersion(b.epoch, b.events, b.revision)
		less := a.epoch < b.epoch || a.epoch == b.epoch && (a.events < b.events || a.events == b.events && a.revision < b.revision)
		if less != (va < vb) {
			t.Fatalf("%v %v", a, b)
		}
		if e, n, r := cdr.SplitCallVersion(va); (version{e, n, r}) != a {
			t.Fatalf("%v comes apart as %v %v %v", a, e, n, r)
		}
	})
}
