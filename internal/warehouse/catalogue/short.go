package catalogue

import (
	"context"
	"fmt"
	"slices"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/calls"
)

// judgedAtOnce bounds the calls whose recordings are read at a time.
const judgedAtOnce = 2000

// JudgeShort has the rows of the calls' recordings say whether they are short
// (call.Record.Judged), and counts those that it changed. It is told of CDRs once they
// are written, so that it and JudgeArchived, which reads a CDR once the row is written,
// never both miss the other's side.
func (db *DB) JudgeShort(ctx context.Context, records []call.Record, now time.Time) (changed int, err error) {
	records = slices.DeleteFunc(slices.Clone(records), func(r call.Record) bool {
		return len(r.Recordings) == 0 || !slices.ContainsFunc(r.Legs, func(l call.Leg) bool { return l.Finished }) // it goes on: nothing is known yet
	})
	for page := range slices.Chunk(records, judgedAtOnce) {
		n, err := db.judge(ctx, page, now)
		if changed += n; err != nil {
			return changed, fmt.Errorf("judge which recordings are short: %w", err)
		}
	}
	return changed, nil
}

// judge looks at few columns of the archived recordings first: of most calls nothing
// changes, and whole rows are dear.
func (db *DB) judge(ctx context.Context, records []call.Record, now time.Time) (int, error) {
	rows, err := db.shortColumns(ctx, records)
	if err != nil {
		return 0, err
	}
	var ids []string
	records = slices.DeleteFunc(slices.Clone(records), func(r call.Record) bool {
		changes := len(r.Judged(rowsOf(r, rows), now)) > 0
		if changes {
			ids = append(ids, r.Recordings...)
		}
		return !changes
	})
	if len(records) == 0 {
		return 0, nil
	}
	whole, err := db.ByID(ctx, ids)
	if err != nil {
		return 0, err
	}
	rows = byKey(whole)
	var changed []call.RecordingStatus
	var steps []call.Custody
	for _, r := range records {
		for _, row := range r.Judged(rowsOf(r, rows), now) {
			changed = append(changed, row)
			if before := rows[Key{row.Integration, row.ID}]; (row.ShortTalk == 0) != (before.ShortTalk == 0) {
				steps = append(steps, shortStep(row, now))
			}
		}
	}
	if len(changed) == 0 {
		return 0, nil
	}
	if err := db.AddCustody(ctx, steps); err != nil {
		return 0, err
	}
	return len(changed), db.SaveRecordings(ctx, changed)
}

func byKey(rows []call.RecordingStatus) map[Key]call.RecordingStatus {
	out := make(map[Key]call.RecordingStatus, len(rows))
	for _, row := range rows {
		out[Key{row.Integration, row.ID}] = row
	}
	return out
}

// rowsOf are those of a call's recordings that there are.
func rowsOf(r call.Record, rows map[Key]call.RecordingStatus) (own []call.RecordingStatus) {
	for _, id := range r.Recordings {
		if row, ok := rows[Key{r.Integration, id}]; ok {
			own = append(own, row)
		}
	}
	return own
}

// shortColumns reads of the archived recordings of calls what call.Record.Judged goes by.
func (db *DB) shortColumns(ctx context.Context, records []call.Record) (map[Key]call.RecordingStatus, error) {
	ids := map[string][]string{}
	for _, r := range records {
		ids[r.Integration] = append(ids[r.Integration], r.Recordings...)
	}
	rows := map[Key]call.RecordingStatus{}
	for integration, ids := range ids {
		asked, err := warehouse.WithTable(ctx, "asked", warehouse.Fields{{"recording_id", "String"}}, len(ids), func(i int) []any { return []any{ids[i]} })
		if err != nil {
			return nil, err
		}
		err = db.Do(asked, "read what recordings play", warehouse.ReadTimeout, func(ctx context.Context) error {
			return db.Query(ctx, `SELECT recording_id, account_id, duration_ms, short_talk_ms, copy_of FROM recordings FINAL
				PREWHERE integration = ? AND recording_id IN asked WHERE state = 'archived'`, []any{integration}, func(r warehouse.Rows) error {
				row := call.RecordingStatus{State: call.Archived}
				var plays, talk uint32
				err := r.Scan(&row.ID, &row.AccountID, &plays, &talk, &row.CopyOf)
				row.Integration, row.Duration, row.ShortTalk = integration, warehouse.FromMS(plays), warehouse.FromMS(talk)
				rows[Key{integration, row.ID}] = row
				return err
			})
		})
		if err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// shortStep is what the chain of custody has of a judgement that changed.
func shortStep(row call.RecordingStatus, now time.Time) call.Custody {
	c := call.Custody{Integration: row.Integration, RecordingID: row.ID, Step: "short", At: now.UTC(), SHA256: row.SHA256, Attempt: row.Attempt}
	if row.ShortTalk == 0 {
		c.Step, c.Detail = "not short", "as its call's CDR has it by now"
		return c
	}
	c.Detail = fmt.Sprintf("plays %d ms of a talk of %d ms", row.Duration.Milliseconds(), row.ShortTalk.Milliseconds())
	return c
}

// JudgeArchived judges recordings whose rows were written since a time, by the CDRs
// that are there; those of the zero time are all that the operator still has. It
// returns where to go on, by the server's clock: a minute is judged twice, as a row
// shows up a while after its time.
func (db *DB) JudgeArchived(ctx context.Context, since, now time.Time) (next time.Time, changed int, err error) {
	began, err := db.ServerTime(ctx)
	if err != nil {
		return since, 0, err
	}
	keys, err := db.archivedSince(ctx, since, now)
	if err != nil {
		return since, 0, err
	}
	for page := range slices.Chunk(keys, judgedAtOnce) {
		stored, err := calls.New(db.DB).StoredCalls(ctx, page)
		if err != nil {
			return since, changed, err
		}
		var records []call.Record
		for _, of := range stored {
			for _, c := range of {
				records = append(records, c.Record)
			}
		}
		n, err := db.JudgeShort(ctx, records, now)
		if changed += n; err != nil {
			return since, changed, err
		}
	}
	return began.Add(-time.Minute), changed, nil
}

func (db *DB) archivedSince(ctx context.Context, since, now time.Time) (keys []call.GroupKey, err error) {
	var w warehouse.Where
	w.Add(true, "state = 'archived' AND group_id != 0")
	w.From("updated_at", since)
	if since.IsZero() {
		w.From("expires_at", now)
	}
	err = db.Do(ctx, "find newly archived recordings", warehouse.ReadTimeout, func(ctx context.Context) error {
		keys = nil
		return db.Query(ctx, "SELECT DISTINCT integration, group_id FROM recordings"+w.SQL(), w.Args, func(r warehouse.Rows) error {
			var k call.GroupKey
			err := r.Scan(&k.Integration, &k.GroupID)
			keys = append(keys, k)
			return err
		})
	})
	return keys, err
}
