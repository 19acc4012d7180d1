package catalogue

import (
	"context"
	"fmt"
	"strings"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/catalogstats"
	"fonoteka/internal/warehouse"
)

// waiting is what is not given up and neither archived nor erased, and what is short
// and to be fetched again.
const waiting = `(state IN ('announced', 'retrying', 'missing', 'refused') OR state IN ('quarantined', 'archived') AND isNotNull(next_attempt_at))`

// lost is what call.RecordingStatus.Lost says.
const lost = `(state = 'expired' OR state = 'quarantined' AND isNull(next_attempt_at))`

// unsettled leaves out of recordings_open what shows up there though it is
// settled: a late announcement that DueRecordings has not met yet.
const unsettled = `(integration, recording_id) NOT IN (SELECT integration, recording_id FROM recordings FINAL
	WHERE (integration, recording_id) IN (SELECT integration, recording_id FROM recordings_open) AND ` + settledStates + `)`

// Standing counts the catalogue: all of it by a few narrow columns, and what
// waits from recordings_open; where that has more than the catalogue says, as
// while notifications are replayed, it is compared row by row. The two are counted
// one after the other: what is archived between them is in neither sum of what
// waits.
func (db *DB) Standing(ctx context.Context, now time.Time) (catalogstats.Counts, error) {
	s := catalogstats.Counts{At: now, States: map[call.RecordingState]uint64{}}
	at := warehouse.ClampTime(now).UnixMilli()
	err := db.Do(ctx, "count recordings by state", warehouse.ReadTimeout, func(ctx context.Context) error {
		if err := db.countStates(ctx, at, &s); err != nil {
			return err
		}
		counted := s
		err := db.countWaiting(ctx, at, waiting, &counted)
		if err == nil && counted.Waiting() > waitingStates(s) {
			counted = s
			err = db.countWaiting(ctx, at, waiting+" AND "+unsettled, &counted)
		}
		s = counted
		if err == nil {
			err = db.QueryRow(ctx, "SELECT count() FROM ("+shared+" AND last > fromUnixTimestamp64Milli(?, 'UTC'))", at-7*24*time.Hour.Milliseconds()).Scan(&s.SharedLately)
		}
		return err
	})
	return s, err
}

// waitingStates is what Counts.Waiting counts, by Counts.States.
func waitingStates(s catalogstats.Counts) (n uint64) {
	for _, state := range []call.RecordingState{call.Announced, call.Retrying, call.Missing, call.Refused, call.Quarantined, call.Expired} {
		n += s.States[state]
	}
	return n - s.Lost + s.Short.Again
}

func (db *DB) countStates(ctx context.Context, at int64, s *catalogstats.Counts) error {
	return db.Query(ctx, `SELECT state, fault, count(), countIf(`+lost+`), sum(size),
			countIf(short_talk_ms > 0 AND isNotNull(next_attempt_at)), countIf(isNotNull(short_confirmed_at)),
			countIf(short_talk_ms > 0 AND isNull(next_attempt_at) AND isNull(short_confirmed_at)),
			countIf(archived_at > fromUnixTimestamp64Milli(?, 'UTC') AND archived_at <= fromUnixTimestamp64Milli(?, 'UTC'))
		FROM recordings FINAL GROUP BY state, fault`, []any{at - time.Minute.Milliseconds(), at}, func(r warehouse.Rows) error {
		var state, fault string
		var n, given, bytes, lately uint64
		var short catalogstats.Short
		err := r.Scan(&state, &fault, &n, &given, &bytes, &short.Again, &short.AtOperator, &short.Unconfirmed, &lately)
		s.States[call.RecordingState(state)] += n
		s.Lost += given
		if call.RecordingState(state) == call.Archived {
			s.ArchivedBytes += bytes
			s.ArchivedLately += lately
			s.Short.Again += short.Again
			s.Short.AtOperator += short.AtOperator
			s.Short.Unconfirmed += short.Unconfirmed
			if fault != "" {
				if s.Faulty == nil {
					s.Faulty = map[call.FaultKind]uint64{}
				}
				s.Faulty[call.FaultKind(fault)] += n
			}
		}
		return err
	})
}

func (db *DB) countWaiting(ctx context.Context, at int64, which string, s *catalogstats.Counts) error {
	var steps strings.Builder
	for i, d := range catalogstats.DaysLeft {
		fmt.Fprintf(&steps, "expires_at <= fromUnixTimestamp64Milli(%d, 'UTC'), %d, ", at+int64(d)*24*time.Hour.Milliseconds(), i)
	}
	return db.Query(ctx, `SELECT multiIf(`+steps.String()+fmt.Sprint(len(catalogstats.DaysLeft))+`) AS step, count(), min(expires_at),
			countIf(`+due+`), minIf(coalesce(next_attempt_at, announced_at), `+due+`),
			countIf(attempt = 0), minIf(announced_at, attempt = 0)
		FROM recordings_open FINAL WHERE `+which+` GROUP BY step`, []any{at, at}, func(r warehouse.Rows) error {
		var step uint8
		var n, isDue, untried uint64
		var expires, oldest, announced time.Time
		if err := r.Scan(&step, &n, &expires, &isDue, &oldest, &untried, &announced); err != nil {
			return err
		}
		s.AtRisk[step] = n
		s.NextExpiry = earliest(s.NextExpiry, warehouse.FromMilli(expires), n)
		s.Due += isDue
		s.OldestDue = earliest(s.OldestDue, warehouse.FromMilli(oldest), isDue)
		s.Untried += untried
		s.OldestUntried = earliest(s.OldestUntried, warehouse.FromMilli(announced), untried)
		return nil
	})
}

// earliest minds b only where it stands for something.
func earliest(a, b time.Time, n uint64) time.Time {
	if n == 0 || !a.IsZero() && a.Before(b) {
		return a
	}
	return b
}

// RiskFilter chooses what AtRisk lists; a zero field chooses all.
type RiskFilter struct {
	Integration string
	Before      time.Time // the link ends before
	Lost        bool      // what is given up, too
	Limit       int       // 0: 50
}

func (f RiskFilter) where() warehouse.Where {
	var w warehouse.Where
	w.Add(!f.Lost, waiting)
	w.Add(f.Lost, "("+waiting+" OR "+lost+")")
	w.Add(true, unsettled)
	w.Add(f.Integration != "", "integration = ?", f.Integration)
	w.To("expires_at", f.Before)
	return w
}

// AtRisk lists what is not archived, or short and to be fetched again, what is lost first, then what has the
// fewest days left. total counts what it would list without a limit.
func (db *DB) AtRisk(ctx context.Context, f RiskFilter) (rows []call.RecordingStatus, total uint64, err error) {
	const order = ` ORDER BY ` + lost + ` DESC, expires_at, integration, recording_id`
	err = db.Do(ctx, "list recordings at risk", warehouse.ReadTimeout, func(ctx context.Context) error {
		w := f.where()
		if err := db.QueryRow(ctx, "SELECT count() FROM recordings_open FINAL"+w.SQL(), w.Args...).Scan(&total); err != nil {
			return err
		}
		return db.Query(ctx, "SELECT "+openColumns+" FROM recordings_open FINAL"+w.SQL()+order+" LIMIT ?",
			append(w.Args, warehouse.LimitOr(f.Limit, 50)), func(r warehouse.Rows) error {
				s, err := scanOpen(r)
				rows = append(rows, s)
				return err
			})
	})
	return rows, total, err
}
