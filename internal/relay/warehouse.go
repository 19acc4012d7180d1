package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"golang.org/x/sync/errgroup"

	"fonoteka/internal/bounded"
	"fonoteka/internal/call"
	"fonoteka/internal/mtt"
	"fonoteka/internal/spool"
)

// Warehouse is where notifications become rows. Each call is durable when it
// returns nil, and harmless when repeated.
type Warehouse interface {
	InsertEvents(ctx context.Context, rows []call.Notification) error
	InsertRejected(ctx context.Context, rows []Rejected) error
}

// Catalogue takes the recordings that are announced. It is repeatable, too.
type Catalogue interface {
	AnnounceRecordings(ctx context.Context, recordings []call.Recording) error
}

// ToWarehouse is the sink of the cursor "warehouse".
type ToWarehouse struct {
	Warehouse Warehouse
	Catalogue Catalogue
	Decode    Decoder
	LinkLife  func(integration string) time.Duration
	Log       *slog.Logger
	Counter   *prometheus.CounterVec // NewNotifications
}

// NewNotifications counts notifications by kind and state as the relay reads
// them; "rejected" for those that nobody can read. States that the operator's
// page does not know are counted as "other", so that a sender cannot invent
// labels.
func NewNotifications(reg prometheus.Registerer, integrations ...string) *prometheus.CounterVec {
	c := promauto.With(reg).NewCounterVec(prometheus.CounterOpts{
		Name: "fonoteka_notifications_total",
		Help: "Notifications relayed to the warehouse, by kind and state; deliveries again are counted again.",
	}, []string{"integration", "kind", "state"})
	for _, i := range integrations { // so that the first one is an increase
		c.WithLabelValues(i, "rejected", "")
	}
	return c
}

// Sink is the relay's sink.
func (w *ToWarehouse) Sink(ctx context.Context, batch []spool.Record) (taken int, err error) {
	rows, taken := w.read(batch)
	// Concurrently: most of an insert is waiting for the disk, and none depends on another.
	inserts, all := errgroup.WithContext(ctx)
	inserts.Go(func() error { return w.Catalogue.AnnounceRecordings(all, rows.announced) })
	inserts.Go(func() error { return w.Warehouse.InsertRejected(all, rows.rejected) })
	inserts.Go(func() error { return w.Warehouse.InsertEvents(all, rows.events) })
	if err := inserts.Wait(); err != nil {
		return 0, err
	}
	for _, label := range rows.labels {
		w.Counter.WithLabelValues(label[:]...).Inc()
	}
	for _, r := range rows.rejected {
		w.Log.Warn("notification rejected", "integration", r.Integration, "bytes", len(r.Body), "reason", r.Reason, "err", r.Detail)
	}
	return taken, nil
}

type rows struct {
	events    []call.Notification
	announced []call.Recording
	rejected  []Rejected
	labels    [][3]string
}

// read makes rows of a portion of the batch.
func (w *ToWarehouse) read(batch []spool.Record) (r rows, taken int) {
	taken, _ = w.Decode.portion(batch, func(rec spool.Record, o opened) (kept bool, err error) {
		if errors.Is(rec.Err, spool.ErrErased) {
			return false, nil
		}
		if o.err != nil {
			r.rejected = append(r.rejected, reject(rec, o.err))
			r.labels = append(r.labels, [3]string{rec.Integration, "rejected", ""})
			return true, nil
		}
		e := o.event
		r.labels = append(r.labels, [3]string{rec.Integration, string(e.Kind), state(e)})
		r.events = append(r.events, call.Notification{
			Integration: e.Integration, GroupID: e.GroupID(), EventID: e.ID, ReceivedAt: e.ReceivedAt,
			Kind: e.Kind, State: string(e.State), Body: o.body,
		})
		r.announced = append(r.announced, Announcements(e, w.LinkLife)...)
		return true, nil
	})
	return r, taken
}

func state(e call.Event) string {
	if e.Kind == call.KindUnknown {
		return "other"
	}
	return string(e.State)
}

// Announcements are the recordings that an event announces, whatever its kind and
// state. Those of an event that names no call belong to no call.
func Announcements(e call.Event, linkLife func(integration string) time.Duration) []call.Recording {
	var out []call.Recording
	for _, link := range e.Links() {
		out = append(out, call.Recording{
			Integration: e.Integration, ID: call.RecordingID(e.Integration, link), URL: link,
			GroupID: e.GroupID(), PlatformCallID: call.BaseID(e.PlatformID), PlatformID: e.PlatformID, AccountID: e.AccountID,
			AnnouncedAt: e.ReceivedAt, ExpiresAt: call.Expiry(e.ReceivedAt, link, linkLife(e.Integration)),
		})
	}
	return out
}

// SetAside is the relay's, for what the warehouse refuses for good.
func (w *ToWarehouse) SetAside(ctx context.Context, rec spool.Record, why string) error {
	row := reject(rec, errors.New(why))
	row.Reason = "refused"
	return w.Warehouse.InsertRejected(ctx, []Rejected{row})
}

// reject makes a row. Its id is made of the body; where the body is cut, of its number and
// receive time, since equal beginnings may have been different notifications; where the
// record is damaged, and these may be lost, of the spool, its number there, and what is left.
func reject(rec spool.Record, err error) Rejected {
	id := call.EventID(rec.Body)
	switch {
	case rec.Err != nil:
		id = call.EventID(fmt.Appendf(nil, "%d %d %d %s", rec.Origin, rec.Seq, rec.ReceivedAt.UnixNano(), rec.Body))
	case rec.Truncated != "":
		id = call.EventID(fmt.Appendf(nil, "%d %d", rec.Seq, rec.ReceivedAt.UnixNano()))
	}
	return Rejected{
		ID: id, Integration: rec.Integration, ReceivedAt: rec.ReceivedAt, Reason: reason(rec, err), Detail: err.Error(),
		ContentType: rec.ContentType, ContentEncoding: rec.ContentEncoding, Body: rec.Body,
	}
}

func reason(rec spool.Record, err error) string {
	switch {
	case rec.Err != nil:
		return "damaged"
	case rec.Truncated != "", errors.Is(err, bounded.ErrTooLarge):
		return "too large"
	case errors.Is(err, mtt.ErrUnreadable):
		return "unreadable"
	}
	return "encoding"
}
