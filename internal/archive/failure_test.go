package archive_test

import (
	"testing"

	"fonoteka/internal/archive"
	"fonoteka/internal/call"
	"fonoteka/internal/fetch"
)

// Every code of a failure has its kind, which schedules and counts it; what is said
// of archived recordings alone has none.
func TestEveryCodeOfAFailureIsClassified(t *testing.T) {
	t.Parallel()
	known := map[fetch.Kind]bool{}
	archived := false
	for _, w := range call.Codes() {
		archived = archived || w.Code == call.CodeAltered // those of what is archived begin
		kind := archive.KindOf(w.Code)
		if (kind == "") != archived {
			t.Errorf("%s is of kind %q", w.Code, kind)
		}
		known[kind] = true
	}
	for _, kind := range archive.Kinds() {
		if !known[kind] {
			t.Errorf("no code is of kind %s", kind)
		}
	}
}
