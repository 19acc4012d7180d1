package archive_test

import (
	"testing"

	"fonoteka/internal/archive"
	"fonoteka/internal/call"
)

// Every code of a failure has its kind, which schedules and counts it; what is said
// of archived recordings alone has none.
func TestEveryCodeOfAFailureIsClassified(t *testing.T) {
	t.Parallel()
	known := map[archive.Kind]bool{}
	archived := false
	for _, w := range call.Codes() {
		archived = archived || w.Code == call.CodeAltered // those of what is archived begin
		kind, ok := archive.KindOf[w.Code]
		if ok == archived || (kind == "") == ok {
			t.Errorf("%s is of kind %q", w.Code, kind)
		}
		known[kind] = true
	}
	for _, kind := range archive.Kinds {
		if !known[kind] {
			t.Errorf("no code is of kind %s", kind)
		}
	}
}
