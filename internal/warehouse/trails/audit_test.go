package trails_test

import (
	"path/filepath"
	"testing"
	"time"

	"fonoteka/internal/audit"
	"fonoteka/internal/warehouse/trails"
)

func TestTheAuditIsWholeInTheTable(t *testing.T) {
	t.Parallel()
	db := open(t)
	trail, err := audit.Open(audit.Options{Dir: filepath.Join(t.TempDir(), "audit")})
	must(t, err)
	ship := func() {
		t.Helper()
		s, err := trail.NewShipper(audit.ShipperOptions{Table: db})
		must(t, err)
		must(t, s.Ship(t.Context()))
	}
	for _, action := range []string{"call.make", "call.transfer", "recording.listen"} {
		must(t, trail.Log(t.Context(), audit.Entry{Actor: "anna", Action: action, Integration: "main", Target: "wörter \"and\" <tags> \u2028", Outcome: audit.Done}))
		ship() // as after a restart each time
	}
	r, err := trail.Verify(t.Context(), db, nil)
	must(t, err)
	// No bucket: nothing is anchored.
	if r.Verdict() != audit.Unanchored || len(r.Chains) != 1 || r.Chains[0].Entries != 3 || r.Chains[0].Waiting != 0 {
		t.Fatalf("%+v", r)
	}
	rows, err := db.ListAudit(t.Context(), trails.Filter{Action: "call", From: time.Now().Add(-time.Hour)})
	must(t, err)
	if len(rows) != 2 || rows[0].Action != "call.transfer" || rows[1].Seq != 1 {
		t.Errorf("%+v", rows)
	}
	ask(t, db, "ALTER TABLE audit UPDATE detail = 'x' WHERE seq = 2 SETTINGS mutations_sync = 2")
	if r, err = trail.Verify(t.Context(), db, nil); err != nil || r.Verdict() != audit.Found {
		t.Errorf("an altered table: %+v, %v", r, err)
	}
}
