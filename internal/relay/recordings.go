package relay

import (
	"context"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/spool"
)

// ToQueue is the sink of the cursor "recordings": each announcement becomes the
// first attempt to fetch the recording, whether or not the warehouse is up.
type ToQueue struct {
	Enqueue  func(ctx context.Context, r call.Recording) error // attempt 0; harmless when repeated
	Decode   Decoder
	LinkLife func(integration string) time.Duration
}

// Sink is the relay's sink. Records that cannot be read are skipped here: the other
// cursor sets them aside.
func (q *ToQueue) Sink(ctx context.Context, batch []spool.Record) (taken int, err error) {
	return q.Decode.portion(batch, func(_ spool.Record, o opened) (kept bool, err error) {
		if o.err != nil {
			return false, nil
		}
		for _, r := range Announcements(o.event, q.LinkLife) {
			if err := q.Enqueue(ctx, r); err != nil {
				return false, err
			}
		}
		return false, nil
	})
}
