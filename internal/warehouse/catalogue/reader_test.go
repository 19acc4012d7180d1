package catalogue_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/call"
	"fonoteka/internal/cdr"
)

func TestManyReadersGetTheirOwnRows(t *testing.T) {
	t.Parallel()
	db := open(t)
	var rows []call.RecordingStatus
	for i := range 400 {
		rows = append(rows, call.RecordingStatus{
			Recording: call.Recording{
				Integration: fmt.Sprint("i", i%2), ID: fmt.Sprintf("%032d", i), URL: "https://mtt.ru/a.mp3",
				AnnouncedAt: time.Date(2026, 3, 1, 0, 0, i, 0, time.UTC), ExpiresAt: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC),
			},
			State: call.Retrying, Attempt: i + 1,
		})
	}
	if err := db.SaveRecordings(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	r := db.NewReader()
	var wg sync.WaitGroup
	for _, want := range rows {
		wg.Go(func() {
			got, ok, err := r.Recording(t.Context(), want.Integration, want.ID)
			if diff := cmp.Diff(want, got); !ok || err != nil || diff != "" {
				t.Errorf("%v, %v, %s", ok, err, diff)
			}
			if _, ok, err := r.Recording(t.Context(), "another", want.ID); ok || err != nil {
				t.Errorf("a row of another integration: %v, %v", ok, err)
			}
		})
	}
	wg.Wait()
}

func TestTalkIsKnownOfOneCallOnly(t *testing.T) {
	t.Parallel()
	db := open(t)
	talked := func(id, group uint64, talk time.Duration, recordings ...string) cdr.CallWrite {
		r := record(id, fmt.Sprintf("2026-03-01 09:00:%02d", id), "79990000000")
		r.GroupID, r.Talk, r.Recordings = group, talk, recordings
		return cdr.CallWrite{Record: r, Version: cdr.CallVersion(1, 1, 1)}
	}
	must(t, db.WriteCalls(t.Context(), []cdr.CallWrite{
		talked(1, 1, time.Minute, "a", "b"), talked(2, 2, time.Second), talked(3, 2, time.Second),
	}))
	r := db.NewReader()
	got, ok, err := r.Talk(t.Context(), "main", 1)
	if err != nil || !ok || got != time.Minute {
		t.Errorf("%+v, %v, %v", got, ok, err)
	}
	for _, group := range []uint64{2, 9} {
		if got, ok, err := r.Talk(t.Context(), "main", group); ok || err != nil {
			t.Errorf("group %d: %+v, %v, %v", group, got, ok, err)
		}
	}
}
