package calls_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/call"
	"fonoteka/internal/relay"
)

func TestRejectedIsKeptOnceAndReplayed(t *testing.T) {
	t.Parallel()
	db := open(t)
	row := relay.Rejected{
		Integration: "main", ReceivedAt: at("2026-11-20 10:00:00"), Reason: "unreadable", Detail: "it's not JSON",
		ContentType: "text/plain", ContentEncoding: "gzip", Body: []byte("\x00\xff{"),
	}
	later := row
	later.ReceivedAt = row.ReceivedAt.Add(time.Hour)
	other := relay.Rejected{Integration: "main", ID: 1, ReceivedAt: at("2026-11-20 11:00:00"), Reason: "too large"}
	must(t, db.InsertRejected(t.Context(), []relay.Rejected{later, other}))
	must(t, db.InsertRejected(t.Context(), []relay.Rejected{row}))
	row.ID = call.EventID(row.Body)

	list := func(f relay.RejectedFilter) []relay.Rejected {
		t.Helper()
		got, err := db.RejectedRows(t.Context(), f)
		must(t, err)
		return got
	}
	if diff := cmp.Diff([]relay.Rejected{other, row}, list(relay.RejectedFilter{})); diff != "" {
		t.Fatal(diff)
	}
	for name, f := range map[string]relay.RejectedFilter{
		"reason": {Reason: "unreadable"}, "after": {AfterID: 1}, "time": {From: row.ReceivedAt, To: other.ReceivedAt},
	} {
		if diff := cmp.Diff([]relay.Rejected{row}, list(f)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	must(t, db.MarkReplayed(t.Context(), []relay.Rejected{row}, at("2026-11-21 10:00:00")))
	// Rejected again from the spool: it stays replayed.
	must(t, db.InsertRejected(t.Context(), []relay.Rejected{later}))
	if diff := cmp.Diff([]relay.Rejected{other}, list(relay.RejectedFilter{})); diff != "" {
		t.Error(diff)
	}
	row.ReplayedAt = at("2026-11-21 10:00:00")
	if diff := cmp.Diff([]relay.Rejected{other, row}, list(relay.RejectedFilter{Replayed: true})); diff != "" {
		t.Error(diff)
	}
}
