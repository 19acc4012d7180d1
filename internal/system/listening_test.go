package system

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"fonoteka/internal/dashboard"
	"fonoteka/internal/sim"
	"fonoteka/internal/state"
)

// What the product itself wrote, as the user of Grafana sees it, and a recording
// by the link that the dashboards have.
func TestDashboardsAndRecordingsOpenOnARunningInstallation(t *testing.T) {
	t.Parallel()
	op := operate(t, sim.Options{Seed: 12, Calls: 60, Connections: 16})
	in := install(t, op.hosts()).start()
	if err := op.Post(t.Context(), nil, in.redirectURI()); err != nil {
		t.Fatal(err)
	}
	ledger := op.Ledger()
	in.eventually(time.Minute, fmt.Sprint(len(ledger.Calls)), "SELECT sum(calls) FROM report_volume")
	in.eventually(time.Minute, fmt.Sprint(recordings(ledger)), "SELECT count() FROM recordings WHERE state = 'archived'")
	now := time.Now()
	for _, q := range dashboard.Queries() {
		sql, err := dashboard.Expand(q.SQL, dashboard.Window{From: now.Add(-24 * time.Hour), To: now}, dashboard.Values{"call": {"1"}})
		if err == nil {
			_, err = in.command("sql", sql)
		}
		if err != nil {
			t.Errorf("%s, %s: %v", q.Dashboard, q.Name, err)
		}
	}
	in.listens(t, ledger)
}

func (in *installation) listens(t *testing.T, l sim.Ledger) {
	t.Helper()
	v, err := state.Read(in.dir)
	if err != nil {
		t.Fatal(err)
	}
	base := in.sql("SELECT url FROM addresses WHERE name = 'recordings'")
	if want := "http://" + in.runtime().PrivateListen; base != want {
		t.Errorf("recordings are said to be at %s, want %s", base, want)
	}
	id := in.sql("SELECT recording_id FROM recordings ORDER BY recording_id LIMIT 1")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/recordings/"+id, nil)
	if err != nil {
		t.Fatal(err)
	}
	for password, want := range map[string]int{"": http.StatusUnauthorized, v.RecordingsPassword: http.StatusOK} {
		req.SetBasicAuth("anna", password)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != want {
			t.Errorf("with a password of %d letters: status %d, %v", len(password), resp.StatusCode, err)
		}
		sum := sha256.Sum256(body)
		if want == http.StatusOK && !served(l, hex.EncodeToString(sum[:])) {
			t.Errorf("%d bytes came that the operator never served", len(body))
		}
	}
	in.eventually(time.Minute, "anna\t"+id+"\tdone", "SELECT actor, target, outcome FROM audit WHERE action = 'recording.listen' AND outcome != 'refused'")
}

// served is whether the operator served a recording of that digest.
func served(l sim.Ledger, digest string) bool {
	for _, c := range l.Calls {
		for _, r := range c.Recordings {
			if r.SHA256 == digest {
				return true
			}
		}
	}
	return false
}
