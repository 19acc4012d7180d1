package exports

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/export"
	"fonoteka/internal/pack"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/calls"
)

// atOnce is how many calls, or groups of notifications, one query reads.
const atOnce = 2000

// inOrder has an answer come in small blocks.
var inOrder = warehouse.Settings{"max_threads": 1, "max_block_size": 1024, "final": 0}

// Lines is part of export.Source. The calls come first, and fix the selection.
func (s *Source) Lines(ctx context.Context, what export.LineFile, w io.Writer) error {
	if what == export.Calls {
		if err := s.fix(ctx); err != nil {
			return err
		}
	}
	out := bufio.NewWriterSize(w, 64<<10)
	write := func(v any) error {
		line, err := pack.Line(v)
		if err == nil {
			_, err = out.Write(line)
		}
		return err
	}
	var err error
	switch what {
	case export.Calls:
		err = s.eachPart(ctx, s.calls, func(ctx context.Context, part []selected) error { return s.callLines(ctx, part, write) })
	case export.Legs:
		byID := slices.Clone(s.calls)
		slices.SortFunc(byID, func(a, b selected) int {
			return cmp.Or(cmp.Compare(s.names[a.integration], s.names[b.integration]), cmp.Compare(a.call, b.call))
		})
		err = s.eachPart(ctx, byID, func(ctx context.Context, part []selected) error { return s.legLines(ctx, part, write) })
	default:
		err = s.eventLines(ctx, write)
	}
	return errors.Join(err, out.Flush())
}

// eachPart reads a part of the calls at a time.
func (s *Source) eachPart(ctx context.Context, all []selected, read func(context.Context, []selected) error) error {
	for part := range slices.Chunk(all, atOnce) {
		err := s.db.Do(ctx, "read a part of the selection", warehouse.ReadTimeout, func(ctx context.Context) error {
			ctx, err := s.withCalls(warehouse.WithSettings(ctx, inOrder), part)
			if err != nil {
				return err
			}
			return read(ctx, part)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// callFields are those of pack.Call, in its order.
var callFields = `c.integration AS integration, c.call_id AS call_id, c.group_id AS group_id, c.version AS version, c.platform_call_id AS platform_call_id,
	c.direction AS direction, c.outcome AS outcome, c.client_number AS client_number, c.external_number AS external_number, c.account_id AS account_id,
	` + named("employee", "account_id") + ` AS employee, ` + named("department", "account_id") + ` AS department,
	c.caller AS caller, c.caller_extension AS caller_extension, if(c.caller_name != '' OR c.caller = '', toString(c.caller_name), ` + named("employee", "caller") + `) AS caller_name,
	c.callee AS callee, c.callee_extension AS callee_extension, if(c.callee_name != '' OR c.callee = '', toString(c.callee_name), ` + named("employee", "callee") + `) AS callee_name,
	c.hung_up AS hung_up, c.started_at AS started_at, c.answered_at AS answered_at, c.ended_at AS ended_at,
	c.ring_ms AS ring_ms, c.wait_ms AS wait_ms, c.talk_ms AS talk_ms, c.attendant_ms AS attendant_ms, c.transfers AS transfers,
	arraySort(arrayDistinct(c.recordings)) AS recordings,
	c.partial AS partial, c.start_inexact AS start_inexact, c.end_inexact AS end_inexact, c.talk_inexact AS talk_inexact`

// named is what the directory knew of an account when the call began.
func named(word, account string) string {
	return "dictGet('directory_account', '" + word + "', (toString(c.integration), toString(c." + account + ")), c.started_at)"
}

// fixedCalls are the rows of the table wanted, in their versions.
const fixedCalls = ` FROM calls AS c
	WHERE (c.newest, c.started_at, c.integration, c.call_id) IN (SELECT -CAST(started_at, 'Decimal64(3)'), started_at, integration, call_id FROM wanted)
	AND (c.started_at, c.integration, c.call_id, c.version) IN (SELECT started_at, integration, call_id, version FROM wanted)
	AND c.is_deleted = 0
	ORDER BY started_at, integration, call_id LIMIT 1 BY started_at, integration, call_id`

func (s *Source) callLines(ctx context.Context, part []selected, write func(any) error) error {
	n := 0
	err := s.db.Query(ctx, "SELECT "+callFields+fixedCalls, nil, func(r warehouse.Rows) error {
		var c pack.Call
		var started time.Time
		var answered, ended *time.Time
		var ring, wait *uint32
		var talk, attendant uint32
		var transfers uint16
		err := r.Scan(&c.Integration, &c.CallID, &c.GroupID, &c.Version, &c.PlatformCallID, &c.Direction, &c.Outcome, &c.ClientNumber, &c.ExternalNumber, &c.AccountID,
			&c.Employee, &c.Department, &c.Caller, &c.CallerExt, &c.CallerName, &c.Callee, &c.CalleeExt, &c.CalleeName, &c.HungUp,
			&started, &answered, &ended, &ring, &wait, &talk, &attendant, &transfers, &c.Recordings,
			&c.Partial, &c.StartInexact, &c.EndInexact, &c.TalkInexact)
		if err != nil {
			return err
		}
		c.StartedAt, c.AnsweredAt, c.EndedAt = pack.At(started), orNever(answered), orNever(ended)
		c.RingMS, c.WaitMS, c.TalkMS, c.AttendantMS, c.Transfers = wide(ring), wide(wait), int64(talk), int64(attendant), int(transfers)
		if c.Recordings == nil {
			c.Recordings = []string{}
		}
		n++
		return write(c)
	})
	if err == nil && n != len(part) {
		return ErrMoved
	}
	return err
}

// legLines reads the legs in the versions of their calls, with which they are written.
func (s *Source) legLines(ctx context.Context, part []selected, write func(any) error) error {
	left := 0
	for _, c := range part {
		left += int(c.legs)
	}
	err := s.db.Query(ctx, `SELECT integration, call_id, leg_id, platform_leg_id, kind, account_id, type, leg_started_at, leg_answered_at, leg_ended_at,
			ring_ms, talk_ms, answered, finished, talk_inexact, reason, reason_code
		FROM legs
		WHERE (started_at, integration, call_id) IN (SELECT started_at, integration, call_id FROM wanted)
		AND (started_at, integration, call_id, version) IN (SELECT started_at, integration, call_id, version FROM wanted) AND is_deleted = 0
		ORDER BY integration, call_id, leg_id LIMIT 1 BY integration, call_id, leg_id`, nil, func(r warehouse.Rows) error {
		var l pack.Leg
		var started, answered, ended *time.Time
		var ring *uint32
		var talk uint32
		err := r.Scan(&l.Integration, &l.CallID, &l.LegID, &l.PlatformLegID, &l.Kind, &l.AccountID, &l.Type, &started, &answered, &ended,
			&ring, &talk, &l.Answered, &l.Finished, &l.TalkInexact, &l.Reason, &l.ReasonCode)
		if err != nil {
			return err
		}
		l.StartedAt, l.AnsweredAt, l.EndedAt, l.RingMS, l.TalkMS = orNever(started), orNever(answered), orNever(ended), wide(ring), int64(talk)
		left--
		return write(l)
	})
	if err == nil && left != 0 {
		return ErrMoved
	}
	return err
}

// usualBody is far above what a notification has, bytes: a longer body is read by itself,
// so that a block of rows stays small.
const usualBody = 16 << 10

// eventLines reads the notifications of the groups of the calls.
func (s *Source) eventLines(ctx context.Context, write func(any) error) error {
	groups := make([]call.GroupKey, len(s.calls))
	for i, c := range s.calls {
		groups[i] = call.GroupKey{Integration: s.names[c.integration], GroupID: c.group}
	}
	slices.SortFunc(groups, func(a, b call.GroupKey) int {
		return cmp.Or(cmp.Compare(a.Integration, b.Integration), cmp.Compare(a.GroupID, b.GroupID))
	})
	for part := range slices.Chunk(slices.Compact(groups), atOnce/4) {
		err := s.db.Do(ctx, "read notifications of the selection", warehouse.ReadTimeout, func(ctx context.Context) error {
			ctx, err := calls.WithKeys(warehouse.WithSettings(ctx, inOrder), part)
			if err != nil {
				return err
			}
			return s.db.Query(ctx, fmt.Sprintf(`SELECT integration, group_id, event_id, received_at, kind, state, length(body), if(length(body) <= %d, body, '')
				FROM events FINAL
				WHERE (integration, group_id) IN (SELECT integration, group_id FROM asked) AND received_at <= fromUnixTimestamp64Milli(?, 'UTC')
				ORDER BY integration, group_id, event_id`, usualBody), []any{s.until.UnixMilli()}, func(r warehouse.Rows) error {
				e, err := s.event(ctx, r)
				if err != nil {
					return err
				}
				return write(e)
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Source) event(ctx context.Context, r warehouse.Rows) (e pack.Event, err error) {
	var at time.Time
	var size uint64
	var body []byte
	if err := r.Scan(&e.Integration, &e.GroupID, &e.EventID, &at, &e.Kind, &e.State, &size, &body); err != nil {
		return e, err
	}
	e.ReceivedAt = pack.At(at)
	if size > usualBody {
		// Ids are written out, since the driver binds no number that high.
		err = s.db.QueryRow(ctx, fmt.Sprintf("SELECT body FROM events WHERE integration = ? AND group_id = %d AND event_id = %d LIMIT 1", e.GroupID, e.EventID), e.Integration).Scan(&body)
	}
	e.SetBody(body)
	return e, err
}

// Parquet is part of export.Source: the same rows as calls.jsonl, written by the server.
// It is left out where the server's HTTP interface cannot be asked.
func (s *Source) Parquet(ctx context.Context, w io.Writer) error {
	with, err := s.withCalls(ctx, s.calls)
	if err == nil {
		err = s.db.QueryFormat(with, w, "SELECT "+callFields+fixedCalls+" SETTINGS final = 0, max_threads = 1, output_format_parquet_string_as_string = 1", "Parquet")
	}
	if err == nil || ctx.Err() != nil {
		return errors.Join(err, ctx.Err())
	}
	s.noParquet = err
	return fmt.Errorf("%w: %w", export.ErrNoParquet, err)
}

// Unmatched is part of export.Source.
func (s *Source) Unmatched(context.Context) ([]string, error) { return s.unmatched, nil }

func orNever(t *time.Time) pack.Time {
	if t == nil {
		return pack.Time{}
	}
	return pack.At(*t)
}

func wide(ms *uint32) *int64 {
	if ms == nil {
		return nil
	}
	n := int64(*ms)
	return &n
}
