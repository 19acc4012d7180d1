package calls

import (
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/cdr"
	"fonoteka/internal/warehouse"
)

const callColumns = `integration, call_id, group_id, platform_call_id,
	direction, outcome, client_number, client_number_raw, external_number, external_number_raw,
	account_id, caller, caller_extension, caller_name, callee, callee_extension, callee_name, hung_up,
	started_at, answered_at, ended_at, ring_ms, wait_ms, talk_ms, attendant_ms,
	recordings, transfers, legs, events,
	partial, start_inexact, end_inexact, talk_inexact, answered_by_duration, bad_times,
	version, is_deleted`

func appendCall(b warehouse.Batch, w cdr.CallWrite) error {
	r := w.Record
	recordings := r.Recordings
	if recordings == nil {
		recordings = []string{}
	}
	return b.Append(r.Integration, r.CallID, r.GroupID, r.PlatformCallID,
		string(r.Direction), string(r.Outcome),
		r.ClientNumber.Digits, r.ClientNumber.Raw, r.ExternalNumber.Digits, r.ExternalNumber.Raw,
		r.AccountID, r.Caller.AccountID, r.Caller.Extension, r.Caller.Name, r.Callee.AccountID, r.Callee.Extension, r.Callee.Name, string(r.HungUp),
		warehouse.ToMilli(r.StartedAt), warehouse.ToNullable(r.AnsweredAt), warehouse.ToNullable(r.EndedAt),
		warehouse.ToNullableMS(r.Ring, r.RingKnown), warehouse.ToNullableMS(r.Wait, r.WaitKnown), warehouse.ToMS(r.Talk), warehouse.ToMS(r.Attendant),
		recordings, warehouse.ClampUint16(r.Transfers), warehouse.ClampUint16(len(r.Legs)), warehouse.ClampUint32(r.Events),
		r.Partial, r.StartInexact, r.EndInexact, r.TalkInexact, r.AnsweredByDuration, r.BadTimes,
		w.Version, warehouse.Deleted(w.Deleted))
}

// scanCall reads callColumns; the legs are not part of them.
func scanCall(rows warehouse.Rows) (cdr.StoredCall, error) {
	var s cdr.StoredCall
	r := &s.Record
	var direction, outcome, hungUp string
	var answered, ended *time.Time
	var ring, wait *uint32
	var talk, attendant, events uint32
	var transfers, legs uint16
	var gone uint8
	err := rows.Scan(&r.Integration, &r.CallID, &r.GroupID, &r.PlatformCallID,
		&direction, &outcome,
		&r.ClientNumber.Digits, &r.ClientNumber.Raw, &r.ExternalNumber.Digits, &r.ExternalNumber.Raw,
		&r.AccountID, &r.Caller.AccountID, &r.Caller.Extension, &r.Caller.Name, &r.Callee.AccountID, &r.Callee.Extension, &r.Callee.Name, &hungUp,
		&r.StartedAt, &answered, &ended, &ring, &wait, &talk, &attendant,
		&r.Recordings, &transfers, &legs, &events,
		&r.Partial, &r.StartInexact, &r.EndInexact, &r.TalkInexact, &r.AnsweredByDuration, &r.BadTimes,
		&s.Version, &gone)
	if err != nil {
		return s, err
	}
	r.Direction, r.Outcome, r.HungUp = call.Direction(direction), call.Outcome(outcome), call.Side(hungUp)
	r.StartedAt, r.AnsweredAt, r.EndedAt = warehouse.FromMilli(r.StartedAt), warehouse.FromNullable(answered), warehouse.FromNullable(ended)
	r.Ring, r.RingKnown = warehouse.FromNullableMS(ring)
	r.Wait, r.WaitKnown = warehouse.FromNullableMS(wait)
	r.Talk, r.Attendant, r.Transfers, r.Events = warehouse.FromMS(talk), warehouse.FromMS(attendant), int(transfers), int(events)
	if len(r.Recordings) == 0 {
		r.Recordings = nil
	}
	return s, nil
}

const legColumns = `integration, call_id, leg_id, platform_leg_id, kind, account_id, type,
	caller, caller_extension, caller_name, callee, callee_extension, callee_name,
	started_at, leg_started_at, leg_answered_at, leg_ended_at, ring_ms, talk_ms,
	answered, talk_inexact, finished, reason, reason_code, tag, transport_id, events,
	version, is_deleted`

func appendLeg(b warehouse.Batch, r call.Record, l call.Leg, version uint64, gone bool) error {
	return b.Append(r.Integration, r.CallID, l.ID, l.PlatformID, string(l.Kind), l.AccountID, l.Type,
		l.Caller.AccountID, l.Caller.Extension, l.Caller.Name, l.Callee.AccountID, l.Callee.Extension, l.Callee.Name,
		warehouse.ToMilli(r.StartedAt), warehouse.ToNullable(l.StartedAt), warehouse.ToNullable(l.AnsweredAt), warehouse.ToNullable(l.EndedAt),
		warehouse.ToNullableMS(l.Ring, l.RingKnown), warehouse.ToMS(l.Talk),
		l.Answered, l.TalkInexact, l.Finished, l.Reason, l.ReasonCode, l.Tag, l.TransportID, warehouse.ClampUint32(l.Events),
		version, warehouse.Deleted(gone))
}

const clientColumns = "integration, client_number, started_at, call_id, direction, outcome, external_number, account_id, talk_ms, version, is_deleted"

func appendClient(b warehouse.Batch, r call.Record, number string, version uint64, gone bool) error {
	return b.Append(r.Integration, number, warehouse.ToMilli(r.StartedAt), r.CallID, string(r.Direction), string(r.Outcome),
		r.ExternalNumber.Digits, r.AccountID, warehouse.ToMS(r.Talk), version, warehouse.Deleted(gone))
}

// scanLeg reads legColumns, and the key of the call that the leg belongs to.
func scanLeg(rows warehouse.Rows) (rowKey, call.Leg, error) {
	var k rowKey
	var l call.Leg
	var kind string
	var at time.Time
	var started, answered, ended *time.Time
	var ring *uint32
	var talk, events uint32
	var version uint64
	var gone uint8
	err := rows.Scan(&k.integration, &k.callID, &l.ID, &l.PlatformID, &kind, &l.AccountID, &l.Type,
		&l.Caller.AccountID, &l.Caller.Extension, &l.Caller.Name, &l.Callee.AccountID, &l.Callee.Extension, &l.Callee.Name,
		&at, &started, &answered, &ended, &ring, &talk,
		&l.Answered, &l.TalkInexact, &l.Finished, &l.Reason, &l.ReasonCode, &l.Tag, &l.TransportID, &events,
		&version, &gone)
	if err != nil {
		return k, l, err
	}
	k.startedAt = at.UnixMilli()
	l.Kind = call.LegKind(kind)
	l.StartedAt, l.AnsweredAt, l.EndedAt = warehouse.FromNullable(started), warehouse.FromNullable(answered), warehouse.FromNullable(ended)
	l.Ring, l.RingKnown = warehouse.FromNullableMS(ring)
	l.Talk, l.Events = warehouse.FromMS(talk), int(events)
	return k, l, nil
}
