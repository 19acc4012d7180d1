package daemon

import (
	"context"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/audit"
	"fonoteka/internal/call"
	"fonoteka/internal/playback"
	"fonoteka/internal/settings"
	"fonoteka/internal/warehouse/catalogue"
	"fonoteka/internal/warehouse/reports"
)

// newPlayback lets people listen to recordings by their links.
func (p *pipeline) newPlayback(password string, reg prometheus.Registerer) (*playback.Handler, error) {
	return playback.New(playback.Options{
		Find:     p.findRecording,
		Store:    func(bucket string) playback.Store { return p.blob.In(bucket) },
		Note:     p.noteListener,
		Suspect:  p.scrub.suspect,
		Judge:    p.refusals.judge("recording.listen"),
		Password: password, Log: p.log, Registerer: reg,
	})
}

// noteListener keeps in the audit who listens to a recording, by the name that
// came with the password.
func (p *pipeline) noteListener(ctx context.Context, who string, r call.RecordingStatus) error {
	if who == "" {
		who = "nameless"
	}
	return p.keeping.trail.Log(ctx, audit.Entry{
		Actor: who, Action: "recording.listen", Integration: r.Integration, Target: r.ID, Outcome: audit.Done,
	})
}

func (p *pipeline) findRecording(ctx context.Context, id string) (row call.RecordingStatus, known bool, err error) {
	if err := p.ready.tables(); err != nil {
		return row, false, err
	}
	rows, err := catalogue.New(p.warehouse).ListRecordings(ctx, catalogue.Filter{ID: id, Limit: 1})
	if err != nil || len(rows) == 0 {
		return row, false, err
	}
	return rows[0].RecordingStatus, true, nil
}

// tellAddress keeps for the dashboards where recordings are listened to.
func (p *pipeline) tellAddress(ctx context.Context, url string) error {
	p.ready.awaitTables(ctx)
	var fault atomic.Pointer[error]
	p.ready.insist(ctx, "keep the address of recordings", time.Minute, &fault, func(ctx context.Context) error {
		return reports.New(p.warehouse).SaveAddress(ctx, "recordings", url)
	})
	<-ctx.Done()
	return nil
}

// recordingsAddress is where a browser finds the private listener: as was
// configured, else as it listens; a listener on every address is named by this
// machine's own.
func recordingsAddress(cfg *settings.Config, private net.Addr) string {
	if cfg.RecordingsURL != "" {
		return cfg.RecordingsURL
	}
	addr, err := netip.ParseAddrPort(private.String())
	if err == nil && addr.Addr().IsUnspecified() {
		addr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), addr.Port())
	}
	return "http://" + addr.String()
}
