package system

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/sim"
)

// metrics is what Prometheus would be told now.
func (in *installation) metrics() string {
	resp, err := http.Get("http://" + in.runtime().PrivateListen + "/metrics")
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return string(body)
}

// An engine that lives and has closed its port is started again by itself; until
// then notifications are taken and recordings stored.
func TestAnEngineThatDoesNotListenIsStartedAgainAndNothingIsLost(t *testing.T) {
	t.Parallel()
	op := operate(t, sim.Options{Seed: 13, Calls: 60, Connections: 8})
	in := install(t, op.hosts()).start().ready()
	before := in.engine()
	in.exec("SYSTEM STOP LISTEN TCP")
	if err := op.Post(t.Context(), nil, in.redirectURI()); err != nil {
		t.Fatal(err)
	}
	ledger := op.Ledger()
	in.until("the metric says that the engine is down", time.Minute, func() bool {
		return strings.Contains(in.metrics(), `fonoteka_embedded_up{store="clickhouse"} 0`)
	})
	if got := in.engine(); got != before {
		t.Errorf("process %d had the engine's folder before it was missed, and %d has it now", before, got)
	}
	in.until("it was started again", 2*time.Minute, func() bool {
		m := in.metrics()
		return strings.Contains(m, `fonoteka_embedded_restarts_total{reason="not_listening",store="clickhouse"} 1`) &&
			strings.Contains(m, `fonoteka_embedded_up{store="clickhouse"} 1`)
	})
	in.settled(ledger)
	in.stop()
}
