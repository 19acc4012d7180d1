package seed

import (
	"strings"
	"time"

	"github.com/ClickHouse/ch-go/proto"

	"fonoteka/internal/sim"
)

// columns are a table's, to be appended to row by row; their order is that in
// which they were made.
type columns struct {
	input proto.Input
	rows  int
}

func (c *columns) add(name string, data proto.ColInput) {
	c.input = append(c.input, proto.InputColumn{Name: name, Data: data})
}

// names lists the columns for a statement.
func (c *columns) names() string {
	var names []string
	for _, col := range c.input {
		names = append(names, col.Name)
	}
	return strings.Join(names, ", ")
}

func (c *columns) text(name string) *proto.ColStr {
	col := new(proto.ColStr)
	c.add(name, col)
	return col
}

func (c *columns) word(name string) *proto.ColLowCardinality[string] {
	col := new(proto.ColStr).LowCardinality()
	c.add(name, col)
	return col
}

func (c *columns) u64(name string) *proto.ColUInt64 {
	col := new(proto.ColUInt64)
	c.add(name, col)
	return col
}

func (c *columns) u32(name string) *proto.ColUInt32 {
	col := new(proto.ColUInt32)
	c.add(name, col)
	return col
}

func (c *columns) u16(name string) *proto.ColUInt16 {
	col := new(proto.ColUInt16)
	c.add(name, col)
	return col
}

func (c *columns) u8(name string) *proto.ColUInt8 {
	col := new(proto.ColUInt8)
	c.add(name, col)
	return col
}

func (c *columns) yes(name string) *proto.ColBool {
	col := new(proto.ColBool)
	c.add(name, col)
	return col
}

func (c *columns) maybe32(name string) *proto.ColNullable[uint32] {
	col := new(proto.ColUInt32).Nullable()
	c.add(name, col)
	return col
}

func (c *columns) texts(name string) *proto.ColArr[string] {
	col := new(proto.ColStr).Array()
	c.add(name, col)
	return col
}

func millis() *proto.ColDateTime64 {
	return new(proto.ColDateTime64).WithPrecision(proto.PrecisionMilli).WithLocation(time.UTC)
}

func (c *columns) time(name string) *proto.ColDateTime64 {
	col := millis()
	c.add(name, col)
	return col
}

func (c *columns) maybeTime(name string) *proto.ColNullable[time.Time] {
	col := millis().Nullable()
	c.add(name, col)
	return col
}

// A zero time and a number below zero are null.

func orNull(t time.Time) proto.Nullable[time.Time] {
	if t.IsZero() {
		return proto.Null[time.Time]()
	}
	return proto.NewNullable(t)
}

func msOrNull(ms int) proto.Nullable[uint32] {
	if ms < 0 {
		return proto.Null[uint32]()
	}
	return proto.NewNullable(uint32(ms))
}

func bit(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

type eventColumns struct {
	columns
	integration, kind, state *proto.ColLowCardinality[string]
	call, event, wins        *proto.ColUInt64
	body                     *proto.ColStr
}

func newEventColumns() *eventColumns {
	c := &eventColumns{}
	c.integration, c.call, c.event = c.word("integration"), c.u64("group_id"), c.u64("event_id")
	c.wins, c.kind, c.state, c.body = c.u64("first_wins"), c.word("kind"), c.word("state"), c.text("body")
	return c
}

type keyColumns struct {
	columns
	integration *proto.ColLowCardinality[string]
	group, call *proto.ColUInt64
	started     *proto.ColDateTime64
}

func newKeyColumns() *keyColumns {
	c := &keyColumns{}
	c.integration, c.group, c.started, c.call = c.word("integration"), c.u64("group_id"), c.time("started_at"), c.u64("call_id")
	return c
}

type clientColumns struct {
	columns
	integration, direction, outcome, external, account *proto.ColLowCardinality[string]
	client                                             *proto.ColStr
	started                                            *proto.ColDateTime64
	call, version                                      *proto.ColUInt64
	talk                                               *proto.ColUInt32
	deleted                                            *proto.ColUInt8
}

func newClientColumns() *clientColumns {
	c := &clientColumns{}
	c.integration, c.client, c.started, c.call = c.word("integration"), c.text("client_number"), c.time("started_at"), c.u64("call_id")
	c.direction, c.outcome, c.external, c.account = c.word("direction"), c.word("outcome"), c.word("external_number"), c.word("account_id")
	c.talk, c.version, c.deleted = c.u32("talk_ms"), c.u64("version"), c.u8("is_deleted")
	return c
}

// sideColumns are the two sides of an internal call.
type sideColumns struct {
	caller, callerExtension, callerName, callee, calleeExtension, calleeName *proto.ColLowCardinality[string]
}

func newSideColumns(c *columns) sideColumns {
	return sideColumns{
		c.word("caller"), c.word("caller_extension"), c.word("caller_name"),
		c.word("callee"), c.word("callee_extension"), c.word("callee_name"),
	}
}

func (c sideColumns) sides(call *sim.HistoryCall) {
	c.caller.Append(call.Caller.AccountID)
	c.callerExtension.Append(call.Caller.Extension)
	c.callerName.Append(call.Caller.Name)
	c.callee.Append(call.Callee.AccountID)
	c.calleeExtension.Append(call.Callee.Extension)
	c.calleeName.Append(call.Callee.Name)
}

type callColumns struct {
	columns
	sideColumns
	integration, direction, outcome, external, externalRaw, account, hungUp *proto.ColLowCardinality[string]
	platform, client, clientRaw                                             *proto.ColStr
	call, group, version                                                    *proto.ColUInt64
	started                                                                 *proto.ColDateTime64
	answered, ended                                                         *proto.ColNullable[time.Time]
	ring, wait                                                              *proto.ColNullable[uint32]
	talk, attendant, events                                                 *proto.ColUInt32
	recordings                                                              *proto.ColArr[string]
	transfers, legs                                                         *proto.ColUInt16
	partial, startInexact, endInexact, talkInexact, byDuration, badTimes    *proto.ColBool
	deleted                                                                 *proto.ColUInt8
}

func newCallColumns() *callColumns {
	c := &callColumns{}
	c.integration, c.call, c.group, c.platform = c.word("integration"), c.u64("call_id"), c.u64("group_id"), c.text("platform_call_id")
	c.direction, c.outcome = c.word("direction"), c.word("outcome")
	c.client, c.clientRaw = c.text("client_number"), c.text("client_number_raw")
	c.external, c.externalRaw = c.word("external_number"), c.word("external_number_raw")
	c.account, c.hungUp, c.sideColumns = c.word("account_id"), c.word("hung_up"), newSideColumns(&c.columns)
	c.started, c.answered, c.ended = c.time("started_at"), c.maybeTime("answered_at"), c.maybeTime("ended_at")
	c.ring, c.wait, c.talk = c.maybe32("ring_ms"), c.maybe32("wait_ms"), c.u32("talk_ms")
	c.attendant = c.u32("attendant_ms")
	c.recordings, c.transfers, c.legs, c.events = c.texts("recordings"), c.u16("transfers"), c.u16("legs"), c.u32("events")
	c.partial, c.startInexact, c.endInexact = c.yes("partial"), c.yes("start_inexact"), c.yes("end_inexact")
	c.talkInexact, c.byDuration, c.badTimes = c.yes("talk_inexact"), c.yes("answered_by_duration"), c.yes("bad_times")
	c.version, c.deleted = c.u64("version"), c.u8("is_deleted")
	return c
}

type legColumns struct {
	columns
	sideColumns
	integration, kind, account, typ, reason, code, transport *proto.ColLowCardinality[string]
	platform, tag                                            *proto.ColStr
	call, leg, version                                       *proto.ColUInt64
	started                                                  *proto.ColDateTime64
	legStarted, answeredAt, ended                            *proto.ColNullable[time.Time]
	ring                                                     *proto.ColNullable[uint32]
	talk, events                                             *proto.ColUInt32
	answered, inexact, finished                              *proto.ColBool
	deleted                                                  *proto.ColUInt8
}

func newLegColumns() *legColumns {
	c := &legColumns{}
	c.integration, c.call, c.leg, c.platform = c.word("integration"), c.u64("call_id"), c.u64("leg_id"), c.text("platform_leg_id")
	c.kind, c.account, c.typ, c.sideColumns = c.word("kind"), c.word("account_id"), c.word("type"), newSideColumns(&c.columns)
	c.started, c.legStarted = c.time("started_at"), c.maybeTime("leg_started_at")
	c.answeredAt, c.ended = c.maybeTime("leg_answered_at"), c.maybeTime("leg_ended_at")
	c.ring, c.talk = c.maybe32("ring_ms"), c.u32("talk_ms")
	c.answered, c.inexact, c.finished = c.yes("answered"), c.yes("talk_inexact"), c.yes("finished")
	c.reason, c.code, c.tag, c.transport = c.word("reason"), c.word("reason_code"), c.text("tag"), c.word("transport_id")
	c.events, c.version, c.deleted = c.u32("events"), c.u64("version"), c.u8("is_deleted")
	return c
}

type recordingColumns struct {
	columns
	integration, state, account, bucket, code                *proto.ColLowCardinality[string]
	id, url, platformCall, platformLeg, sha256, key, reason_ *proto.ColStr
	call, size, version                                      *proto.ColUInt64
	duration, attempt                                        *proto.ColUInt32
	status                                                   *proto.ColUInt16
	announced, expires                                       *proto.ColDateTime64
	next, archived                                           *proto.ColNullable[time.Time]
}

func newRecordingColumns() *recordingColumns {
	c := &recordingColumns{}
	c.integration, c.id, c.state, c.url = c.word("integration"), c.text("recording_id"), c.word("state"), c.text("url")
	c.call, c.platformCall, c.platformLeg, c.account = c.u64("group_id"), c.text("platform_call_id"), c.text("platform_leg_id"), c.word("account_id")
	c.sha256, c.size, c.duration = c.text("sha256"), c.u64("size"), c.u32("duration_ms")
	c.announced, c.expires = c.time("announced_at"), c.time("expires_at")
	c.bucket, c.key, c.reason_, c.attempt = c.word("bucket"), c.text("key"), c.text("reason"), c.u32("attempt")
	c.code, c.status = c.word("reason_code"), c.u16("http_status")
	c.next, c.archived, c.version = c.maybeTime("next_attempt_at"), c.maybeTime("archived_at"), c.u64("version")
	return c
}
