package catalogue_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/call"
	"fonoteka/internal/cdr"
	"fonoteka/internal/warehouse/catalogue"
)

func TestListRecordingsTellsWhoseCallIsMissing(t *testing.T) {
	t.Parallel()
	db := open(t)
	must(t, db.WriteCalls(t.Context(), []cdr.CallWrite{{Record: record(1, "2026-10-31 10:00:00", "1"), Version: 1}}))
	known, waits := recording("a", at("2026-10-31 10:01:00")), recording("b", at("2026-10-31 10:02:00"))
	known.GroupID, waits.GroupID = 1, 2
	must(t, db.AnnounceRecordings(t.Context(), []call.Recording{known, waits}))
	archived := call.RecordingStatus{Recording: known, State: call.Archived, Attempt: 1, ArchivedAt: at("2026-10-31 10:05:00")}
	must(t, db.SaveRecordings(t.Context(), []call.RecordingStatus{archived}))

	a := catalogue.Row{RecordingStatus: archived, CallKnown: true}
	b := catalogue.Row{RecordingStatus: call.RecordingStatus{Recording: waits, State: call.Announced}}
	for name, c := range map[string]struct {
		filter catalogue.Filter
		want   []catalogue.Row
	}{
		"all":         {catalogue.Filter{}, []catalogue.Row{b, a}},
		"limit":       {catalogue.Filter{Limit: 1}, []catalogue.Row{b}},
		"state":       {catalogue.Filter{State: call.Archived}, []catalogue.Row{a}},
		"announced":   {catalogue.Filter{State: call.Announced}, []catalogue.Row{b}},
		"time":        {catalogue.Filter{From: known.AnnouncedAt, To: waits.AnnouncedAt}, []catalogue.Row{a}},
		"call":        {catalogue.Filter{GroupID: 2}, []catalogue.Row{b}},
		"id":          {catalogue.Filter{ID: known.ID}, []catalogue.Row{a}},
		"integration": {catalogue.Filter{Integration: "other"}, nil},
	} {
		got, err := db.ListRecordings(t.Context(), c.filter)
		must(t, err)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
