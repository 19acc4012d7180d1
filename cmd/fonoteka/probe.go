package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"fonoteka/internal/checkup"
	"fonoteka/internal/edge"
	"fonoteka/internal/state"
)

// probing answers a request to look out for a probe: what its requests must bear.
type probing struct {
	Header string `json:"header"`
	Word   string `json:"word"`
}

// probeHandler begins a probe of the public listener; with ?word= it answers how the
// requests that bore the word arrived, one a line.
func probeHandler(door *edge.Edge) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		enc := json.NewEncoder(w)
		if !r.URL.Query().Has("word") {
			_ = enc.Encode(probing{edge.ProbeHeader, door.Expect()})
			return
		}
		for _, s := range door.Sightings(r.URL.Query().Get("word")) {
			_ = enc.Encode(s)
		}
	}
}

const probePath = "/admin/probe"

// probe lets doctor ask the running process how requests arrive; nil where none
// runs.
func (cfg *config) probe() (*checkup.Probe, error) {
	run, err := state.ReadRuntime(cfg.data)
	if errors.Is(err, state.ErrNotRunning) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &checkup.Probe{
		Expect: func(ctx context.Context) (header, word string, err error) {
			err = ask(ctx, cfg, run, probePath, nil, func(p probing) error {
				header, word = p.Header, p.Word
				return nil
			})
			return header, word, err
		},
		Sightings: func(ctx context.Context, word string) (all []checkup.Sighting, err error) {
			err = ask(ctx, cfg, run, probePath, url.Values{"word": {word}}, func(s checkup.Sighting) error {
				all = append(all, s)
				return nil
			})
			return all, err
		},
	}, nil
}
