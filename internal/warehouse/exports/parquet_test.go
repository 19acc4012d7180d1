package exports_test

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/export"
	"fonoteka/internal/pack"
	"fonoteka/internal/warehouse/warehousetest"
)

// What comes back from the Parquet of a package is what the table has.
func TestParquetComesBackAsItWas(t *testing.T) {
	t.Parallel()
	o := warehousetest.Options(t)
	db := warehousetest.Migrated(t, o)
	story(t, db, 300, func(i int, r *call.Record) {
		r.Talk, r.Recordings = time.Duration(i)*time.Second, []string{"b", "a"}[:i%3]
		if i%2 == 0 {
			r.AnsweredAt = r.StartedAt.Add(1234 * time.Millisecond)
		}
		if i%7 == 0 {
			r.RingKnown, r.Ring = true, 5*time.Second
		}
	})
	s := source(db, pack.Selection{Integration: "main"}, nil)
	linesOf[pack.Call](t, s, export.Calls)
	var parquet bytes.Buffer
	must(t, s.Parquet(t.Context(), &parquet))
	must(t, db.Exec(t.Context(), `CREATE TABLE back (integration String, call_id UInt64, version UInt64, outcome String, client_number String, started_at DateTime64(3, 'UTC'),
		answered_at Nullable(DateTime64(3, 'UTC')), ring_ms Nullable(UInt32), talk_ms UInt32, recordings Array(String), partial Bool) ENGINE = MergeTree ORDER BY call_id`))
	where := url.Values{"user": {o.User}, "password": {o.Password}, "database": {o.Database}, "query": {"INSERT INTO back FORMAT Parquet"}}
	resp, err := http.Post("http://"+o.HTTPAddr+"/?"+where.Encode(), "application/octet-stream", &parquet)
	must(t, err)
	defer resp.Body.Close()
	if said, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", resp.Status, said)
	}
	const sum = `SELECT count(), sum(cityHash64(toString(integration), call_id, version, toString(outcome), client_number, started_at, ifNull(toString(answered_at), ''),
		ifNull(toString(ring_ms), ''), talk_ms, arraySort(recordings), partial)) FROM `
	if got, want := ask(t, db, sum+"back"), ask(t, db, sum+"calls"); got != want {
		t.Errorf("back came %q, the table has %q", got, want)
	}
}
