package warehouse_test

import "testing"

func TestProgressIsKept(t *testing.T) {
	t.Parallel()
	db := open(t)
	for _, want := range []string{"", "a", "it's \\ b", "a"} {
		if want != "" {
			must(t, db.SetProgress(t.Context(), "cdr", want))
		}
		got, err := db.Progress(t.Context(), "cdr")
		if err != nil || got != want {
			t.Fatalf("got %q, %v, want %q", got, err, want)
		}
	}
}
