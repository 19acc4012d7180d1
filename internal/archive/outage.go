package archive

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"fonoteka/internal/run"
)

// outageAfter is how long nothing must have worked for an outage to be logged: one
// recording that fails among others that do not is no outage. The counters count each.
const outageAfter = 10 * time.Second

// outage knows whether our own infrastructure fails: store, catalogue, this machine.
type outage struct {
	*run.Outage
	log *slog.Logger
	now func() time.Time

	mu   sync.Mutex
	last time.Time // when a recording was archived last
}

func newOutage(o Options) *outage {
	out := &outage{Outage: run.NewOutage("archive", o.Log, o.Registerer), log: o.Log, now: o.Now}
	out.After = outageAfter
	return out
}

func (o *outage) failed(ctx context.Context, recording string, err error) {
	o.log.DebugContext(ctx, "infrastructure failed", "recording", recording, "err", err)
	o.Note(err, "recording", recording)
}

func (o *outage) archived() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = o.now()
}

// archivesOthers reports whether recordings are archived these minutes.
func (o *outage) archivesOthers() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.last.IsZero() && o.now().Sub(o.last) < 2*time.Minute
}
