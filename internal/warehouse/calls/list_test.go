package calls_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/call"
	"fonoteka/internal/cdr"
	"fonoteka/internal/warehouse/calls"
)

func ids(records []call.Record) (out []uint64) {
	for _, r := range records {
		out = append(out, r.CallID)
	}
	return out
}

func TestListCallsFiltersAndOrders(t *testing.T) {
	t.Parallel()
	db := open(t)
	missed := record(3, "2026-11-20 10:00:00", "78124241500")
	missed.Direction, missed.Outcome = call.Incoming, call.Missed
	other := record(4, "2026-11-21 10:00:00", "79219462761")
	other.Integration = "other"
	recorded := record(1, "2020-06-24 15:01:45", "79219462761")
	recorded.Recordings = []string{"a"}
	buried := record(5, "2026-11-21 11:00:00", "79219462761")
	empty, err := db.ListCalls(t.Context(), calls.Filter{})
	if err != nil || len(empty) != 0 {
		t.Fatalf("of an empty warehouse: %v, %v", empty, err)
	}
	must(t, db.WriteCalls(t.Context(), []cdr.CallWrite{
		{Record: recorded, Version: 1},
		{Record: record(2, "2026-10-31 10:00:00", "79219462761"), Version: 1},
		{Record: missed, Version: 1},
		{Record: other, Version: 1},
		{Record: buried, Version: 1, Deleted: true},
	}))
	yes, no := true, false
	for name, c := range map[string]struct {
		filter calls.Filter
		want   []uint64
	}{
		"all":         {calls.Filter{}, []uint64{4, 3, 2, 1}},
		"limit":       {calls.Filter{Limit: 2}, []uint64{4, 3}},
		"integration": {calls.Filter{Integration: "main"}, []uint64{3, 2, 1}},
		"from to":     {calls.Filter{From: at("2026-10-31 10:00:00"), To: at("2026-11-20 10:00:00")}, []uint64{2}},
		"to":          {calls.Filter{To: at("2026-11-20 10:00:00"), Limit: 1}, []uint64{2}},
		"client":      {calls.Filter{Number: "78124241500"}, []uint64{3}},
		"external":    {calls.Filter{Number: "78005560251"}, []uint64{4, 3, 2, 1}},
		"part of one": {calls.Filter{PartOf: "2415"}, []uint64{3}},
		"no part":     {calls.Filter{PartOf: "99999"}, nil},
		"longer":      {calls.Filter{LongerThan: time.Hour}, nil},
		"shorter":     {calls.Filter{ShorterThan: time.Hour, Limit: 1}, []uint64{4}},
		"recorded":    {calls.Filter{Recorded: &yes}, []uint64{1}},
		"unrecorded":  {calls.Filter{Recorded: &no}, []uint64{4, 3, 2}},
		"outcome":     {calls.Filter{Outcome: call.Missed}, []uint64{3}},
		"direction":   {calls.Filter{Direction: call.Outgoing, Integration: "main"}, []uint64{2, 1}},
	} {
		got, err := db.ListCalls(t.Context(), c.filter)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(c.want, ids(got)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		for _, r := range got {
			if len(r.Legs) != 1 {
				t.Errorf("%s: call %d has %d legs", name, r.CallID, len(r.Legs))
			}
		}
	}
}

func TestShowCallByOurIDAndTheOperators(t *testing.T) {
	t.Parallel()
	db := open(t)
	const base = "c166e238a4c211ea9d373863bb43daf8_00015ED635780FC7"
	r := record(call.ID("main", base), "2020-06-02 11:18:16", "78124241500")
	r.PlatformCallID = base
	rec := recording("a", r.StartedAt)
	rec.GroupID = r.GroupID
	r.Recordings = []string{rec.ID}
	must(t, db.WriteCalls(t.Context(), []cdr.CallWrite{{Record: r, Version: 9}, {Record: record(2, "2026-10-31 10:00:00", "1"), Version: 1}}))
	e := event(1, r.StartedAt, "{}")
	e.GroupID = r.GroupID
	must(t, db.InsertEvents(t.Context(), []call.Notification{e}))
	must(t, db.InsertEvents(t.Context(), []call.Notification{e}))
	must(t, db.AnnounceRecordings(t.Context(), []call.Recording{rec}))

	want := []calls.Detail{{
		Record: cdr.Canonical(r), Version: 9, Events: 1,
		Recordings: []call.RecordingStatus{{Recording: rec, State: call.Announced}},
	}}
	for _, id := range []string{strconv.FormatUint(r.CallID, 10), base, base + "~2o"} {
		got, err := db.ShowCall(t.Context(), id, db.OfCall)
		must(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", id, diff)
		}
	}
	again := record(77, "2026-06-02 11:18:16", "78124241500") // a later call under the same Call-ID
	again.GroupID, again.Integration = r.GroupID, r.Integration
	must(t, db.WriteCalls(t.Context(), []cdr.CallWrite{{Record: again, Version: 1}}))
	for id, want := range map[string][]uint64{base: {r.CallID, 77}, "77": {77}, strconv.FormatUint(r.CallID, 10): {r.CallID}} {
		got, err := db.ShowCall(t.Context(), id, db.OfCall)
		must(t, err)
		var records []call.Record
		for _, d := range got {
			records = append(records, d.Record)
		}
		if diff := cmp.Diff(want, ids(records)); diff != "" {
			t.Errorf("used again, %s: %s", id, diff)
		}
	}
	for _, id := range []string{"5", "no such", ""} {
		if got, err := db.ShowCall(t.Context(), id, db.OfCall); err != nil || len(got) != 0 {
			t.Errorf("%q: %v, %v", id, got, err)
		}
	}
}
