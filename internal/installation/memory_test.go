package installation

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/audit"
	"fonoteka/internal/settings"
	"fonoteka/internal/state"
)

func TestTheVaultRemembersTheAudit(t *testing.T) {
	t.Parallel()
	cfg := &settings.Config{Data: filepath.Join(t.TempDir(), "data")}
	if m, err := Memory(cfg).Recall(); err != nil || m != (audit.Remembered{}) {
		t.Errorf("without a data folder: %+v, %v", m, err)
	}
	if err := os.Mkdir(cfg.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	want := audit.Remembered{Writer: "w", Newest: audit.Point{Seq: 7, At: time.Date(2026, 3, 2, 12, 0, 0, 1e6, time.UTC), Hash: "h"}, Sealed: "2026-03-01"}
	if err := Memory(cfg).Remember(t.Context(), func(m *audit.Remembered) { *m = want }); err != nil {
		t.Fatal(err)
	}
	got, err := Memory(cfg).Recall()
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	if day := custodySealed(cfg)(); day != time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC) {
		t.Errorf("custody is sealed until %v", day)
	}
	other := &settings.Config{Data: cfg.Data, Key: strings.Repeat("k", 40)}
	if err := os.Rename(filepath.Join(cfg.Data, "key"), filepath.Join(cfg.Data, "elsewhere")); err != nil {
		t.Fatal(err)
	}
	if _, err := Memory(other).Recall(); !errors.Is(err, state.ErrSealed) {
		t.Errorf("with another key: %v", err)
	}
	if day := custodySealed(other)(); !day.IsZero() {
		t.Errorf("with another key custody is sealed until %v", day)
	}
}
