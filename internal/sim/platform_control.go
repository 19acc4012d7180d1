package sim

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"
)

// span is a length of time written as in "2h30m".
type span time.Duration

func (s *span) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	*s = span(d)
	return err
}

// control adds the simulator's own addresses. Bodies and answers are JSON;
// spans of time are written as in "2h30m".
func (p *Platform) control(mux *http.ServeMux) {
	mux.HandleFunc("GET /sim/clock", func(w http.ResponseWriter, _ *http.Request) { p.tellTime(w) })
	mux.HandleFunc("POST /sim/clock", order(func(w http.ResponseWriter, o struct {
		Advance span `json:"advance"`
	},
	) error {
		p.Advance(time.Duration(o.Advance))
		p.tellTime(w)
		return nil
	}))
	mux.HandleFunc("GET /sim/requests", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, http.StatusOK, p.Requests(r.URL.Query().Get("path")))
	})
	mux.HandleFunc("DELETE /sim/requests", func(w http.ResponseWriter, _ *http.Request) {
		p.ForgetRequests()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /sim/trouble", order(func(w http.ResponseWriter, o struct {
		Trouble
		Delay span `json:"delay"`
	},
	) error {
		o.Trouble.Delay = time.Duration(o.Delay)
		return p.Trouble(o.Trouble)
	}))
	mux.HandleFunc("DELETE /sim/trouble", func(w http.ResponseWriter, _ *http.Request) {
		p.NoTrouble()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /sim/revoke", order(func(w http.ResponseWriter, o struct {
		All bool `json:"all"`
	},
	) error {
		p.Revoke(o.All)
		return nil
	}))
	p.playControl(mux)
}

// playControl adds what the people of the simulation do.
func (p *Platform) playControl(mux *http.ServeMux) {
	mux.HandleFunc("POST /sim/call", order(func(w http.ResponseWriter, c IncomingCall) error {
		id, err := p.Call(c)
		if err == nil {
			writeJSON(w, http.StatusOK, map[string]any{"call": map[string]any{"id": id}})
		}
		return err
	}))
	mux.HandleFunc("POST /sim/manner", order(func(w http.ResponseWriter, o struct {
		PickUp span `json:"pick_up"`
		Answer span `json:"answer"`
		Talk   span `json:"talk"`
		Record span `json:"record"`
	},
	) error {
		p.SetManner(Manner{time.Duration(o.PickUp), time.Duration(o.Answer), time.Duration(o.Talk), time.Duration(o.Record)})
		return nil
	}))
	mux.HandleFunc("POST /sim/directory", order(func(w http.ResponseWriter, c DirectoryChange) error {
		return p.ChangeDirectory(c)
	}))
	mux.HandleFunc("GET /sim/parking", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, p.Parked()) })
	mux.HandleFunc("GET /sim/ledger", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, p.opts.Sim.Ledger()) })
	mux.HandleFunc("POST /sim/probe", func(w http.ResponseWriter, r *http.Request) { writeJSON(w, http.StatusOK, p.Probe(r.Context())) })
}

func (p *Platform) tellTime(w http.ResponseWriter) {
	writeJSON(w, http.StatusOK, map[string]time.Time{"now": p.Now().UTC()})
}

// order reads the body, an empty one as {}, and answers an error with 400.
func order[T any](do func(http.ResponseWriter, T) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var o T
		dec := json.NewDecoder(r.Body)
		dec.DisallowUnknownFields()
		err := dec.Decode(&o)
		if err == nil || errors.Is(err, io.EOF) {
			err = do(w, o)
		}
		if err != nil {
			writeJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		}
	}
}
