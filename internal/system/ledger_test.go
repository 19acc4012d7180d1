package system

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/blob"
	"fonoteka/internal/sim"
	"fonoteka/internal/state"
)

// cdrRow is what a ledger and a row of calls are compared by.
type cdrRow struct {
	Direction  string   `json:"direction"`
	Start      string   `json:"started"`
	Answered   bool     `json:"answered"`
	Outcome    string   `json:"outcome"`
	RingMS     *int64   `json:"ring_ms"`
	TalkMS     int64    `json:"talk_ms"`
	Client     string   `json:"client_number"`
	External   string   `json:"external_number"`
	Legs       int      `json:"legs"`
	Recordings []string `json:"digests"`
}

const cdrQuery = `
SELECT c.platform_call_id AS id, c.direction AS direction, toString(toUnixTimestamp(c.started_at)) AS started,
	toBool(c.outcome = 'answered') AS answered, c.outcome AS outcome, c.ring_ms AS ring_ms, c.talk_ms AS talk_ms,
	c.client_number AS client_number, c.external_number AS external_number, c.legs AS legs,
	arraySort(arrayMap(r -> dictionary[r], c.recordings)) AS digests
FROM calls AS c
CROSS JOIN (SELECT mapFromArrays(groupArray(recording_id), groupArray(if(state = 'archived', sha256, state))) AS dictionary FROM recordings) AS d
SETTINGS output_format_json_quote_64bit_integers = 0`

// compare holds the warehouse and the bucket against the ledger.
func (in *installation) compare(l sim.Ledger) {
	in.t.Helper()
	out, err := in.command("sql", "--format", "JSONEachRow", cdrQuery)
	if err != nil {
		in.t.Fatal(err)
	}
	got := map[string]cdrRow{}
	dec := json.NewDecoder(strings.NewReader(out))
	rows := 0
	for {
		var row struct {
			ID string `json:"id"`
			cdrRow
		}
		if err := dec.Decode(&row); err == io.EOF {
			break
		} else if err != nil {
			in.t.Fatal(err)
		}
		rows++
		got[row.ID] = row.cdrRow
	}
	if rows != len(l.Calls) || len(got) != rows {
		in.t.Errorf("%d rows of %d calls, the ledger has %d", rows, len(got), len(l.Calls))
	}
	bad := 0
	for _, c := range l.Calls {
		if !c.Complete {
			in.t.Fatalf("call %s was not acknowledged whole", c.PlatformCallID)
		}
		w, g := wanted(c), got[c.PlatformCallID]
		if !c.OutcomeCertain {
			w.Outcome, g.Outcome = "", ""
		}
		if diff := cmp.Diff(w, g); diff != "" {
			if bad++; bad <= 5 {
				in.t.Errorf("%s call %s (-ledger +warehouse):\n%s", c.Kind, c.PlatformCallID, diff)
			}
		}
	}
	if bad > 0 {
		in.t.Errorf("%d of %d calls differ from the ledger", bad, len(l.Calls))
	}
}

func wanted(c sim.LedgerCall) cdrRow {
	w := cdrRow{
		Direction: c.Direction, Start: fmt.Sprint(c.StartedAt.Unix()), Answered: c.Answered, Outcome: c.Outcome, RingMS: c.RingMillis,
		TalkMS: c.TalkMillis, Client: c.ClientNumber, External: c.ExternalNumber, Legs: len(c.Legs), Recordings: []string{},
	}
	for _, r := range c.Recordings {
		w.Recordings = append(w.Recordings, r.SHA256)
	}
	slices.Sort(w.Recordings)
	return w
}

// compareBytes reads every stored object and its sidecar back.
func (in *installation) compareBytes(l sim.Ledger) {
	in.t.Helper()
	want := map[string]bool{}
	for _, c := range l.Calls {
		for _, r := range c.Recordings {
			want[r.SHA256] = true
		}
	}
	v, err := state.Read(in.dir)
	if err != nil {
		in.t.Fatal(err)
	}
	store, err := blob.Open(blob.Options{URL: blobURL(v)})
	if err != nil {
		in.t.Fatal(err)
	}
	defer store.Close()
	mp3s, sidecars := 0, 0
	err = store.List(in.t.Context(), "recordings/", func(o blob.Object) bool {
		body, _, err := store.Get(in.t.Context(), o.Key)
		if err != nil {
			in.t.Errorf("object %s: %v", o.Key, err)
			return true
		}
		defer body.Close()
		h := sha256.New()
		if _, err := io.Copy(h, body); err != nil {
			in.t.Errorf("object %s: %v", o.Key, err)
		}
		if strings.HasSuffix(o.Key, ".json") {
			sidecars++
			return true
		}
		mp3s++
		if !want[hex.EncodeToString(h.Sum(nil))] {
			in.t.Errorf("object %s holds bytes that the operator never served", o.Key)
		}
		return true
	})
	if err != nil || mp3s != len(want) || sidecars != mp3s {
		in.t.Errorf("%d mp3s and %d sidecars for %d recordings: %v", mp3s, sidecars, len(want), err)
	}
}

func recordings(l sim.Ledger) int {
	n := 0
	for _, c := range l.Calls {
		n += len(c.Recordings)
	}
	return n
}

// Exactly once, byte for byte, whatever delivery and downloads do.
func TestP2P3ArchiveEqualsTheLedger(t *testing.T) {
	calls := 2000
	if testing.Short() {
		calls = 300
	}
	op := operate(t, sim.Options{Seed: 42, Calls: calls, Connections: 16, Faults: sim.Faults{
		Duplicate: 1.0 / 3, Shuffle: 1, Cut: 0.02, NotFound: 0.02, ServerError: 0.01,
	}})
	in := install(t, op.hosts()).start()
	if err := op.Post(t.Context(), nil, in.redirectURI()); err != nil {
		t.Fatal(err)
	}
	ledger := op.Ledger()
	began := time.Now()
	in.eventually(time.Minute, fmt.Sprint(recordings(ledger)), "SELECT count() FROM recordings WHERE state = 'archived'")
	t.Logf("%d recordings were archived %v after the last notification", recordings(ledger), time.Since(began).Round(time.Second))
	in.settled(ledger)
	if got := in.sql("SELECT count() FROM rejected"); got != "0" {
		t.Errorf("%s notifications were rejected", got)
	}
	if got := in.sql("SELECT count() FROM recordings WHERE attempt > 1"); got == "0" {
		t.Error("no download was tried twice: the faults did not happen")
	}
	in.keepsToItself(ledger)
	in.stop()
	// Stopped, it still answers.
	if got := in.sql("SELECT count() FROM calls"); got != fmt.Sprint(len(ledger.Calls)) {
		t.Errorf("%s calls when stopped, want %d", got, len(ledger.Calls))
	}
}
