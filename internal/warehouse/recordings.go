package warehouse

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"fonoteka/internal/call"
)

// recordingColumns are those that are read: all that a row's reason and reason_code
// are written from, and not these. A new one goes here and, at the same place, into
// recordingValues and scanRecording; into the tables recordings and recordings_open
// and the view between them; and into schema/README.md.
const recordingColumns = `integration, recording_id, state, url, call_id, platform_call_id, platform_leg_id,
	account_id, sha256, size, duration_ms, announced_at, expires_at, bucket, key, attempt,
	next_attempt_at, archived_at, reason_code,
	failed_host, http_status, got_bytes, want_bytes, own_failures, denied_at, given_up_at, kept_attempt,
	unmeasured, mismatched_talk_ms, conflicts,
	fault, fault_part, fault_at, last_good_at, found_sha256, found_size,
	former_key, former_fault, former_at, note`

// storedColumns are those that are written.
const storedColumns = recordingColumns + ", reason, version"

func recordingValues(s call.RecordingStatus) []any {
	f, w := s.Failure, s.Fault
	return []any{
		s.Integration, s.ID, string(s.State), s.URL, s.CallID, s.PlatformCallID, s.PlatformID,
		s.AccountID, s.SHA256, toUint64(s.Size), toMS(s.Duration), toMilli(s.AnnouncedAt), toMilli(s.ExpiresAt), s.Bucket, s.Key, toUint32(s.Attempt),
		toNullable(s.NextAttemptAt), toNullable(s.ArchivedAt), string(s.Code()),
		f.Host, uint16(f.HTTPStatus), toUint64(f.GotBytes), toUint64(f.WantBytes), toUint32(f.OwnFailures), toNullable(s.DeniedAt), toNullable(s.GivenUpAt), toUint32(s.KeptAttempt),
		s.Unmeasured, toMS(s.MismatchedTalk), toUint32(s.Conflicts),
		string(w.Kind), string(w.Part), toNullable(w.At), toNullable(w.LastGood), w.SHA256, toUint64(w.Size),
		s.Former.Key, string(s.Former.Fault), toNullable(s.Former.At), s.Note,
		s.Reason(), s.Version(),
	}
}

func toUint64(n int64) uint64 { return uint64(max(n, 0)) }

// AnnounceRecordings adds recordings to the catalogue. One that is there
// already keeps its state; of several announcements the earliest stays.
func (db *DB) AnnounceRecordings(ctx context.Context, recordings []call.Recording) error {
	rows := make([]call.RecordingStatus, len(recordings))
	for i, r := range recordings {
		rows[i] = call.RecordingStatus{Recording: r, State: call.Announced}
	}
	return db.do(ctx, "announce recordings", InsertTimeout, func(ctx context.Context) error {
		return db.insertRecordings(ctx, rows)
	})
}

// SaveRecordings writes rows of the catalogue. The one with the highest
// call.RecordingStatus.Version shows; a lower one changes nothing.
func (db *DB) SaveRecordings(ctx context.Context, rows []call.RecordingStatus) error {
	return db.do(ctx, "save recordings", InsertTimeout, func(ctx context.Context) error {
		return db.insertRecordings(ctx, rows)
	})
}

func (db *DB) insertRecordings(ctx context.Context, rows []call.RecordingStatus) error {
	return db.insert(ctx, "recordings", storedColumns, len(rows), func(b driver.Batch) error {
		for _, s := range rows {
			if err := b.Append(recordingValues(s)...); err != nil {
				return err
			}
		}
		return nil
	})
}

// scanRecording reads recordingColumns, and more that a query has behind them.
func scanRecording(rows driver.Rows, more ...any) (call.RecordingStatus, error) {
	var s call.RecordingStatus
	f, w := &s.Failure, &s.Fault
	var state, code, fault, part, former string
	var size, got, want, found uint64
	var duration, attempt, own, kept, talk, conflicts uint32
	var status uint16
	var next, archived, denied, givenUp, faultAt, lastGood, formerAt *time.Time
	into := []any{
		&s.Integration, &s.ID, &state, &s.URL, &s.CallID, &s.PlatformCallID, &s.PlatformID,
		&s.AccountID, &s.SHA256, &size, &duration, &s.AnnouncedAt, &s.ExpiresAt, &s.Bucket, &s.Key, &attempt,
		&next, &archived, &code,
		&f.Host, &status, &got, &want, &own, &denied, &givenUp, &kept,
		&s.Unmeasured, &talk, &conflicts,
		&fault, &part, &faultAt, &lastGood, &w.SHA256, &found,
		&s.Former.Key, &former, &formerAt, &s.Note,
	}
	if err := rows.Scan(append(into, more...)...); err != nil {
		return s, err
	}
	s.State, s.Size, s.Duration, s.Attempt = call.RecordingState(state), int64(size), fromMS(duration), int(attempt)
	s.AnnouncedAt, s.ExpiresAt = fromMilli(s.AnnouncedAt), fromMilli(s.ExpiresAt)
	s.NextAttemptAt, s.ArchivedAt = fromNullable(next), fromNullable(archived)
	if s.State.Rank() < call.Archived.Rank() { // of what is archived the code follows from the fields behind it
		f.Code = call.Code(code)
	}
	f.HTTPStatus, f.GotBytes, f.WantBytes, f.OwnFailures = int(status), int64(got), int64(want), int(own)
	s.DeniedAt, s.GivenUpAt, s.KeptAttempt = fromNullable(denied), fromNullable(givenUp), int(kept)
	s.MismatchedTalk, s.Conflicts = fromMS(talk), int(conflicts)
	w.Kind, w.Part, w.At, w.LastGood, w.Size = call.FaultKind(fault), call.Part(part), fromNullable(faultAt), fromNullable(lastGood), int64(found)
	s.Former.Fault, s.Former.At = call.FaultKind(former), fromNullable(formerAt)
	return s, nil
}

// due takes the time in milliseconds.
const due = `(state = 'announced' AND isNull(next_attempt_at)
	OR state IN ('announced', 'retrying', 'missing', 'refused', 'quarantined', 'expired')
		AND next_attempt_at <= fromUnixTimestamp64Milli(?, 'UTC'))`

// narrowed adds to a condition on recordings that is asked under FINAL: only keys
// of which some row, of whatever version, meets it. Normally they are few, found
// fast, and only they are collapsed: 0.2 s on top of 4 million recordings. When
// a great many wait to be merged with what came after them, collapsing everything
// is the cheaper way: 1.6 s instead of 5.6 with 2.5 million of them in 6.5.
func (db *DB) narrowed(ctx context.Context, w where) (where, error) {
	const many = 200_000
	var seen uint64
	if err := db.conn.QueryRow(ctx, "SELECT count() FROM recordings"+w.sql(), w.args...).Scan(&seen); err != nil || seen >= many {
		return w, err
	}
	var out where
	out.add(true, "(integration, recording_id) IN (SELECT integration, recording_id FROM recordings"+w.sql()+")", w.args...)
	out.terms, out.args = append(out.terms, w.terms...), append(out.args, w.args...)
	return out, nil
}

// AddCustody adds steps to the chain of custody. A step that is added again
// with equal content is one step.
func (db *DB) AddCustody(ctx context.Context, steps []call.Custody) error {
	return db.do(ctx, "add custody", InsertTimeout, func(ctx context.Context) error {
		return db.insertCustody(ctx, steps)
	})
}

func (db *DB) insertCustody(ctx context.Context, steps []call.Custody) error {
	return db.insert(ctx, "custody", "integration, recording_id, at, step, attempt, sha256, detail", len(steps),
		func(b driver.Batch) error {
			for _, c := range steps {
				err := b.Append(c.Integration, c.RecordingID, toMilli(c.At), c.Step, toUint32(c.Attempt), c.SHA256, c.Detail)
				if err != nil {
					return err
				}
			}
			return nil
		})
}
