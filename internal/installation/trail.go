package installation

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/audit"
	"fonoteka/internal/settings"
	"fonoteka/internal/state"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/trails"
)

func auditDir(cfg *settings.Config) string { return filepath.Join(cfg.Data, "audit") }

// OpenAudit opens the audit of the installation; log and reg may be nil.
func OpenAudit(cfg *settings.Config, log *slog.Logger, reg prometheus.Registerer) (*audit.Trail, error) {
	v, err := state.Read(cfg.Data)
	if err != nil && !errors.Is(err, state.ErrNone) {
		return nil, err
	}
	return audit.Open(audit.Options{
		Dir: auditDir(cfg), Memory: Memory(cfg), Installation: v.Installation, Log: log, Registerer: reg,
	})
}

// ShipNow brings what was logged just now to the table; where serve runs, it
// does the same within seconds, and both may. Nothing is remembered here: that is
// what an audit is compared with next.
func ShipNow(ctx context.Context, cfg *settings.Config, db *warehouse.DB) error {
	trail, err := audit.Open(audit.Options{Dir: auditDir(cfg)})
	if err != nil {
		return err
	}
	s, err := trail.NewShipper(audit.ShipperOptions{Table: trails.New(db)})
	if err != nil {
		return err
	}
	return s.Ship(ctx)
}
