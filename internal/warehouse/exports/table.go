package exports

import (
	"context"
	"time"

	"fonoteka/internal/warehouse"
)

// State of an export.
type State string

// The states. One that was begun and not done has given nothing out that the audit does
// not name: it goes on when the command is started again.
const (
	Begun State = "begun"
	Done  State = "done"
)

// Row is an export in the table.
type Row struct {
	ID             string    `json:"export_id"`
	At             time.Time `json:"at"` // when the selection was fixed, UTC
	Actor          string    `json:"actor"`
	Case           string    `json:"case"`
	Reason         string    `json:"reason"`
	Destination    string    `json:"destination"`
	State          State     `json:"state"`
	Calls          uint64    `json:"calls"`
	Unanswered     uint64    `json:"unanswered"`
	Recordings     uint64    `json:"recordings"`
	Files          uint64    `json:"files"`
	Missing        uint64    `json:"missing"`
	QuerySHA256    string    `json:"query_sha256"`
	Salt           string    `json:"-"`
	ManifestSHA256 string    `json:"manifest_sha256"`
}

const columns = `export_id, at, actor, case_name, reason, destination, state, calls, unanswered, recordings, files, missing, query_sha256, salt, manifest_sha256`

func (db *DB) save(ctx context.Context, r Row) error {
	return db.Do(ctx, "note an export", warehouse.InsertTimeout, func(ctx context.Context) error {
		return db.Insert(ctx, "exports", columns+", version", 1, func(b warehouse.Batch) error {
			return b.Append(r.ID, warehouse.ToMilli(r.At), r.Actor, r.Case, r.Reason, r.Destination, string(r.State), r.Calls, r.Unanswered, r.Recordings, r.Files, r.Missing,
				r.QuerySHA256, r.Salt, r.ManifestSHA256, now())
		})
	})
}

// List lists exports, the newest first; behind the one that is given, if there is one.
func (db *DB) List(ctx context.Context, limit int, after *Row) (out []Row, err error) {
	var w warehouse.Where
	if after != nil {
		w.Add(true, "(at, export_id) < (fromUnixTimestamp64Milli(?, 'UTC'), ?)", after.At.UnixMilli(), after.ID)
	}
	err = db.Do(ctx, "list exports", warehouse.ReadTimeout, func(ctx context.Context) error {
		return db.Query(ctx, "SELECT "+columns+" FROM exports FINAL"+w.SQL()+" ORDER BY at DESC, export_id DESC LIMIT ?", append(w.Args, limit), func(r warehouse.Rows) error {
			var row Row
			var state string
			err := r.Scan(&row.ID, &row.At, &row.Actor, &row.Case, &row.Reason, &row.Destination, &state, &row.Calls, &row.Unanswered, &row.Recordings, &row.Files, &row.Missing,
				&row.QuerySHA256, &row.Salt, &row.ManifestSHA256)
			row.At, row.State = row.At.UTC(), State(state)
			out = append(out, row)
			return err
		})
	})
	return out, err
}

// Count counts exports.
func (db *DB) Count(ctx context.Context) (n uint64, err error) {
	err = db.Do(ctx, "count exports", warehouse.ReadTimeout, func(ctx context.Context) error {
		return db.QueryRow(ctx, "SELECT count() FROM exports FINAL").Scan(&n)
	})
	return n, err
}
