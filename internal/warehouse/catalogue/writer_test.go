package catalogue_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"fonoteka/internal/call"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/catalogue"
	"fonoteka/internal/warehouse/warehousetest"
)

// running is a writer at work and the function that stops it.
func running(t *testing.T, db *warehousetest.DB) (*catalogue.Writer, func() error) {
	t.Helper()
	w := db.NewWriter()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	stop := func() error {
		cancel()
		return <-ended
	}
	return w, stop
}

func archived(name string) call.RecordingStatus {
	return call.RecordingStatus{Recording: recording(name, at("2026-11-20 10:00:00")), State: call.Archived, Attempt: 1}
}

func TestWriterSavesForManyAtOnceInFewInserts(t *testing.T) {
	t.Parallel()
	o := options(t)
	reg := prometheus.NewRegistry()
	migrated(t, o)
	o.Registerer = reg
	opened, err := warehouse.Open(o)
	must(t, err)
	defer opened.Close()
	db := warehousetest.Of(opened)
	w, stop := running(t, db)
	const savers, each = 100, 10
	var g errgroup.Group
	for i := range savers {
		g.Go(func() error {
			for j := range each {
				s := archived(fmt.Sprint(i, "-", j))
				if err := w.Save(t.Context(), s, call.Custody{Integration: "main", RecordingID: s.ID, Step: "archived", At: s.AnnouncedAt}); err != nil {
					return err
				}
				// Durable means readable, at once.
				if j > 0 {
					continue
				}
				if got, ok, err := db.Recording(t.Context(), "main", s.ID); err != nil || !ok || got.State != call.Archived {
					return fmt.Errorf("saved, then read: %v %v %w", got.State, ok, err)
				}
			}
			return nil
		})
	}
	must(t, g.Wait())
	must(t, stop())
	if got := ask(t, db, "SELECT (SELECT count() FROM recordings), (SELECT count() FROM custody)"); got != "1000\t1000" {
		t.Errorf("rows of recordings and custody: %s", got)
	}
	if n := batches(t, reg); n == 0 || n > savers*each/10 {
		t.Errorf("%d rows took %d inserts", savers*each, n)
	}
}

func batches(t *testing.T, reg *prometheus.Registry) uint64 {
	t.Helper()
	families, err := reg.Gather()
	must(t, err)
	for _, f := range families {
		if f.GetName() == "fonoteka_warehouse_writer_batch_rows" {
			return f.GetMetric()[0].GetHistogram().GetSampleCount()
		}
	}
	t.Fatal("no such metric")
	return 0
}

func TestWriterTellsOnlyTheRefusedCaller(t *testing.T) {
	t.Parallel()
	db := open(t)
	ask(t, db, "ALTER TABLE recordings ADD CONSTRAINT short CHECK length(note) < 10")
	w, stop := running(t, db)
	bad := archived("bad")
	bad.Note = "much too long for the constraint"
	var g errgroup.Group
	for i := range 30 {
		g.Go(func() error { return w.Save(t.Context(), archived(fmt.Sprint("good", i))) })
	}
	g.Go(func() error {
		if err := w.Save(t.Context(), bad); !warehouse.IsRefusal(err) {
			return fmt.Errorf("the bad row: %w", err)
		}
		return nil
	})
	must(t, g.Wait())
	must(t, stop())
	if got := ask(t, db, "SELECT count() FROM recordings"); got != "30" {
		t.Errorf("%s rows", got)
	}
}

func TestWriterStops(t *testing.T) {
	t.Parallel()
	db := open(t)
	w, stop := running(t, db)
	must(t, w.Save(t.Context(), archived("a")))
	must(t, stop())
	if err := w.Save(t.Context(), archived("b")); !errors.Is(err, warehouse.ErrWriterStopped) {
		t.Errorf("after the end: %v", err)
	}
	idle := db.NewWriter()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := idle.Save(ctx, archived("c")); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that ended: %v", err)
	}
}
