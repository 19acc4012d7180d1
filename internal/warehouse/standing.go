package warehouse

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"fonoteka/internal/call"
)

// DaysLeft are the upper ends of Standing.AtRisk's steps; 0 is "past due", and
// one more step after them holds what has longer.
var DaysLeft = [...]int{0, 1, 3, 7, 30, 90}

// Standing is how the whole catalogue stood at a moment.
type Standing struct {
	At            time.Time
	States        map[call.RecordingState]uint64
	Lost          uint64 // given up; see call.RecordingStatus.Lost
	ArchivedBytes uint64
	Faulty        map[call.FaultKind]uint64 // archived, and known to be altered, absent or unreadable
	Short         Short
	// ArchivedLately counts what was archived in the last minute.
	ArchivedLately uint64
	// AtRisk counts what is neither archived nor lost nor erased, and what is short and to
	// be fetched again, by the days the operator's link has left, each recording in one step: AtRisk[i] has more
	// than DaysLeft[i-1] and at most DaysLeft[i].
	AtRisk        [len(DaysLeft) + 1]uint64
	Due           uint64    // to be tried now
	OldestDue     time.Time // since when the longest-waiting of them is due; zero: none is
	Untried       uint64    // of what is at risk, never tried so far
	OldestUntried time.Time // announcement of the oldest of them
	NextExpiry    time.Time // of what is at risk; in the past where something is past due
	SharedLately  uint64    // recordings that another call named within the last week
}

// Short counts archived recordings that play for less than their talk took.
type Short struct {
	Again       uint64 // to be fetched again
	AtOperator  uint64 // the operator's server gave the same file again
	Unconfirmed uint64 // neither: it gave none while the link lived
}

// Known counts all recordings ever announced, imported or erased.
func (s Standing) Known() (n uint64) {
	for _, c := range s.States {
		n += c
	}
	return n
}

// Waiting counts what is still to be fetched.
func (s Standing) Waiting() (n uint64) {
	for _, c := range s.AtRisk {
		n += c
	}
	return n
}

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
func (db *DB) Standing(ctx context.Context, now time.Time) (Standing, error) {
	s := Standing{At: now, States: map[call.RecordingState]uint64{}}
	at := clampTime(now).UnixMilli()
	err := db.do(ctx, "count recordings by state", readTimeout, func(ctx context.Context) error {
		if err := db.countStates(ctx, at, &s); err != nil {
			return err
		}
		counted := s
		err := db.countWaiting(ctx, at, waiting, &counted)
		if err == nil && counted.Waiting() > s.waitingStates() {
			counted = s
			err = db.countWaiting(ctx, at, waiting+" AND "+unsettled, &counted)
		}
		s = counted
		if err == nil {
			err = db.conn.QueryRow(ctx, "SELECT count() FROM ("+shared+" AND last > fromUnixTimestamp64Milli(?, 'UTC'))", at-7*24*time.Hour.Milliseconds()).Scan(&s.SharedLately)
		}
		return err
	})
	return s, err
}

// waitingStates is what Waiting counts, by States.
func (s Standing) waitingStates() (n uint64) {
	for _, state := range []call.RecordingState{call.Announced, call.Retrying, call.Missing, call.Refused, call.Quarantined, call.Expired} {
		n += s.States[state]
	}
	return n - s.Lost + s.Short.Again
}

func (db *DB) countStates(ctx context.Context, at int64, s *Standing) error {
	return db.query(ctx, `SELECT state, fault, count(), countIf(`+lost+`), sum(size),
			countIf(short_talk_ms > 0 AND isNotNull(next_attempt_at)), countIf(isNotNull(short_confirmed_at)),
			countIf(short_talk_ms > 0 AND isNull(next_attempt_at) AND isNull(short_confirmed_at)),
			countIf(archived_at > fromUnixTimestamp64Milli(?, 'UTC') AND archived_at <= fromUnixTimestamp64Milli(?, 'UTC'))
		FROM recordings FINAL GROUP BY state, fault`, []any{at - time.Minute.Milliseconds(), at}, func(r driver.Rows) error {
		var state, fault string
		var n, given, bytes, lately uint64
		var short Short
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

func (db *DB) countWaiting(ctx context.Context, at int64, which string, s *Standing) error {
	var steps strings.Builder
	for i, d := range DaysLeft {
		fmt.Fprintf(&steps, "expires_at <= fromUnixTimestamp64Milli(%d, 'UTC'), %d, ", at+int64(d)*24*time.Hour.Milliseconds(), i)
	}
	return db.query(ctx, `SELECT multiIf(`+steps.String()+fmt.Sprint(len(DaysLeft))+`) AS step, count(), min(expires_at),
			countIf(`+due+`), minIf(coalesce(next_attempt_at, announced_at), `+due+`),
			countIf(attempt = 0), minIf(announced_at, attempt = 0)
		FROM recordings_open FINAL WHERE `+which+` GROUP BY step`, []any{at, at}, func(r driver.Rows) error {
		var step uint8
		var n, isDue, untried uint64
		var expires, oldest, announced time.Time
		if err := r.Scan(&step, &n, &expires, &isDue, &oldest, &untried, &announced); err != nil {
			return err
		}
		s.AtRisk[step] = n
		s.NextExpiry = earliest(s.NextExpiry, fromMilli(expires), n)
		s.Due += isDue
		s.OldestDue = earliest(s.OldestDue, fromMilli(oldest), isDue)
		s.Untried += untried
		s.OldestUntried = earliest(s.OldestUntried, fromMilli(announced), untried)
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

func (f RiskFilter) where() where {
	var w where
	w.add(!f.Lost, waiting)
	w.add(f.Lost, "("+waiting+" OR "+lost+")")
	w.add(true, unsettled)
	w.add(f.Integration != "", "integration = ?", f.Integration)
	w.to("expires_at", f.Before)
	return w
}

// AtRisk lists what is not archived, or short and to be fetched again, what is lost first, then what has the
// fewest days left. total counts what it would list without a limit.
func (db *DB) AtRisk(ctx context.Context, f RiskFilter) (rows []call.RecordingStatus, total uint64, err error) {
	const order = ` ORDER BY ` + lost + ` DESC, expires_at, integration, recording_id`
	err = db.do(ctx, "list recordings at risk", readTimeout, func(ctx context.Context) error {
		w := f.where()
		if err := db.conn.QueryRow(ctx, "SELECT count() FROM recordings_open FINAL"+w.sql(), w.args...).Scan(&total); err != nil {
			return err
		}
		return db.query(ctx, "SELECT "+openColumns+" FROM recordings_open FINAL"+w.sql()+order+" LIMIT ?",
			append(w.args, orDefault(f.Limit, 50)), func(r driver.Rows) error {
				s, err := scanOpen(r)
				rows = append(rows, s)
				return err
			})
	})
	return rows, total, err
}
