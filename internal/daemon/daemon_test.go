package daemon

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"

	"fonoteka/internal/embedded/embeddedtest"
	"fonoteka/internal/fetch"
	"fonoteka/internal/settings"
	"fonoteka/internal/state"
)

func TestServeStopsWithoutLeavingAnything(t *testing.T) {
	embeddedtest.Engine(t)
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	hosts, err := fetch.ParseHosts()
	if err != nil {
		t.Fatal(err)
	}
	cfg := &settings.Config{
		Data: t.TempDir(), Public: settings.Public{Listen: "127.0.0.1:0"}, PrivateListen: "127.0.0.1:0", Ports: map[string]int{}, EngineCache: engineCache(t),
		RecordHosts: hosts, Workers: 4, EndAfter: time.Hour,
		Integrations: []settings.Integration{{Name: "main", Path: redirect, Zone: time.UTC, LinkLife: 90 * 24 * time.Hour}},
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Run(ctx, cfg, slog.New(slog.DiscardHandler)) }()
	ready := false
	for deadline := time.Now().Add(time.Minute); !ready && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if r, err := state.ReadRuntime(cfg.Data); err == nil {
			status, _ := get(t, "http://"+r.PrivateListen+"/readyz")
			ready = status == http.StatusOK
		}
	}
	if !ready {
		t.Error("it did not become ready")
	}
	http.DefaultClient.CloseIdleConnections()
	cancel()
	if err := <-done; err != nil {
		t.Errorf("serve = %v", err)
	}
	if left := leftovers(cfg.Data); left != "" {
		t.Errorf("left running: %s", left)
	}
}
