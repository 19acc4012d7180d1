package rollup_test

import (
	"fmt"
	"testing"
	"time"

	"fonoteka/internal/call"
)

func number(n int) string { return fmt.Sprintf("7999000%04d", n) }

// Every way in which a missed call can end, by hand.
func TestMissedCallsAndWhatCameOfThem(t *testing.T) {
	t.Parallel()
	o := open(t)
	missed := func(at string, n int) call.Record {
		return unanswered(at, call.Missed, number(n), 20*time.Second, anna)
	}
	out := func(at string, n int) call.Record {
		return answered(at, call.Outgoing, number(n), boris, 10*time.Second, time.Minute)
	}
	in := func(at string, n int) call.Record {
		return answered(at, call.Incoming, number(n), boris, 5*time.Second, time.Minute)
	}
	vain := func(at string, n int) call.Record {
		r := base(at, call.Outgoing, call.NoAnswer, number(n))
		r.AccountID, r.Legs = boris, []call.Leg{leg(r, boris, 0, 0)}
		return r
	}
	byDuration := out("2026-03-02 12:30:00", 8) // that somebody spoke is known by a duration alone
	byDuration.AnsweredAt, byDuration.AnsweredByDuration = time.Time{}, true
	otherOffice := out("2026-03-02 12:30:00", 6)
	otherOffice.Integration = "other"
	o.is(
		missed("2026-03-02 23:55:00", 1), out("2026-03-03 00:05:20", 1), // across midnight: 10 minutes after 23:55:20
		missed("2026-03-02 12:00:00", 2), vain("2026-03-02 12:10:20", 2), in("2026-03-02 13:00:20", 2), vain("2026-03-02 14:00:00", 2),
		missed("2026-03-02 12:00:00", 3), missed("2026-03-02 12:01:00", 3), out("2026-03-02 12:31:20", 3), // two, closed by one
		missed("2026-03-02 12:00:00", 4), out("2026-03-09 12:00:01", 4), // after the seven days
		out("2026-03-02 11:00:00", 5), missed("2026-03-02 12:00:00", 5), unanswered("2026-03-02 12:05:00", call.Abandoned, number(5), time.Second, anna),
		missed("2026-03-02 12:00:00", 6), otherOffice, // another integration's call closes nothing
		missed("2026-03-02 12:00:00", 8), byDuration,
		unanswered("2026-03-02 12:00:00", call.Missed, "", 20*time.Second, anna),
	)
	o.pass()
	const list = `SELECT if(client_number = '', '-', right(client_number, 1)) AS n, state, right(closed_employee, 1), ifNull(toString(to_callback_ms), '-'), ifNull(toString(to_close_ms), '-')
		FROM report_missed ORDER BY n, started_at`
	o.want(list, `
-|hidden||-|-
1|called back|2|600000|600000
2|came back|2|600000|3600000
3|called back|2|1860000|1860000
3|called back|2|1800000|1800000
4|lapsed||-|-
5|lapsed||-|-
6|lapsed||-|-
8|lapsed||1780000|-`)
	o.want(`SELECT sum(missed), sum(hidden), sum(called_back), sum(came_back), sum(open), sum(lapsed), sum(attempted), sum(attempted_in_15m), sum(attempted_in_60m), sum(to_callback_ms), sum(to_close_ms)
		FROM report_callbacks`, "9|1|3|1|0|4|5|2|5|6640000|7860000")
	o.want("SELECT count() FROM report_callbacks_open", "0")

	// The first try, and the last one before somebody spoke or the call lapsed.
	const tries = `SELECT if(client_number = '', '-', right(client_number, 1)) AS n, ifNull(toString(called_back_at + INTERVAL 3 HOUR), '-'), ifNull(toString(last_try_at + INTERVAL 3 HOUR), '-')
		FROM report_missed WHERE n IN ('2', '3', '4', '7') ORDER BY n, started_at`
	o.is(missed("2026-03-02 12:00:00", 7), vain("2026-03-02 12:10:00", 7), vain("2026-03-03 09:00:00", 7), missed("2026-03-03 10:00:00", 7), vain("2026-03-08 18:00:00", 7), vain("2026-03-15 18:00:00", 7))
	o.pass()
	o.want(tries, `
2|2026-03-02 12:10:20.000|2026-03-02 12:10:20.000
3|2026-03-02 12:31:20.000|2026-03-02 12:31:20.000
3|2026-03-02 12:31:20.000|2026-03-02 12:31:20.000
4|-|-
7|2026-03-02 12:10:00.000|2026-03-08 18:00:00.000
7|2026-03-08 18:00:00.000|2026-03-08 18:00:00.000`)

	// A call that becomes known late closes an earlier day's; one that was not so opens it again.
	late := in("2026-03-05 10:00:20", 5)
	o.is(late)
	o.pass()
	o.want("SELECT state, closed_at FROM report_missed WHERE client_number = '"+number(5)+"'", "came back|2026-03-05 07:00:20.000")
	o.isGone(late)
	o.pass()
	o.want("SELECT state FROM report_missed WHERE client_number = '"+number(5)+"'", "lapsed")
}

// The call that answered a missed one turns out to be another client's, and the
// row that told otherwise is merged away before the next pass.
func TestAnAnswerThatWasAnotherClients(t *testing.T) {
	t.Parallel()
	o := open(t)
	late := answered("2026-03-03 10:00:00", call.Incoming, client, anna, time.Second, time.Second)
	o.is(unanswered("2026-03-02 10:00:00", call.Missed, client, 20*time.Second, anna), late)
	o.pass()
	o.want("SELECT state FROM report_missed", "came back")
	late.ClientNumber = call.Number{Raw: secondClient, Digits: secondClient}
	o.is(late)
	o.merge("calls")
	o.pass()
	o.want("SELECT state FROM report_missed", "lapsed")
}

func TestAWaitThatIsNotKnownIsNoWait(t *testing.T) {
	t.Parallel()
	o := open(t)
	unknown := unanswered("2026-03-02 10:00:00", call.Missed, client, 0, anna)
	unknown.WaitKnown = false
	o.is(unknown, unanswered("2026-03-02 10:01:00", call.Missed, secondClient, 40*time.Second, anna))
	o.pass()
	o.want("SELECT avg(wait_ms), count() FROM report_missed", "40000|2")
	o.want("SELECT sum(missed_wait_ms), sum(missed_waits), sum(missed) FROM report_abandonment", "40000|1|2")
}

func TestWhomToCallBackNow(t *testing.T) {
	t.Parallel()
	o := open(t)
	now := time.Now().UTC().Truncate(time.Second)
	ago := func(r call.Record, d time.Duration) call.Record {
		r.StartedAt = now.Add(-d)
		r.EndedAt = r.StartedAt.Add(r.Wait)
		if r.Outcome == call.Answered {
			r.AnsweredAt = r.EndedAt
		}
		return r
	}
	missed := func(n int, wait time.Duration, d time.Duration) call.Record {
		return ago(unanswered("2026-03-02 12:00:00", call.Missed, number(n), wait, anna), d)
	}
	hidden := ago(unanswered("2026-03-02 12:00:00", call.Missed, "", time.Minute, anna), time.Hour)
	tried := func() call.Record { return base("2026-03-02 12:00:00", call.Outgoing, call.NoAnswer, number(1)) }
	o.is(
		missed(1, 20*time.Second, 30*time.Hour), missed(1, 50*time.Second, 2*time.Hour),
		ago(tried(), 3*time.Hour), ago(tried(), time.Hour), ago(tried(), 20*time.Minute),
		missed(2, 20*time.Second, 8*24*time.Hour), // too long ago
		missed(3, 20*time.Second, 3*time.Hour), ago(answered("2026-03-02 12:00:00", call.Outgoing, number(3), boris, time.Second, time.Second), time.Hour),
		hidden,
	)
	o.pass()
	o.want("SELECT client_number, missed, longest_wait_ms, abs(open_s - 108000) < 120, abs(date_diff('second', last_try_at, now()) - 1200) < 120, workplace, employee FROM report_callbacks_open",
		number(1)+"|2|50000|1|1|"+anna+"|"+anna)
}

func TestNewAndRepeatedCallers(t *testing.T) {
	t.Parallel()
	o := open(t)
	in := func(at string, n int) call.Record {
		return answered(at, call.Incoming, number(n), anna, time.Second, time.Second)
	}
	hidden := unanswered("2026-03-03 12:00:00", call.Missed, "", time.Minute, anna)
	first := in("2026-03-02 10:00:00", 1)
	o.is(
		first, in("2026-03-02 15:00:00", 1), in("2026-03-03 09:00:00", 1), in("2026-03-05 09:00:01", 1), // 5 h, 18 h, two days later
		answered("2026-03-01 10:00:00", call.Outgoing, number(2), anna, time.Second, time.Second), in("2026-03-03 10:00:00", 2), // we called first
		in("2026-03-03 11:00:00", 3), hidden,
	)
	o.pass()
	const byDay = "SELECT local_day, sum(calls), sum(hidden), sum(callers), sum(new_callers), sum(repeated_calls) FROM report_callers GROUP BY local_day ORDER BY local_day"
	o.want(byDay, `
2026-03-02|2|0|1|1|1
2026-03-03|3|1|3|1|1
2026-03-05|1|0|1|0|0`)
	// An earlier call of the third client becomes known, and the first one of the first was none.
	o.is(in("2026-02-20 12:00:00", 3))
	o.isGone(first)
	o.pass()
	o.want(byDay, `
2026-02-20|1|0|1|1|0
2026-03-02|1|0|1|1|0
2026-03-03|3|1|3|0|1
2026-03-05|1|0|1|0|0`)
}
