package rollup_test

import (
	"strings"
	"testing"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/rollup"
	"fonoteka/internal/warehouse/reports"
	"fonoteka/schema"
)

// A company's midnight is not UTC's, and its hours are not always the same.
func TestDaysAndHoursAreTheCompanys(t *testing.T) {
	t.Parallel()
	o := open(t)
	day := func(s string) time.Time { return moscow(s + " 03:00:00").Truncate(24 * time.Hour) }
	if err := o.db.SaveCalendar(t.Context(), 2026, []reports.CalendarDay{
		{Day: day("2026-03-09"), Kind: "holiday"}, {Day: day("2026-03-14"), Kind: "working"}, {Day: day("2026-03-06"), Kind: "short"},
	}); err != nil {
		t.Fatal(err)
	}
	at := func(s string) call.Record {
		return answered(s, call.Incoming, client, anna, time.Second, time.Second)
	}
	o.is(
		at("2026-03-02 23:50:00"), at("2026-03-03 00:10:00"), // one day of UTC, two of Moscow
		at("2026-03-03 08:59:59"), at("2026-03-03 09:00:00"), at("2026-03-03 17:59:59"), at("2026-03-03 18:00:00"),
		at("2026-03-06 16:59:00"), at("2026-03-06 17:00:00"), // shortened by an hour
		at("2026-03-07 12:00:00"),                            // a Saturday
		at("2026-03-09 12:00:00"),                            // a Monday that is a holiday
		at("2026-03-14 09:00:00"), at("2026-03-14 18:00:00"), // a Saturday with the hours of a Monday
	)
	o.pass()
	o.want("SELECT local_day, sum(received), sumIf(received, working) FROM report_volume GROUP BY local_day ORDER BY local_day", `
2026-03-02|1|0
2026-03-03|5|2
2026-03-06|2|1
2026-03-07|1|0
2026-03-09|1|0
2026-03-14|2|1`)
	o.want("SELECT local_day, local_hour, weekday FROM report_volume WHERE received = 1 AND local_day <= '2026-03-03' AND NOT working ORDER BY local_day, local_hour", `
2026-03-02|23|1
2026-03-03|0|2
2026-03-03|8|2
2026-03-03|18|2`)
	// Before 2011 summer had a clock of its own: 10:00 in July was 06:00 UTC.
	summer := at("2010-07-01 10:00:00")
	o.is(summer)
	// The calendar is taken back: the days it touches are worked out again.
	if err := o.db.SaveCalendar(t.Context(), 2026, nil); err != nil {
		t.Fatal(err)
	}
	o.pass()
	o.want("SELECT local_day, sumIf(received, working) FROM report_volume WHERE local_day IN ('2010-07-01', '2026-03-06', '2026-03-09', '2026-03-14') GROUP BY local_day ORDER BY local_day", `
2010-07-01|1
2026-03-06|2
2026-03-09|1
2026-03-14|0`)
	o.want("SELECT toHour(started_at), local_hour FROM report_volume WHERE local_day = '2010-07-01'", "6|10")
	// The company moves to Vladivostok (UTC+10), all at once.
	o.settings = func(integration string) rollup.ReportSettings {
		s := settings(integration)
		var err error
		if s.Zone, err = time.LoadLocation("Asia/Vladivostok"); err != nil {
			t.Fatal(err)
		}
		return s
	}
	o.pass()
	o.want("SELECT toHour(started_at), local_hour, local_day FROM report_volume WHERE local_day IN ('2010-07-01', '2026-03-09') ORDER BY started_at", "6|17|2010-07-01\n9|19|2026-03-09")
}

// A new calendar shows at once in report_calls, and in the other reports when their days
// are worked out again: until then that is said.
func TestReportsSayThatTheyAreBehindTheCalendar(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.is(answered("2026-03-09 10:00:00", call.Incoming, client, anna, time.Second, time.Second)) // a Monday
	o.pass()
	o.want("SELECT count() FROM report_pending", "0")
	const agree = "SELECT (SELECT countIf(working) FROM report_calls) = (SELECT sumIf(received, working) FROM report_volume)"
	o.want(agree, "1")
	for _, days := range [][]reports.CalendarDay{{{Day: moscow("2026-03-09 03:00:00"), Kind: "holiday"}}, nil} {
		if err := o.db.SaveCalendar(t.Context(), 2026, days); err != nil {
			t.Fatal(err)
		}
		o.want(agree, "0") // or what follows proves nothing
		o.want("SELECT since > now() - INTERVAL 1 HOUR FROM report_pending", "1")
		o.pass()
		o.want(agree, "1")
		o.want("SELECT count() FROM report_pending", "0")
	}
}

// The first day that a question of the dictionary asks for is counted from its midnight.
func TestTheFirstDayOfAQuestionIsWhole(t *testing.T) {
	t.Parallel()
	o := open(t)
	first := time.Now().In(settings("main").Zone).AddDate(0, 0, -30).Format(time.DateOnly)
	for _, at := range []string{"00:00:00", "06:30:00", "23:59:00"} {
		o.is(answered(first+" "+at, call.Incoming, client, anna, time.Second, time.Second))
	}
	o.pass()
	questions := schema.Queries()
	if !strings.Contains(questions[0], "report_volume") {
		t.Fatalf("another question: %s", questions[0])
	}
	o.want("SELECT local_day, received FROM ("+questions[0]+")", first+"|3")
	for _, q := range questions {
		if strings.Contains(q, ">= now()") {
			t.Errorf("begins in the middle of a day: %s", q)
		}
	}
}

// A new integration has calls before its settings are read.
func TestWhatHasNoSettingsYetHasNobodysHours(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.is(answered("2026-03-02 10:00:00", call.Incoming, client, anna, time.Second, time.Second))
	o.pass() // the settings of main
	other := answered("2026-03-02 15:00:00", call.Incoming, client, anna, time.Second, time.Second)
	other.Integration = "branch"
	o.is(other)
	o.want("SELECT integration, local_hour, working, service_level_s FROM report_calls ORDER BY integration", `
branch|12|false|0
main|10|true|20`)
}

func TestSilence(t *testing.T) {
	t.Parallel()
	o := open(t)
	at := func(s string) call.Record {
		return answered(s, call.Incoming, client, anna, time.Second, time.Second)
	}
	o.is(at("2026-03-02 09:59:00"), at("2026-03-02 10:30:00"), at("2026-03-02 11:29:59"), at("2026-03-02 14:20:00"), at("2026-03-02 17:50:00"), at("2026-03-03 09:10:00"))
	if err := o.db.SaveCalendar(t.Context(), 2026, []reports.CalendarDay{{Day: moscow("2026-03-02 03:00:00"), Kind: "short"}}); err != nil {
		t.Fatal(err)
	}
	o.pass()
	// 12, 13 and 14 o'clock; 15 and 16, as the day is an hour shorter; and 9 of the next morning.
	o.want("SELECT local, silence_ms, working_hours FROM (SELECT started_at + INTERVAL 3 HOUR AS local, * FROM report_silence WHERE NOT going_on) ORDER BY local", `
2026-03-02 11:29:59.000|10201000|3
2026-03-02 14:20:00.000|12600000|2
2026-03-02 17:50:00.000|55200000|1`)
	o.want("SELECT count(), max(working_hours) > 8 FROM report_silence WHERE going_on", "1|1")
}

// What came damaged neither waits for its first bytes nor is it stored.
func TestRecordingsAreCountedByWhatBecameOfThem(t *testing.T) {
	t.Parallel()
	o := open(t)
	talk := answered("2026-03-02 10:00:00", call.Incoming, client, anna, time.Second, time.Minute)
	var rows []call.RecordingStatus
	for _, state := range []call.RecordingState{call.Announced, call.Retrying, call.Quarantined, call.Archived, call.Expired, call.Erased} {
		id := "of-" + string(state)
		talk.Recordings = append(talk.Recordings, id)
		rows = append(rows, call.RecordingStatus{
			Recording: call.Recording{Integration: "main", ID: id, GroupID: talk.GroupID, AnnouncedAt: talk.StartedAt}, State: state, Size: 1000,
		})
	}
	again := rows[2] // the other one came damaged and was given up
	again.ID, again.NextAttemptAt = "of-quarantined, tried again", talk.StartedAt.Add(time.Hour)
	talk.Recordings, rows = append(talk.Recordings, again.ID), append(rows, again)
	if err := o.db.SaveRecordings(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	o.is(talk, answered("2026-03-02 10:10:00", call.Incoming, client, anna, time.Second, time.Minute))
	o.pass()
	o.want(`SELECT sum(answered), sum(recorded), sum(not_recorded), sum(recordings), sum(archived), sum(waiting), sum(quarantined), sum(lost), sum(erased), sum(bytes)
		FROM report_recordings`, "2|1|1|7|1|2|1|2|1|1000")
}

func TestDurationsAreCountsOfADay(t *testing.T) {
	t.Parallel()
	o := open(t)
	record := func(at string, talk time.Duration) call.Record {
		return answered(at, call.Incoming, client, anna, time.Second, talk)
	}
	for range 3 {
		o.is(
			record("2026-03-02 10:00:00", 12*time.Second), record("2026-03-02 10:00:00", 63*time.Second),
			record("2026-03-02 11:00:00", 20*time.Minute+29*time.Second), record("2026-03-02 12:00:00", 2*time.Hour+time.Minute),
		)
	}
	o.is(record("2026-03-02 13:00:00", 62*time.Second), record("2026-03-02 14:00:00", 59*time.Second))
	o.pass()
	o.want("SELECT duration_ms, sum(calls) FROM report_durations WHERE measure = 'talk' GROUP BY duration_ms ORDER BY duration_ms", `
12000|3
59000|1
60000|1
65000|3
1230000|3
7200000|3`)
	o.want("SELECT quantileExactWeighted(0.5)(duration_ms, calls), sum(duration_ms * calls), count() FROM report_durations WHERE measure = 'wait'", "1000|14000|1")
}

// A local day begins and ends at the company's midnight, also where its clock is
// changed that day, and a filter on started_at takes it whole or not at all.
func TestLocalDaysAreWhole(t *testing.T) {
	t.Parallel()
	o := open(t)
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	o.settings = func(integration string) rollup.ReportSettings {
		s := settings(integration)
		s.Zone = berlin
		return s
	}
	at := func(s string, number string) call.Record {
		r := answered("2026-03-02 10:00:00", call.Incoming, number, anna, 5*time.Second, time.Minute)
		local, err := time.ParseInLocation(time.DateTime, s, berlin)
		if err != nil {
			t.Fatal(err)
		}
		r.StartedAt = local.UTC()
		return r
	}
	o.is(
		at("2026-03-28 23:59:00", client),
		at("2026-03-29 00:01:00", client), at("2026-03-29 12:00:00", client), at("2026-03-29 23:59:00", secondClient), // the day has 23 hours
		at("2026-03-30 00:01:00", client),
		at("2026-10-25 00:01:00", client), at("2026-10-25 23:59:00", client), // and this one 25
		at("2026-10-26 00:01:00", client),
	)
	o.pass()
	const want = `
2026-03-27 23:00:00|2026-03-28|1
2026-03-28 23:00:00|2026-03-29|3
2026-03-29 22:00:00|2026-03-30|1
2026-10-24 22:00:00|2026-10-25|2
2026-10-25 23:00:00|2026-10-26|1`
	o.want("SELECT started_at, local_day, received FROM report_daily ORDER BY started_at", want)
	o.want("SELECT started_at, local_day, sum(calls) FROM report_durations WHERE measure = 'wait' GROUP BY ALL ORDER BY started_at", want)
	o.want("SELECT sum(received) FROM report_daily WHERE started_at >= '2026-03-28 23:00:00' AND started_at < '2026-03-29 22:00:00'", "3")
	o.want("SELECT sum(calls) FROM report_durations WHERE measure = 'wait' AND started_at >= '2026-10-24 22:00:00' AND started_at < '2026-10-25 23:00:00'", "2")
}
