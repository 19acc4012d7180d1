package directories_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/warehouse/directories"
)

func TestParkingIsWhatWasSetLast(t *testing.T) {
	t.Parallel()
	db := open(t)
	set := func(when string, parked bool, outcome string) {
		must(t, db.SaveParking(t.Context(), []directories.ParkingRow{{Integration: "main", Number: line1, Raw: "8" + line1[1:], At: at(when), Parked: parked, Outcome: outcome}}))
	}
	set("2026-03-01 10:00:00", true, "done")
	set("2026-03-01 11:00:00", false, "unknown")
	got, err := db.Parking(t.Context(), "main")
	must(t, err)
	if diff := cmp.Diff([]directories.ParkingRow{{Integration: "main", Number: line1, Raw: "8" + line1[1:], At: at("2026-03-01 11:00:00"), Outcome: "unknown"}}, got); diff != "" {
		t.Error(diff)
	}
}
