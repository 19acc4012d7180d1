package catalogue_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/call"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/warehousetest"
)

func TestCustodyComesInOrderWithTheDaysItWasWrittenOn(t *testing.T) {
	t.Parallel()
	o := options(t)
	var sealed time.Time
	o.CustodySealed = func() time.Time { return sealed }
	db := migrated(t, o)
	today := time.Now().UTC().Truncate(24 * time.Hour)
	step := func(id, name string) call.Custody {
		return call.Custody{Integration: "main", RecordingID: id, Step: name, At: at("2026-03-02 10:00:00").Add(123 * time.Millisecond), SHA256: "abc", Attempt: 2, Detail: "wörter\twith\n\\ 'odd' \x00 letters"}
	}
	must(t, db.AddCustody(t.Context(), []call.Custody{step("b", "stored"), step("a", "stored"), step("a", "fetched")}))
	must(t, db.AddCustody(t.Context(), []call.Custody{step("a", "stored")})) // again, as its answer was lost
	sealed = today
	must(t, db.AddCustody(t.Context(), []call.Custody{step("a", "stored"), step("c", "stored")})) // the clock went back; one is there already
	sealed = today.AddDate(0, 0, 40)                                                              // it was far ahead
	must(t, db.AddCustody(t.Context(), []call.Custody{step("d", "stored")}))

	read := func(from, to time.Time) (got []string) {
		t.Helper()
		must(t, db.EachCustody(t.Context(), from, to, func(writtenOn time.Time, c call.Custody) error {
			if want := step(c.RecordingID, c.Step); c != want {
				t.Errorf("got %+v, want %+v", c, want)
			}
			got = append(got, fmt.Sprint(c.RecordingID, " ", c.Step, " +", writtenOn.Sub(today).Hours()/24))
			return nil
		}))
		return got
	}
	for range 2 {
		if diff := cmp.Diff([]string{"a fetched +0", "a stored +0", "a stored +1", "b stored +0", "c stored +1", "d stored +41"}, read(time.Time{}, at("2100-01-01 00:00:00"))); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"a stored +1", "c stored +1"}, read(today.AddDate(0, 0, 1), today.AddDate(0, 0, 1))); diff != "" {
			t.Error(diff)
		}
		ask(t, db, "OPTIMIZE TABLE custody FINAL") // whatever is merged
	}
	days, err := db.CustodyDays(t.Context(), today.AddDate(0, 0, 2))
	must(t, err)
	if diff := cmp.Diff([]time.Time{today, today.AddDate(0, 0, 1)}, days); diff != "" {
		t.Error(diff)
	}
}

// custodyOf reads a recording's chain of custody in order of time.
func custodyOf(t testing.TB, db *warehousetest.DB, integration, id string) (out []call.Custody) {
	t.Helper()
	must(t, db.Query(t.Context(), `
		SELECT integration, recording_id, at, step, attempt, sha256, detail
		FROM custody FINAL
		WHERE integration = ? AND recording_id = ?
		ORDER BY at, attempt, step`, []any{integration, id}, func(r warehouse.Rows) error {
		var c call.Custody
		var attempt uint32
		err := r.Scan(&c.Integration, &c.RecordingID, &c.At, &c.Step, &attempt, &c.SHA256, &c.Detail)
		c.At, c.Attempt = warehouse.FromMilli(c.At), int(attempt)
		out = append(out, c)
		return err
	}))
	return out
}
