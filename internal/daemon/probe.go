package daemon

import (
	"encoding/json"
	"net/http"

	"fonoteka/internal/admin"
	"fonoteka/internal/edge"
)

// probeHandler begins a probe of the public listener; with ?word= it answers how the
// requests that bore the word arrived, one a line.
func probeHandler(door *edge.Edge) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		enc := json.NewEncoder(w)
		if !r.URL.Query().Has("word") {
			_ = enc.Encode(admin.Probing{Header: edge.ProbeHeader, Word: door.Expect()})
			return
		}
		for _, s := range door.Sightings(r.URL.Query().Get("word")) {
			_ = enc.Encode(s)
		}
	}
}
