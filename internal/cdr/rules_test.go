package cdr_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/call"
	"fonoteka/internal/call/calltest"
	"fonoteka/internal/cdr"
	"fonoteka/internal/warehouse/warehousetest"
)

// A database that was filled under other rules: testdata/derived-before.json has the
// records that commit 077c5bc derived of these stories. A rebuild under changed rules
// brings all of them up to what the stories tell, and says how many it changed.
func TestARebuildUnderChangedRulesSaysHowManyCallsChanged(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/derived-before.json")
	if err != nil {
		t.Fatal(err)
	}
	var before map[string][]call.Record
	if err := json.Unmarshal(text, &before); err != nil {
		t.Fatal(err)
	}
	w := &told{t: t, o: warehousetest.Options(t), stories: map[string]calltest.Story{}}
	w.DB = warehousetest.Migrated(t, w.o)
	var rows []call.Notification
	var writes []cdr.CallWrite
	changed := 0
	for _, s := range calltest.Read(t, "../call/testdata/stories") {
		records, ok := before[s.Name]
		if !ok {
			continue
		}
		w.stories[s.Name] = s
		for _, n := range s.Notes {
			e, err := w.decode(s.Name, n.Body, n.ReceivedAt)
			if err != nil {
				t.Fatal(err)
			}
			rows = append(rows, call.Notification{Integration: s.Name, GroupID: e.GroupID(), EventID: e.ID, ReceivedAt: n.ReceivedAt, Kind: e.Kind, State: string(e.State), Body: n.Body})
		}
		for _, r := range records {
			writes = append(writes, cdr.CallWrite{Record: cdr.Canonical(r), Version: cdr.CallVersion(0, uint32(r.Events), 1)})
		}
		if !cmp.Equal(s.Calls, s.See(records)) {
			changed++
		}
	}
	if err := w.InsertEvents(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	if err := w.WriteCalls(t.Context(), writes); err != nil {
		t.Fatal(err)
	}
	dry := w.rebuild(cdr.RebuildOptions{DryRun: true, ChangedRules: true})
	r := w.rebuild(cdr.RebuildOptions{ChangedRules: true})
	if changed < 20 || dry.Differ != changed || r.Differ != changed || r.Calls != len(w.stories) || r.Written < changed || r.NotReplaced != 0 {
		t.Errorf("rebuilt %+v, dry %+v; %d of %d stories changed", r, dry, changed, len(w.stories))
	}
	for name, s := range w.stories {
		keys := map[call.GroupKey]bool{}
		for _, row := range rows {
			if row.Integration == name {
				keys[call.GroupKey{Integration: name, GroupID: row.GroupID}] = true
			}
		}
		var records []call.Record
		for k := range keys {
			stored, err := w.StoredCalls(t.Context(), []call.GroupKey{k})
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range stored[k] {
				records = append(records, row.Record)
			}
		}
		if diff := cmp.Diff(s.Calls, s.See(records)); diff != "" {
			t.Errorf("%s (-told +stored):\n%s", s.Title, diff)
		}
	}
	if again := w.rebuild(cdr.RebuildOptions{}); again.Differ != 0 {
		t.Errorf("and once more: %+v", again)
	}
	t.Logf("%d of %d calls changed", r.Differ, r.Calls)
}
