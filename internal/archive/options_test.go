package archive_test

import (
	"log/slog"
	"testing"

	"fonoteka/internal/archive"
)

func TestOptionsWithoutWhatIsRequiredAreRefused(t *testing.T) {
	t.Parallel()
	if a, err := archive.New(archive.Options{Log: slog.New(slog.DiscardHandler)}); err == nil {
		t.Errorf("an archiver of nothing: %+v", a)
	}
	if p, err := archive.NewPlanner(archive.PlannerOptions{Log: slog.New(slog.DiscardHandler)}); err == nil {
		t.Errorf("a planner of nothing: %+v", p)
	}
	if s, err := archive.NewSubmitter(archive.SubmitterOptions{}); err == nil {
		t.Errorf("a submitter of nothing: %+v", s)
	}
}
