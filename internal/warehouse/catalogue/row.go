package catalogue

import (
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/warehouse"
)

// The columns of the catalogue. reason and reason_code are written from the others;
// reason is never read. A new column goes into one of these lists and, at the same
// place, into recordingValues and into a list of recordingRow; into the tables
// (recordings_open and the view that fills it, where it is of openColumns), and into
// schema/README.md, where a test wants to know how a rebuilt catalogue comes by it.
const (
	// jobColumns are what a job, and the planner of jobs, goes by. Both are asked for
	// at every try of every recording: reading all would take half as long again.
	jobColumns = `integration, recording_id, state, url, group_id, platform_call_id, platform_leg_id, account_id,
	announced_at, expires_at, sha256, size, bucket, key, attempt, next_attempt_at, denied_at, given_up_at, kept_attempt`
	// openColumns are all that there is to say of what is not archived, and why what is
	// short is fetched again.
	openColumns = jobColumns + `, duration_ms, archived_at,
	reason_code, failed_host, http_status, got_bytes, want_bytes, own_failures, failed_format, format, short_talk_ms, note`
	// recordingColumns are all.
	recordingColumns = openColumns + `, unmeasured, proxied, text_before, mismatched_talk_ms, short_since, short_confirmed_at, copy_of, conflicts,
	fault, fault_part, fault_at, last_good_at, found_sha256, found_size, former_key, former_fault, former_at,
	lock_mode, locked_until`
	// written are added where rows are written.
	written = ", reason, version"
)

// recordingValues are those of recordingColumns and written.
func recordingValues(s call.RecordingStatus) []any {
	f, w := s.Failure, s.Fault
	return []any{
		s.Integration, s.ID, string(s.State), s.URL, s.GroupID, s.PlatformCallID, s.PlatformID, s.AccountID,
		warehouse.ToMilli(s.AnnouncedAt), warehouse.ToMilli(s.ExpiresAt), s.SHA256, warehouse.ClampUint64(s.Size), s.Bucket, s.Key, warehouse.ClampUint32(s.Attempt),
		warehouse.ToNullable(s.NextAttemptAt), warehouse.ToNullable(s.DeniedAt), warehouse.ToNullable(s.GivenUpAt), warehouse.ClampUint32(s.KeptAttempt),

		warehouse.ToMS(s.Duration), warehouse.ToNullable(s.ArchivedAt),
		string(s.Code()), f.Host, warehouse.ClampUint16(f.HTTPStatus), warehouse.ClampUint64(f.GotBytes), warehouse.ClampUint64(f.WantBytes), warehouse.ClampUint32(f.OwnFailures), f.Format, s.Format, warehouse.ToMS(s.ShortTalk), s.Note,

		s.Unmeasured, s.Proxied, warehouse.ClampUint32(int(s.TextBefore)), warehouse.ToMS(s.MismatchedTalk), warehouse.ToNullable(s.ShortSince), warehouse.ToNullable(s.ShortConfirmedAt), s.CopyOf, warehouse.ClampUint32(s.Conflicts),
		string(w.Kind), string(w.Part), warehouse.ToNullable(w.At), warehouse.ToNullable(w.LastGood), w.SHA256, warehouse.ClampUint64(w.Size),
		s.Former.Key, string(s.Former.Fault), warehouse.ToNullable(s.Former.At),
		s.Lock.Mode, warehouse.ToNullable(s.Lock.Until),

		s.Reason(), s.Version(),
	}
}

// recordingRow is what a row is scanned into.
type recordingRow struct {
	s      call.RecordingStatus
	locked *time.Time

	state, code, fault, part, former                           string
	size, got, want, found                                     uint64
	duration, attempt, own, kept, text, short, talk, conflicts uint32
	status                                                     uint16
	next, denied, givenUp, archived, faultAt, good, formerAt   *time.Time
	shortSince, shortConfirmed                                 *time.Time
}

func (r *recordingRow) job() []any {
	s := &r.s
	return []any{
		&s.Integration, &s.ID, &r.state, &s.URL, &s.GroupID, &s.PlatformCallID, &s.PlatformID, &s.AccountID,
		&s.AnnouncedAt, &s.ExpiresAt, &s.SHA256, &r.size, &s.Bucket, &s.Key, &r.attempt, &r.next, &r.denied, &r.givenUp, &r.kept,
	}
}

func (r *recordingRow) open() []any {
	return append(r.job(), &r.duration, &r.archived,
		&r.code, &r.s.Failure.Host, &r.status, &r.got, &r.want, &r.own, &r.s.Failure.Format, &r.s.Format, &r.short, &r.s.Note)
}

func (r *recordingRow) all() []any {
	s := &r.s
	return append(r.open(), &s.Unmeasured, &s.Proxied, &r.text, &r.talk, &r.shortSince, &r.shortConfirmed, &s.CopyOf, &r.conflicts,
		&r.fault, &r.part, &r.faultAt, &r.good, &s.Fault.SHA256, &r.found, &s.Former.Key, &r.former, &r.formerAt,
		&s.Lock.Mode, &r.locked)
}

// recording is the row that was scanned.
func (r *recordingRow) recording() call.RecordingStatus {
	s := r.s
	s.State, s.Size, s.Attempt, s.KeptAttempt = call.RecordingState(r.state), int64(r.size), int(r.attempt), int(r.kept)
	s.AnnouncedAt, s.ExpiresAt = warehouse.FromMilli(s.AnnouncedAt), warehouse.FromMilli(s.ExpiresAt)
	s.NextAttemptAt, s.DeniedAt, s.GivenUpAt = warehouse.FromNullable(r.next), warehouse.FromNullable(r.denied), warehouse.FromNullable(r.givenUp)
	s.Duration, s.ArchivedAt = warehouse.FromMS(r.duration), warehouse.FromNullable(r.archived)
	if f := &s.Failure; s.State.Rank() < call.Archived.Rank() { // else the code follows from the fields behind it
		f.Code, f.HTTPStatus, f.GotBytes, f.WantBytes, f.OwnFailures = call.Code(r.code), int(r.status), int64(r.got), int64(r.want), int(r.own)
	}
	s.TextBefore, s.MismatchedTalk, s.Conflicts = int64(r.text), warehouse.FromMS(r.talk), int(r.conflicts)
	s.ShortTalk, s.ShortSince, s.ShortConfirmedAt = warehouse.FromMS(r.short), warehouse.FromNullable(r.shortSince), warehouse.FromNullable(r.shortConfirmed)
	f := &s.Fault
	f.Kind, f.Part, f.At, f.LastGood, f.Size = call.FaultKind(r.fault), call.Part(r.part), warehouse.FromNullable(r.faultAt), warehouse.FromNullable(r.good), int64(r.found)
	s.Former.Fault, s.Former.At = call.FaultKind(r.former), warehouse.FromNullable(r.formerAt)
	s.Lock.Until = warehouse.FromNullable(r.locked)
	return s
}

// scanRecording reads recordingColumns.
func scanRecording(rows warehouse.Rows) (call.RecordingStatus, error) {
	var r recordingRow
	err := rows.Scan(r.all()...)
	return r.recording(), err
}

// scanOpen reads openColumns.
func scanOpen(rows warehouse.Rows) (call.RecordingStatus, error) {
	var r recordingRow
	err := rows.Scan(r.open()...)
	return r.recording(), err
}

// scanJob reads jobColumns, and more that a query has behind them. All else of the
// row is left out.
func scanJob(rows warehouse.Rows, more ...any) (call.RecordingStatus, error) {
	var r recordingRow
	err := rows.Scan(append(r.job(), more...)...)
	return r.recording(), err
}
