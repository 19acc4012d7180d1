package calls_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/call"
	"fonoteka/internal/cdr"
)

func TestEventDeliveredThriceIsOneRowWithItsEarliestTime(t *testing.T) {
	t.Parallel()
	db := open(t)
	early := at("2026-11-20 10:00:00").Add(123 * time.Millisecond)
	times := []time.Time{early, early.Add(time.Millisecond), early.Add(40 * 24 * time.Hour)}
	orders := [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}
	for id, order := range orders {
		for _, i := range order {
			must(t, db.InsertEvents(t.Context(), []call.Notification{event(uint64(id+1), times[i], "{}")}))
		}
	}
	check := func(when string) {
		t.Helper()
		got := ask(t, db, "SELECT count(), min(received_at), max(received_at) FROM events")
		if want := "6\t2026-11-20 10:00:00.123\t2026-11-20 10:00:00.123"; got != want {
			t.Errorf("%s: got %s, want %s", when, got, want)
		}
		of, err := db.EventsOf(t.Context(), []call.GroupKey{{Integration: "main", GroupID: 7}})
		must(t, err)
		events := of[call.GroupKey{Integration: "main", GroupID: 7}]
		if len(events) != 6 {
			t.Errorf("%s: EventsOf gives %d", when, len(events))
		}
		for _, e := range events {
			if !e.ReceivedAt.Equal(early) {
				t.Errorf("%s: EventsOf gives %v", when, e.ReceivedAt)
			}
		}
	}
	check("unmerged")
	ask(t, db, "OPTIMIZE TABLE events FINAL")
	check("merged")
	if n := ask(t, db, "SELECT count() FROM events SETTINGS final = 0"); n != "6" {
		t.Errorf("%s rows are left after a merge", n)
	}
}

func TestEachAnnouncementIsReadOnce(t *testing.T) {
	t.Parallel()
	db := open(t)
	early := at("2026-11-20 10:00:00")
	row := func(integration string, callID, id uint64, state string, received time.Time) call.Notification {
		return call.Notification{Integration: integration, GroupID: callID, EventID: id, ReceivedAt: received, Kind: call.KindCall, State: state, Body: fmt.Appendf(nil, "{%d}", id)}
	}
	for _, later := range []time.Duration{time.Hour, 0, time.Minute} { // three parts, unmerged
		must(t, db.InsertEvents(t.Context(), []call.Notification{
			row("main", 7, 1, "recorded", early.Add(later)), row("main", 9, 4, "recorded", early.Add(later)), row("main", 7, 3, "recorded", early.Add(later)),
			row("main", 7, 2, "trying", early), row("other", 7, 1, "recorded", early.Add(later)),
			{Integration: "main", GroupID: 7, EventID: 5, ReceivedAt: early, Kind: call.KindUnknown, State: "recordready", Body: []byte(`{"url_record":1}`)},
			{Integration: "main", GroupID: 7, EventID: 6, ReceivedAt: early, Kind: call.KindCall, State: "finished", Body: []byte(`{"urlRecord":1}`)},
			{Integration: "main", GroupID: 7, EventID: 7, ReceivedAt: early, Kind: call.KindCall, State: "finished", Body: []byte(`{}`)},
		}))
	}
	var got []call.Notification
	must(t, db.EachAnnouncement(t.Context(), func(e call.Notification) error { got = append(got, e); return nil }))
	want := []call.Notification{
		row("main", 7, 1, "recorded", early), row("main", 7, 3, "recorded", early),
		{Integration: "main", GroupID: 7, EventID: 5, ReceivedAt: early, Kind: call.KindUnknown, State: "recordready", Body: []byte(`{"url_record":1}`)},
		{Integration: "main", GroupID: 7, EventID: 6, ReceivedAt: early, Kind: call.KindCall, State: "finished", Body: []byte(`{"urlRecord":1}`)},
		row("main", 9, 4, "recorded", early), row("other", 7, 1, "recorded", early),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	enough := errors.New("enough")
	if err := db.EachAnnouncement(t.Context(), func(call.Notification) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("got %v", err)
	}
}

func TestEventsOfGivesWholeCallsByteForByte(t *testing.T) {
	t.Parallel()
	db := open(t)
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	rows := []call.Notification{
		event(2, at("2000-01-01 00:00:00"), "второе \xff 'quoted' \\ 😀"),
		event(1, at("2034-12-31 23:59:59"), string(all)),
		{Integration: "other", GroupID: 7, EventID: 3, ReceivedAt: at("2026-01-01 00:00:00"), Kind: call.KindCall, Body: nil},
		{Integration: "main", GroupID: 8, EventID: 3, ReceivedAt: at("2026-01-01 00:00:00"), Kind: call.KindCall, Body: []byte("x")},
	}
	must(t, db.InsertEvents(t.Context(), rows))
	got, err := db.EventsOf(t.Context(), []call.GroupKey{{Integration: "main", GroupID: 7}, {Integration: "other", GroupID: 7}, {Integration: "main", GroupID: 999}})
	must(t, err)
	want := map[call.GroupKey][]cdr.StoredEvent{
		{Integration: "main", GroupID: 7}:  {{ID: 1, ReceivedAt: rows[1].ReceivedAt, Body: rows[1].Body}, {ID: 2, ReceivedAt: rows[0].ReceivedAt, Body: rows[0].Body}},
		{Integration: "other", GroupID: 7}: {{ID: 3, ReceivedAt: rows[2].ReceivedAt, Body: []byte{}}},
	}
	if diff := cmp.Diff(want, got, cmp.Transformer("body", func(b []byte) string { return string(b) })); diff != "" {
		t.Error(diff)
	}
	none, err := db.EventsOf(t.Context(), nil)
	if err != nil || len(none) != 0 {
		t.Errorf("of no keys: %v, %v", none, err)
	}
}

func TestTouchedNamesEachCallOfAnInsertInOrder(t *testing.T) {
	t.Parallel()
	db := open(t)
	before, err := db.ServerTime(t.Context())
	must(t, err)
	insert := func(ids ...uint64) {
		var rows []call.Notification
		for _, id := range ids {
			e := event(id, at("2020-06-24 15:01:45"), fmt.Sprint(id))
			e.GroupID = id / 10
			rows = append(rows, e)
		}
		dir := event(5, before, "directory")
		dir.Kind, dir.GroupID = call.KindDirectory, 0
		must(t, db.InsertEvents(t.Context(), append(rows, dir)))
	}
	insert(10, 11, 20, 30)
	insert(12)
	first, err := db.Touched(t.Context(), before, 1)
	must(t, err)
	if n := len(first); n != 3 {
		t.Fatalf("the first insert's touches come together: got %d, want 3", n)
	}
	second, err := db.Touched(t.Context(), first[2].At, 10)
	must(t, err)
	if len(second) != 1 || second[0].GroupKey != (call.GroupKey{Integration: "main", GroupID: 1}) {
		t.Fatalf("after the first insert: %v", second)
	}
	if !second[0].At.After(first[0].At) || !first[0].At.After(before) {
		t.Errorf("times do not rise: %v %v %v", before, first[0].At, second[0].At)
	}
	all, err := db.Touched(t.Context(), time.Time{}, 100)
	must(t, err)
	if len(all) != 4 || !slices.IsSortedFunc(all, func(a, b cdr.Touch) int { return a.At.Compare(b.At) }) {
		t.Errorf("all touches: %v", all)
	}
	// A delivery again touches again.
	insert(12)
	again, err := db.Touched(t.Context(), second[0].At, 10)
	must(t, err)
	if len(again) != 1 {
		t.Errorf("a repeated insert touched %d calls", len(again))
	}
}
