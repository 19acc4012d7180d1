package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/call"
	"fonoteka/internal/mtt"
	"fonoteka/internal/spool"
	"fonoteka/internal/warehouse"
)

// Warehouse is where notifications become rows. Each call is durable when it
// returns nil, and harmless when repeated.
type Warehouse interface {
	InsertEvents(ctx context.Context, rows []warehouse.EventRow) error
	AnnounceRecordings(ctx context.Context, recordings []call.Recording) error
	InsertRejected(ctx context.Context, rows []warehouse.Rejected) error
}

// ToWarehouse is the sink of the cursor "warehouse".
type ToWarehouse struct {
	Warehouse Warehouse
	Decode    Decoder
	LinkLife  func(integration string) time.Duration
	Log       *slog.Logger
	Counter   *prometheus.CounterVec // NewNotifications
}

// NewNotifications counts notifications by kind and state as the relay reads
// them; "rejected" for those that nobody can read. States that the operator's
// page does not know are counted as "other", so that a sender cannot invent
// labels.
func NewNotifications(reg prometheus.Registerer) (*prometheus.CounterVec, error) {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "fonoteka_notifications_total",
		Help: "Notifications relayed to the warehouse, by kind and state; deliveries again are counted again.",
	}, []string{"integration", "kind", "state"})
	if reg == nil {
		return c, nil
	}
	return c, reg.Register(c)
}

// Sink is the relay's sink.
func (w *ToWarehouse) Sink(ctx context.Context, batch []spool.Record) error {
	rows := w.read(batch)
	if err := w.Warehouse.AnnounceRecordings(ctx, rows.announced); err != nil {
		return err
	}
	if err := w.Warehouse.InsertRejected(ctx, rows.rejected); err != nil {
		return err
	}
	if err := w.Warehouse.InsertEvents(ctx, rows.events); err != nil {
		return err
	}
	for _, label := range rows.labels {
		w.Counter.WithLabelValues(label[:]...).Inc()
	}
	for _, r := range rows.rejected {
		w.Log.Warn("notification rejected", "integration", r.Integration, "bytes", len(r.Body), "reason", r.Reason, "err", r.Detail)
	}
	return nil
}

type rows struct {
	events    []warehouse.EventRow
	announced []call.Recording
	rejected  []warehouse.Rejected
	labels    [][3]string
}

func (w *ToWarehouse) read(batch []spool.Record) rows {
	var r rows
	for _, rec := range batch {
		if errors.Is(rec.Err, spool.ErrErased) {
			continue
		}
		e, body, err := w.Decode.open(rec)
		if err != nil {
			r.rejected = append(r.rejected, reject(rec, body, err))
			r.labels = append(r.labels, [3]string{rec.Integration, "rejected", ""})
			continue
		}
		r.labels = append(r.labels, [3]string{rec.Integration, string(e.Kind), state(e)})
		r.events = append(r.events, warehouse.EventRow{
			Integration: e.Integration, GroupID: e.GroupID(), EventID: e.ID, ReceivedAt: e.ReceivedAt,
			Kind: e.Kind, State: string(e.State), Body: body,
		})
		if rec, ok := Announcement(e, w.LinkLife); ok {
			r.announced = append(r.announced, rec)
		}
	}
	return r
}

func state(e call.Event) string {
	if e.Kind == call.KindUnknown {
		return "other"
	}
	return string(e.State)
}

// Announcement is the recording that an event announces, if it does.
func Announcement(e call.Event, linkLife func(integration string) time.Duration) (call.Recording, bool) {
	if e.Kind != call.KindCall || e.State != call.Recorded || e.URL == "" {
		return call.Recording{}, false
	}
	return call.Recording{
		Integration: e.Integration, ID: call.RecordingID(e.Integration, e.URL), URL: e.URL,
		GroupID: e.GroupID(), PlatformCallID: call.BaseID(e.PlatformID), PlatformID: e.PlatformID, AccountID: e.AccountID,
		AnnouncedAt: e.ReceivedAt, ExpiresAt: call.Expiry(e.ReceivedAt, e.URL, linkLife(e.Integration)),
	}, true
}

// SetAside is the relay's, for what the warehouse refuses for good.
func (w *ToWarehouse) SetAside(ctx context.Context, rec spool.Record, why string) error {
	row := reject(rec, rec.Body, errors.New(why))
	row.Reason = "refused"
	return w.Warehouse.InsertRejected(ctx, []warehouse.Rejected{row})
}

// reject makes a row. What is only a part, or damaged, is told apart by its
// arrival, since equal beginnings may have been different notifications.
func reject(rec spool.Record, body []byte, err error) warehouse.Rejected {
	id := call.EventID(body)
	if rec.Err != nil || rec.Truncated != "" {
		id = call.EventID(fmt.Appendf(nil, "%d %d", rec.Seq, rec.ReceivedAt.UnixNano()))
	}
	return warehouse.Rejected{
		ID: id, Integration: rec.Integration, ReceivedAt: rec.ReceivedAt, Reason: reason(rec, err), Detail: err.Error(),
		ContentType: rec.ContentType, ContentEncoding: rec.ContentEncoding, Body: body,
	}
}

func reason(rec spool.Record, err error) string {
	switch {
	case rec.Err != nil:
		return "damaged"
	case rec.Truncated != "":
		return "too large"
	case errors.Is(err, mtt.ErrUnreadable):
		return "unreadable"
	}
	return "encoding"
}

// Replayer puts rejected rows through the decoder again.
type Replayer interface {
	RejectedRows(ctx context.Context, f warehouse.RejectedFilter) ([]warehouse.Rejected, error)
	MarkReplayed(ctx context.Context, rows []warehouse.Rejected, at time.Time) error
}

// ReplayRejected puts all rejected rows through again; those that can be read
// now become events and are marked. A row that stays rejected stays as it was.
// each is told of the progress.
func (w *ToWarehouse) ReplayRejected(ctx context.Context, from Replayer, each func(taken, still int)) error {
	taken, still := 0, 0
	for after := uint64(0); ; {
		page, err := from.RejectedRows(ctx, warehouse.RejectedFilter{AfterID: after, Limit: 1000})
		if err != nil {
			return fmt.Errorf("read rejected rows: %w", err)
		}
		if len(page) == 0 {
			return nil
		}
		after = page[len(page)-1].ID
		var readable []warehouse.Rejected
		var batch []spool.Record
		for _, row := range page {
			rec := spool.Record{Integration: row.Integration, ReceivedAt: row.ReceivedAt, ContentType: row.ContentType, ContentEncoding: row.ContentEncoding, Body: row.Body}
			if _, _, err := w.Decode.open(rec); err != nil {
				still++
				continue
			}
			readable, batch = append(readable, row), append(batch, rec)
		}
		n, err := w.replayPage(ctx, from, readable, batch)
		if err != nil {
			return err
		}
		taken, still = taken+n, still+len(batch)-n
		each(taken, still)
	}
}

// replayPage returns how many of the rows the warehouse took; the others it
// refuses still.
func (w *ToWarehouse) replayPage(ctx context.Context, from Replayer, rows []warehouse.Rejected, batch []spool.Record) (int, error) {
	if len(batch) == 0 {
		return 0, nil
	}
	err := w.Sink(ctx, batch)
	switch {
	case err == nil:
		if err := from.MarkReplayed(ctx, rows, time.Now()); err != nil {
			return 0, fmt.Errorf("mark %d rows as replayed: %w", len(rows), err)
		}
		return len(rows), nil
	case !warehouse.IsRefusal(err):
		return 0, fmt.Errorf("replay %d rows: %w", len(rows), err)
	case len(batch) == 1:
		return 0, nil
	}
	half := len(batch) / 2
	n, err := w.replayPage(ctx, from, rows[:half], batch[:half])
	if err != nil {
		return n, err
	}
	m, err := w.replayPage(ctx, from, rows[half:], batch[half:])
	return n + m, err
}
