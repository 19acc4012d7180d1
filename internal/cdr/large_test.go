package cdr_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/call"
	"fonoteka/internal/cdr"
	"fonoteka/internal/mtt"
)

// logged is a log that several goroutines write.
type logged struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(p)
}

// A call with more notifications than are held in memory is skipped, and counted;
// the others around it are derived, and rebuilt.
func TestACallOfTooManyNotificationsHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	db := openWarehouse(t)
	received := time.Now().UTC().Add(-time.Minute)
	named := func(id string, n int) string {
		return strings.Replace(notification("showing", fmt.Sprintf("10:00:%02d", n), ""), "c1~2o", id+"~2o", 1)
	}
	for n := range 20 {
		insert(t, db, received, named("giant", n)+strings.Repeat(" ", 1<<20))
	}
	others := []call.GroupKey{}
	for n := range 40 {
		id := fmt.Sprint("other", n)
		insert(t, db, received, named(id, n))
		others = append(others, call.GroupKey{Integration: "main", GroupID: call.ID("main", id)})
	}
	reg, log := prometheus.NewRegistry(), &logged{}
	d, err := cdr.New(cdr.Options{
		Store: db,
		Decode: func(integration string, body []byte, received time.Time) (call.Event, error) {
			return mtt.Decode(body, mtt.Context{Integration: integration, ReceivedAt: received})
		},
		Every: 20 * time.Millisecond, Log: slog.New(slog.NewTextHandler(log, nil)), Registerer: reg,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	derived := func() int {
		stored, err := db.StoredCalls(t.Context(), others)
		if err != nil {
			t.Fatal(err)
		}
		return len(stored)
	}
	for deadline := time.Now().Add(time.Minute); derived() < len(others) && time.Now().Before(deadline); {
		time.Sleep(50 * time.Millisecond)
	}
	if n := derived(); n != len(others) {
		t.Errorf("%d of %d other calls were derived", n, len(others))
	}
	skipped := counted(t, reg, "fonoteka_cdr_skipped_total")
	if skipped == 0 {
		t.Error("the large call was not counted")
	}
	stop()
	<-done
	got, err := d.Rebuild(t.Context(), db, cdr.RebuildOptions{}, nil)
	if err != nil || got.Calls != len(others)+1 || got.Differ != 0 || counted(t, reg, "fonoteka_cdr_skipped_total") != skipped+1 {
		t.Errorf("rebuild: %+v, %v; skipped: %v and then %v", got, err, skipped, counted(t, reg, "fonoteka_cdr_skipped_total"))
	}
	if !strings.Contains(log.String(), "its notifications are too many") {
		t.Errorf("log: %s", log.String())
	}
}

func counted(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}
