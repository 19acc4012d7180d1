package warehouse

import (
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"fonoteka/internal/call"
)

// CallVersion orders the rows of one call: the epoch, which rises with an
// erasure and with a rebuild under changed rules, then the number of events the
// record is made of, then the revision, which rises with each ending by
// inference.
func CallVersion(epoch uint16, events uint32, revision uint16) uint64 {
	return uint64(epoch)<<48 | uint64(events)<<16 | uint64(revision)
}

// SplitCallVersion takes a CallVersion apart.
func SplitCallVersion(v uint64) (epoch uint16, events uint32, revision uint16) {
	return uint16(v >> 48), uint32(v >> 16), uint16(v)
}

// Canonical is a record as it will be read back: times in UTC and whole
// milliseconds from 1970 to 2200, durations in whole milliseconds from 0 to 49
// days, what is not known zero, no empty slice. Compare a derived record with a
// stored one only in this form.
func Canonical(r call.Record) call.Record {
	r.StartedAt, r.AnsweredAt, r.EndedAt = canonicalTime(r.StartedAt), canonicalTime(r.AnsweredAt), canonicalTime(r.EndedAt)
	r.Ring, r.Wait, r.Talk = canonicalKnown(r.Ring, r.RingKnown), canonicalKnown(r.Wait, r.WaitKnown), fromMS(toMS(r.Talk))
	r.Attendant = fromMS(toMS(r.Attendant))
	r.Transfers, r.Events = toUint16(r.Transfers), int(toUint32(r.Events))
	if len(r.Recordings) == 0 {
		r.Recordings = nil
	}
	legs := make([]call.Leg, len(r.Legs))
	for i, l := range r.Legs {
		l.StartedAt, l.AnsweredAt, l.EndedAt = canonicalTime(l.StartedAt), canonicalTime(l.AnsweredAt), canonicalTime(l.EndedAt)
		l.Ring, l.Talk = canonicalKnown(l.Ring, l.RingKnown), fromMS(toMS(l.Talk))
		l.Events = int(toUint32(l.Events))
		legs[i] = l
	}
	sortLegs(legs)
	r.Legs = legs
	if len(legs) == 0 {
		r.Legs = nil
	}
	return r
}

// sortLegs is the order that call.Record promises: by start, then id.
func sortLegs(legs []call.Leg) {
	slices.SortStableFunc(legs, func(a, b call.Leg) int {
		if c := a.StartedAt.Compare(b.StartedAt); c != 0 {
			return c
		}
		switch {
		case a.ID < b.ID:
			return -1
		case a.ID > b.ID:
			return 1
		}
		return strings.Compare(a.PlatformID, b.PlatformID)
	})
}

func canonicalTime(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return clampTime(t)
}

func canonicalKnown(d time.Duration, known bool) time.Duration {
	if !known {
		return 0
	}
	return fromMS(toMS(d))
}

func toUint16(n int) int    { return min(max(n, 0), 1<<16-1) }
func toUint32(n int) uint32 { return uint32(min(max(n, 0), 1<<32-1)) }

const callColumns = `integration, call_id, group_id, platform_call_id,
	direction, outcome, client_number, client_number_raw, external_number, external_number_raw,
	account_id, caller, caller_extension, caller_name, callee, callee_extension, callee_name, hung_up,
	started_at, answered_at, ended_at, ring_ms, wait_ms, talk_ms, attendant_ms,
	recordings, transfers, legs, events,
	partial, start_inexact, end_inexact, talk_inexact, answered_by_duration, bad_times,
	version, is_deleted`

func appendCall(b driver.Batch, w CallWrite) error {
	r := w.Record
	recordings := r.Recordings
	if recordings == nil {
		recordings = []string{}
	}
	return b.Append(r.Integration, r.CallID, r.GroupID, r.PlatformCallID,
		string(r.Direction), string(r.Outcome),
		r.ClientNumber.Digits, r.ClientNumber.Raw, r.ExternalNumber.Digits, r.ExternalNumber.Raw,
		r.AccountID, r.Caller.AccountID, r.Caller.Extension, r.Caller.Name, r.Callee.AccountID, r.Callee.Extension, r.Callee.Name, string(r.HungUp),
		toMilli(r.StartedAt), toNullable(r.AnsweredAt), toNullable(r.EndedAt),
		toNullableMS(r.Ring, r.RingKnown), toNullableMS(r.Wait, r.WaitKnown), toMS(r.Talk), toMS(r.Attendant),
		recordings, uint16(toUint16(r.Transfers)), uint16(toUint16(len(r.Legs))), toUint32(r.Events),
		r.Partial, r.StartInexact, r.EndInexact, r.TalkInexact, r.AnsweredByDuration, r.BadTimes,
		w.Version, deleted(w.Deleted))
}

func deleted(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

// scanCall reads callColumns; the legs are not part of them.
func scanCall(rows driver.Rows) (StoredCall, error) {
	var s StoredCall
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
	r.StartedAt, r.AnsweredAt, r.EndedAt = fromMilli(r.StartedAt), fromNullable(answered), fromNullable(ended)
	r.Ring, r.RingKnown = fromNullableMS(ring)
	r.Wait, r.WaitKnown = fromNullableMS(wait)
	r.Talk, r.Attendant, r.Transfers, r.Events = fromMS(talk), fromMS(attendant), int(transfers), int(events)
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

func appendLeg(b driver.Batch, r call.Record, l call.Leg, version uint64, gone bool) error {
	return b.Append(r.Integration, r.CallID, l.ID, l.PlatformID, string(l.Kind), l.AccountID, l.Type,
		l.Caller.AccountID, l.Caller.Extension, l.Caller.Name, l.Callee.AccountID, l.Callee.Extension, l.Callee.Name,
		toMilli(r.StartedAt), toNullable(l.StartedAt), toNullable(l.AnsweredAt), toNullable(l.EndedAt),
		toNullableMS(l.Ring, l.RingKnown), toMS(l.Talk),
		l.Answered, l.TalkInexact, l.Finished, l.Reason, l.ReasonCode, l.Tag, l.TransportID, toUint32(l.Events),
		version, deleted(gone))
}

const clientColumns = "integration, client_number, started_at, call_id, direction, outcome, external_number, account_id, talk_ms, version, is_deleted"

func appendClient(b driver.Batch, r call.Record, number string, version uint64, gone bool) error {
	return b.Append(r.Integration, number, toMilli(r.StartedAt), r.CallID, string(r.Direction), string(r.Outcome),
		r.ExternalNumber.Digits, r.AccountID, toMS(r.Talk), version, deleted(gone))
}

// scanLeg reads legColumns, and the key of the call that the leg belongs to.
func scanLeg(rows driver.Rows) (rowKey, call.Leg, error) {
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
	l.StartedAt, l.AnsweredAt, l.EndedAt = fromNullable(started), fromNullable(answered), fromNullable(ended)
	l.Ring, l.RingKnown = fromNullableMS(ring)
	l.Talk, l.Events = fromMS(talk), int(events)
	return k, l, nil
}
