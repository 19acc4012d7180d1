package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"fonoteka/internal/admin"
	"fonoteka/internal/cdr"
	"fonoteka/internal/embedded"
	"fonoteka/internal/installation"
	"fonoteka/internal/settings"
	"fonoteka/internal/warehouse/calls"
)

// rebuildMemory is what the process may hold while it compares a slice.
const rebuildMemory = 250 << 20

// rebuildHandler answers with the progress, a JSON object a line. It ends when
// the one who asked goes away, and goes on when asked again.
func (p *pipeline) rebuildHandler(w http.ResponseWriter, r *http.Request) {
	o, err := admin.ReadRebuildQuery(r.URL.Query())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if err := p.ready.tables(); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	if usual := debug.SetMemoryLimit(-1); usual < rebuildMemory {
		debug.SetMemoryLimit(rebuildMemory)
		defer debug.SetMemoryLimit(usual)
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	enc, flush := json.NewEncoder(w), http.NewResponseController(w).Flush
	var said time.Time
	at, err := p.deriver.Rebuild(r.Context(), calls.New(p.warehouse), o, func(at cdr.Rebuilt) {
		if time.Since(said) > 500*time.Millisecond {
			said = time.Now()
			_ = enc.Encode(admin.Rebuilding{Rebuilt: at})
			_ = flush()
		}
	})
	line := admin.Rebuilding{Rebuilt: at}
	if err != nil && !errors.Is(err, context.Canceled) {
		p.log.Warn("rebuild of calls broke off", "share", at.Share, "err", err)
		line.Error = err.Error()
	}
	_ = enc.Encode(line)
}

// RebuildAlone does it in this process, where none runs. serve, should it start
// meanwhile, takes notifications and waits with everything else for the warehouse's
// files.
func RebuildAlone(ctx context.Context, cfg *settings.Config, o cdr.RebuildOptions, each func(cdr.Rebuilt)) error {
	release, err := installation.TakeDeriver(cfg.Data)
	if err != nil {
		return fmt.Errorf("something else derives calls here: %w", err)
	}
	err = installation.Use(ctx, cfg, []embedded.Store{embedded.StoreClickHouse}, false, slog.New(slog.NewTextHandler(os.Stderr, nil)), func(st *installation.Stores) error {
		d, err := NewDeriver(cfg, st.Warehouse, slog.New(slog.DiscardHandler), nil)
		if err != nil {
			return err
		}
		_, err = d.Rebuild(ctx, calls.New(st.Warehouse), o, each)
		return err
	})
	return errors.Join(err, release())
}
