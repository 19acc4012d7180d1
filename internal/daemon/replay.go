package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"fonoteka/internal/admin"
	"fonoteka/internal/call"
	"fonoteka/internal/relay"
	"fonoteka/internal/settings"
	"fonoteka/internal/spool"
	"fonoteka/internal/state"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/calls"
	"fonoteka/internal/warehouse/catalogue"
)

// rewind moves both cursors back.
func rewind(sp *spool.Spool) func(context.Context, time.Time) ([]admin.Rewound, error) {
	return func(ctx context.Context, to time.Time) ([]admin.Rewound, error) {
		stats, err := sp.Stats()
		if err != nil {
			return nil, err
		}
		var done []admin.Rewound
		for _, cursor := range []string{relay.WarehouseCursor, relay.RecordingsCursor} {
			first, err := sp.Rewind(ctx, cursor, to)
			if err != nil {
				return done, err
			}
			done = append(done, admin.Rewound{Cursor: cursor, First: first, Last: stats.Last})
		}
		return done, nil
	}
}

// RewindAlone moves the cursors of a spool back, where no process runs on its folder.
func RewindAlone(ctx context.Context, cfg *settings.Config, from time.Time, say func(admin.Rewound) error) error {
	st, err := state.Open(cfg.Data)
	if err != nil {
		return err
	}
	defer st.Close()
	sp, err := spool.Open(spool.Options{Dir: filepath.Join(cfg.Data, "spool"), Cursors: []string{relay.WarehouseCursor, relay.RecordingsCursor}})
	if err != nil {
		return err
	}
	done, err := rewind(sp)(ctx, from)
	for _, r := range done {
		err = errors.Join(err, say(r))
	}
	return errors.Join(err, sp.Close())
}

// resend gives what can be read in a folder to the targets and tells each of the
// progress, at the beginning and at the end at least.
func resend(ctx context.Context, dir string, since time.Time, to []relay.Target, each func(admin.Resent)) error {
	from, err := spool.OpenSalvage(nil, dir)
	if err != nil {
		return err
	}
	survey, err := from.Survey(ctx)
	if err != nil {
		return err
	}
	var progress admin.Resent
	progress.Readable = survey.Readable
	if survey.Last >= survey.First {
		progress.Missing = survey.Last - survey.First + 1 - survey.Readable - survey.Erased
	}
	each(progress)
	return relay.Resend(ctx, from, survey, since, to, func(sent uint64) {
		progress.Sent = sent
		each(progress)
	})
}

// noSource is of a relay that is only given records.
type noSource struct{ relay.Source }

// ResendAlone makes rows of what can be read in another folder with a spool, in this
// process. What recordings they announce the next serve fetches.
func ResendAlone(ctx context.Context, cfg *settings.Config, db *warehouse.DB, dir string, since time.Time, each func(admin.Resent)) error {
	there, err := db.SchemaVersion(ctx)
	if err != nil {
		return err
	}
	if known, err := warehouse.KnownSchema(); err != nil || there != known {
		return errors.Join(err, fmt.Errorf("the tables are at version %d, this program's is %d: run fonoteka migrate, or the program that made them", there, known))
	}
	counter := relay.NewNotifications(nil)
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	rows := relay.ToWarehouse{Warehouse: calls.New(db), Catalogue: catalogue.New(db), Decode: Decoder(cfg), LinkLife: cfg.LinkLife, Log: log, Counter: counter}
	r, err := relay.New(relay.Options{
		Cursor: relay.WarehouseCursor, Source: noSource{}, Sink: rows.Sink, Refused: warehouse.IsRefusal, SetAside: rows.SetAside, Log: log,
	})
	if err != nil {
		return err
	}
	return resend(ctx, dir, since, []relay.Target{{Relay: r}}, each)
}

// Decoder reads what the spool holds, each integration in its zone.
func Decoder(cfg *settings.Config) relay.Decoder {
	return func(body []byte, rec spool.Record) (call.Event, error) {
		return cfg.Decode(rec.Integration, body, rec.ReceivedAt)
	}
}

// replayHandler answers in JSON, one object a line: with ?spool=FOLDER the
// progress with that folder, with ?from=TIME alone where the cursors stand now,
// without either the progress with the rejected rows.
func replayHandler(rewind func(context.Context, time.Time) ([]admin.Rewound, error), rejected func(context.Context, func(taken, still int)) error, resend func(context.Context, string, time.Time, func(admin.Resent)) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		enc := json.NewEncoder(w)
		if r.URL.Query().Has("spool") {
			answerResend(w, r, resend)
			return
		}
		if !r.URL.Query().Has("from") {
			var last admin.Replayed
			err := rejected(r.Context(), func(taken, still int) {
				last = admin.Replayed{Taken: taken, Still: still}
				_ = enc.Encode(last)
				_ = http.NewResponseController(w).Flush()
			})
			if err != nil {
				last.Error = err.Error()
				_ = enc.Encode(last)
			}
			return
		}
		from, err := time.Parse(time.RFC3339Nano, r.URL.Query().Get("from"))
		if err != nil {
			http.Error(w, "from is not a time in RFC 3339", http.StatusBadRequest)
			return
		}
		done, err := rewind(r.Context(), from)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		for _, d := range done {
			_ = enc.Encode(d)
		}
	}
}

func answerResend(w http.ResponseWriter, r *http.Request, resend func(context.Context, string, time.Time, func(admin.Resent)) error) {
	var since time.Time
	if from := r.URL.Query().Get("from"); from != "" {
		var err error
		if since, err = time.Parse(time.RFC3339Nano, from); err != nil {
			http.Error(w, "from is not a time in RFC 3339", http.StatusBadRequest)
			return
		}
	}
	enc := json.NewEncoder(w)
	var last admin.Resent
	err := resend(r.Context(), r.URL.Query().Get("spool"), since, func(n admin.Resent) {
		last = n
		_ = enc.Encode(n)
		_ = http.NewResponseController(w).Flush()
	})
	if err != nil {
		last.Error = err.Error()
		_ = enc.Encode(last)
	}
}

// ReplayRejectedAlone puts what was rejected through the decoder again, in this process.
func ReplayRejectedAlone(ctx context.Context, cfg *settings.Config, db *warehouse.DB, each func(taken, still int)) error {
	counter := relay.NewNotifications(nil)
	to := relay.ToWarehouse{Warehouse: calls.New(db), Catalogue: catalogue.New(db), Decode: Decoder(cfg), LinkLife: cfg.LinkLife, Log: slog.New(slog.DiscardHandler), Counter: counter}
	return to.ReplayRejected(ctx, calls.New(db), each)
}
