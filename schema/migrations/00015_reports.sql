-- +goose NO TRANSACTION
-- +goose Up

-- Each call with the company's own time and the people's names: what all other
-- reports are made of. Filters on started_at reach the key of calls.
CREATE OR REPLACE VIEW report_calls AS
WITH
    c.started_at + toIntervalSecond(s.utc_offset_s) AS wall,
    toDate(wall) AS day,
    toHour(wall) * 60 + toMinute(wall) AS minute,
    toDayOfWeek(wall) AS own_weekday,
    -- A free day that became a working one has the hours of a Monday.
    if(s.work_to[own_weekday] = 0 AND day IN (SELECT day FROM calendar FINAL WHERE kind = 'working'), 1, own_weekday) AS as_weekday,
    dictGet('directory_account', ('workplace', 'employee', 'department'), (toString(c.integration), toString(c.account_id)), c.started_at) AS who
SELECT
    c.integration AS integration,
    c.call_id AS call_id,
    c.started_at AS started_at,
    wall AS local_time,
    day AS local_day,
    toHour(wall) AS local_hour,
    own_weekday AS weekday,
    toBool(minute >= s.work_from[as_weekday]
        AND minute < s.work_to[as_weekday] - if(day IN (SELECT day FROM calendar FINAL WHERE kind = 'short'), s.short_day_minutes, 0)
        AND day NOT IN (SELECT day FROM calendar FINAL WHERE kind = 'holiday')) AS working,
    c.direction AS direction,
    c.outcome AS outcome,
    c.client_number AS client_number,
    c.external_number AS external_number,
    c.account_id AS account_id,
    if(who.1 = '', toString(c.account_id), who.1) AS workplace,
    if(who.2 = '', workplace, who.2) AS employee,
    who.3 AS department,
    c.answered_at AS answered_at,
    c.ended_at AS ended_at,
    c.ring_ms AS ring_ms,
    c.wait_ms AS wait_ms,
    c.talk_ms AS talk_ms,
    c.hung_up AS hung_up,
    c.transfers AS transfers,
    c.legs AS legs,
    c.recordings AS recordings,
    toBool((c.integration, c.call_id) IN (SELECT integration, call_id FROM own_calls)) AS own_call,
    c.platform_call_id AS platform_call_id,
    c.group_id AS group_id,
    c.partial AS partial,
    c.start_inexact AS start_inexact,
    c.end_inexact AS end_inexact,
    c.talk_inexact AS talk_inexact,
    c.answered_by_duration AS answered_by_duration,
    c.bad_times AS bad_times,
    s.service_level_s AS service_level_s,
    s.callback_days AS callback_days,
    s.repeat_hours AS repeat_hours
FROM calls AS c FINAL
ASOF LEFT JOIN (SELECT * FROM report_settings FINAL) AS s ON c.integration = s.integration AND c.started_at >= s.since
SETTINGS join_use_nulls = 0;

-- The rollups, worked out from calls: the tables of the same names hold what
-- these say, a day at a time.
CREATE OR REPLACE VIEW live_hourly_calls AS
SELECT
    toStartOfHour(c.started_at) AS started_at,
    c.integration AS integration,
    c.external_number AS external_number,
    c.local_hour AS local_hour, c.working AS working, c.local_day AS local_day, c.weekday AS weekday,
    count() AS calls,
    countIf(direction = 'incoming' AND outcome IN ('answered', 'missed', 'abandoned')) AS received,
    countIf(direction = 'incoming' AND outcome = 'answered') AS answered,
    countIf(direction = 'incoming' AND outcome = 'missed') AS missed,
    countIf(direction = 'incoming' AND outcome = 'abandoned') AS short_abandons,
    countIf(direction = 'outgoing') AS outgoing,
    countIf(direction = 'outgoing' AND outcome = 'answered') AS reached,
    countIf(direction = 'internal') AS internal,
    countIf(direction = 'incoming' AND client_number = '') AS hidden,
    countIf(direction = 'incoming' AND transfers > 0) AS transferred,
    sumIf(talk_ms, direction = 'incoming') AS incoming_talk_ms,
    sumIf(talk_ms, direction = 'outgoing') AS outgoing_talk_ms,
    sumIf(ifNull(wait_ms, 0), direction = 'incoming' AND outcome = 'answered' AND NOT own_call) AS answered_wait_ms,
    countIf(direction = 'incoming' AND outcome = 'answered' AND NOT own_call AND wait_ms IS NOT NULL) AS answered_waits,
    sumIf(ifNull(wait_ms, 0), direction = 'incoming' AND outcome = 'missed') AS missed_wait_ms,
    countIf(direction = 'incoming' AND outcome = 'missed' AND wait_ms IS NOT NULL) AS missed_waits,
    maxIf(ifNull(wait_ms, 0), direction = 'incoming' AND NOT own_call) AS longest_wait_ms,
    countIf(direction = 'incoming' AND outcome = 'answered' AND NOT own_call AND wait_ms <= 10000) AS answered_in_10s,
    countIf(direction = 'incoming' AND outcome = 'answered' AND NOT own_call AND wait_ms <= 20000) AS answered_in_20s,
    countIf(direction = 'incoming' AND outcome = 'answered' AND NOT own_call AND wait_ms <= 30000) AS answered_in_30s,
    countIf(direction = 'incoming' AND outcome = 'answered' AND NOT own_call AND wait_ms <= 60000) AS answered_in_60s,
    countIf(direction = 'incoming' AND outcome = 'answered' AND NOT own_call AND wait_ms <= 1000 * service_level_s) AS answered_in_target,
    max(service_level_s) AS target_s,
    countIf(outcome = 'answered') AS all_answered,
    countIf(outcome = 'answered' AND direction IN ('incoming', 'outgoing') AND talk_ms > 0) AS answered_external,
    countIf(outcome = 'answered' AND direction IN ('incoming', 'outgoing') AND talk_ms > 0 AND empty(recordings)) AS answered_without_recording,
    countIf(ended_at IS NULL) AS going_on,
    countIf(partial) AS without_end,
    countIf(c.start_inexact) AS start_inexact,
    countIf(c.end_inexact AND outcome = 'answered') AS end_inexact,
    countIf(c.talk_inexact) AS talk_inexact,
    countIf(c.answered_by_duration) AS answered_by_duration,
    countIf(c.bad_times) AS bad_times,
    countIf(direction = 'unknown') AS direction_unknown,
    countIf(outcome = 'unknown' AND ended_at IS NOT NULL) AS outcome_unknown,
    countIf(c.external_number = '' AND direction = 'incoming') AS number_unknown,
    min(c.started_at) AS first_call_at,
    max(c.started_at) AS last_call_at
FROM report_calls AS c
GROUP BY started_at, integration, external_number, local_hour, working, local_day, weekday;

CREATE OR REPLACE VIEW live_hourly_workplaces AS
SELECT
    toStartOfHour(w.started_at) AS started_at,
    w.integration AS integration,
    w.workplace AS workplace,
    w.local_hour AS local_hour, w.working AS working, w.local_day AS local_day, w.weekday AS weekday,
    countIf(direction = 'incoming' AND w.rang) AS rang,
    countIf(direction = 'incoming' AND w.talked) AS answered,
    countIf(direction = 'incoming' AND outcome IN ('missed', 'abandoned') AND w.rang) AS missed,
    countIf(direction = 'outgoing' AND w.owner) AS outgoing,
    countIf(direction = 'outgoing' AND w.owner AND outcome = 'answered') AS reached,
    countIf(direction = 'internal' AND w.talked) AS internal,
    countIf(w.call_transfers > 0 AND w.talked AND w.passed_on) AS transfers,
    sumIf(w.talk_ms, direction = 'incoming') AS incoming_talk_ms,
    sumIf(w.talk_ms, direction = 'outgoing') AS outgoing_talk_ms,
    sumIf(w.talk_ms, direction = 'internal') AS internal_talk_ms,
    sumIf(ifNull(w.ring_ms, 0), direction = 'incoming' AND w.talked AND NOT own_call) AS answered_ring_ms,
    countIf(direction = 'incoming' AND w.talked AND NOT own_call AND w.ring_ms IS NOT NULL) AS answered_rings,
    countIf(w.owner AND direction = 'incoming' AND outcome IN ('answered', 'missed', 'abandoned')) AS calls_received,
    countIf(w.owner AND direction = 'incoming' AND outcome = 'answered') AS calls_answered,
    countIf(w.owner AND direction = 'incoming' AND outcome = 'missed') AS calls_missed,
    countIf(w.owner AND direction = 'incoming' AND outcome = 'abandoned') AS calls_short_abandons
FROM
(
    -- A workplace's part of a call, all its phones together.
    SELECT
        l.started_at AS started_at, l.integration AS integration, l.call_id AS call_id, l.workplace AS workplace,
        any(c.local_hour) AS local_hour, any(c.working) AS working, any(c.local_day) AS local_day, any(c.weekday) AS weekday,
        any(c.direction) AS direction, any(c.outcome) AS outcome, any(c.own_call) AS own_call, any(c.transfers) AS call_transfers,
        max(l.account_id = c.account_id) AS owner,
        max(l.type != 'outgoing') AS rang,
        max(l.answered) AS talked,
        max(l.answered AND l.leg_answered_at < c.last_answered_at) AND NOT max(l.answered AND l.leg_answered_at = c.last_answered_at) AS passed_on,
        sum(l.talk_ms) AS talk_ms,
        minIf(l.ring_ms, l.answered) AS ring_ms
    FROM
    (
        SELECT started_at, integration, call_id, account_id, type, answered, leg_answered_at, talk_ms, ring_ms,
            dictGet('directory_account', 'workplace', (toString(integration), toString(account_id)), started_at) AS known,
            if(known = '', toString(account_id), known) AS workplace
        FROM legs FINAL WHERE kind = 'workplace'
    ) AS l
    INNER JOIN
    (
        SELECT r.started_at AS started_at, r.integration AS integration, r.call_id AS call_id, r.account_id AS account_id,
            r.local_hour AS local_hour, r.working AS working, r.local_day AS local_day, r.weekday AS weekday,
            r.direction AS direction, r.outcome AS outcome, r.own_call AS own_call, r.transfers AS transfers, a.last_answered_at AS last_answered_at
        FROM report_calls AS r
        LEFT JOIN
        (
            SELECT started_at, integration, call_id, max(leg_answered_at) AS last_answered_at
            FROM legs FINAL WHERE kind = 'workplace' AND answered GROUP BY started_at, integration, call_id
        ) AS a ON r.started_at = a.started_at AND r.integration = a.integration AND r.call_id = a.call_id
    ) AS c ON l.started_at = c.started_at AND l.integration = c.integration AND l.call_id = c.call_id
    GROUP BY started_at, integration, call_id, workplace
) AS w
GROUP BY started_at, integration, workplace, local_hour, working, local_day, weekday
SETTINGS join_use_nulls = 0;

CREATE OR REPLACE VIEW live_durations AS
SELECT
    c.started_at AS started_at, c.integration AS integration, c.external_number AS external_number, c.direction AS direction,
    m.1 AS measure, c.local_day AS local_day, assumeNotNull(m.2) AS duration_ms
FROM report_calls AS c
ARRAY JOIN arrayFilter(x -> isNotNull(x.2), [
    ('wait', if(direction = 'incoming' AND outcome = 'answered' AND NOT own_call, wait_ms, NULL)),
    ('ring', if(direction IN ('incoming', 'outgoing') AND outcome = 'answered' AND NOT own_call, ring_ms, NULL)),
    ('talk', if(direction IN ('incoming', 'outgoing') AND outcome = 'answered' AND talk_ms > 0, talk_ms, NULL)),
    ('missed wait', if(direction = 'incoming' AND outcome = 'missed', wait_ms, NULL))]) AS m;

CREATE OR REPLACE VIEW live_daily_durations AS
SELECT
    toStartOfDay(d.started_at) AS started_at, d.integration AS integration, d.external_number AS external_number, d.direction AS direction,
    d.measure AS measure, d.local_day AS local_day,
    toUInt32(multiIf(
        d.duration_ms < 60000, intDiv(d.duration_ms, 1000) * 1000,
        d.duration_ms < 600000, intDiv(d.duration_ms, 5000) * 5000,
        d.duration_ms < 3600000, intDiv(d.duration_ms, 30000) * 30000,
        intDiv(d.duration_ms, 300000) * 300000)) AS duration_ms,
    count() AS calls
FROM live_durations AS d
GROUP BY started_at, integration, external_number, direction, measure, local_day, duration_ms;

CREATE OR REPLACE VIEW live_longest_waits AS
SELECT started_at, integration, call_id, local_time, working, client_number, external_number, workplace, outcome, assumeNotNull(c.wait_ms) AS wait_ms
FROM report_calls AS c
WHERE direction = 'incoming' AND NOT own_call AND c.wait_ms > 0
ORDER BY c.wait_ms DESC, call_id
LIMIT 20 BY toDate(started_at), integration, external_number;

-- Calls by hour and external number.
CREATE OR REPLACE VIEW report_volume AS
SELECT started_at, local_day, local_hour, weekday, working, integration, external_number,
    calls, received, answered, missed, short_abandons, outgoing, reached, internal, hidden, transferred,
    incoming_talk_ms, outgoing_talk_ms, answered_wait_ms, answered_waits, missed_wait_ms, missed_waits, longest_wait_ms,
    answered_in_10s, answered_in_20s, answered_in_30s, answered_in_60s, answered_in_target, target_s,
    first_call_at, last_call_at
FROM hourly_calls FINAL;

CREATE OR REPLACE VIEW report_heatmap AS
SELECT started_at, local_day, local_hour, weekday, working, integration, external_number,
    calls, received, answered, missed, short_abandons, outgoing, reached, incoming_talk_ms, outgoing_talk_ms
FROM hourly_calls FINAL;

CREATE OR REPLACE VIEW report_service_level AS
SELECT started_at, local_day, local_hour, weekday, working, integration, external_number,
    received, answered, missed, short_abandons,
    answered_waits, answered_wait_ms,
    answered_in_10s, answered_in_20s, answered_in_30s, answered_in_60s, answered_in_target, target_s
FROM hourly_calls FINAL;

CREATE OR REPLACE VIEW report_abandonment AS
SELECT started_at, local_day, local_hour, weekday, working, integration, external_number,
    received, answered, missed, short_abandons, missed_wait_ms, missed_waits
FROM hourly_calls FINAL;

-- A day at a glance, its rates worked out.
CREATE OR REPLACE VIEW report_daily AS
SELECT
    v.local_day AS local_day, v.integration AS integration,
    sum(v.received) AS received, sum(v.answered) AS answered, sum(v.missed) AS missed, sum(v.short_abandons) AS short_abandons,
    sum(v.outgoing) AS outgoing, sum(v.reached) AS reached, sum(v.internal) AS internal,
    answered / nullIf(answered + missed, 0) AS answer_rate,
    missed / nullIf(answered + missed, 0) AS abandonment_rate,
    short_abandons / nullIf(received, 0) AS short_abandonment_rate,
    sum(v.answered_in_target) / nullIf(sum(v.answered_waits), 0) AS service_level_of_answered,
    sum(v.answered_in_target) / nullIf(sum(v.answered_waits) + missed, 0) AS service_level_of_received,
    max(v.target_s) AS target_s,
    reached / nullIf(outgoing, 0) AS reach_rate,
    sum(v.answered_wait_ms) / nullIf(sum(v.answered_waits), 0) AS average_wait_ms,
    sum(v.incoming_talk_ms) / nullIf(answered, 0) AS average_incoming_talk_ms,
    sum(v.outgoing_talk_ms) / nullIf(reached, 0) AS average_outgoing_talk_ms,
    max(v.longest_wait_ms) AS longest_wait_ms
FROM hourly_calls AS v FINAL
GROUP BY local_day, integration;

-- How many calls waited, rang and talked how long: for averages and quantiles
-- over any time. A row per call for the last month, then counts of a day.
CREATE OR REPLACE VIEW report_durations AS
SELECT toDateTime(d.started_at, 'UTC') AS started_at, local_day, integration, external_number, direction, measure, duration_ms, toUInt32(1) AS calls
FROM live_durations AS d WHERE d.started_at >= today() - 31
UNION ALL
SELECT started_at, local_day, integration, external_number, direction, measure, duration_ms, calls
FROM daily_durations FINAL WHERE started_at < today() - 31;

-- Each missed call, and what came of it.
CREATE OR REPLACE VIEW report_missed AS
WITH
    dictGet('directory_account', ('employee', 'department'), (toString(m.integration), toString(m.workplace)), m.started_at) AS who,
    dictGet('directory_account', 'employee', (toString(m.integration), toString(m.closed_workplace)), m.started_at) AS closer
SELECT
    m.integration AS integration, m.call_id AS call_id, m.started_at AS started_at,
    m.local_time AS local_time, toDate(m.local_time) AS local_day, toHour(m.local_time) AS local_hour, m.weekday AS weekday, m.working AS working,
    m.client_number AS client_number, m.external_number AS external_number,
    m.workplace AS workplace, if(who.1 = '', toString(m.workplace), who.1) AS employee, who.2 AS department,
    m.wait_ms AS wait_ms,
    m.missed_at AS missed_at,
    m.called_back_at AS called_back_at,
    m.closed_at AS closed_at,
    m.closed_by AS closed_by,
    m.closed_call_id AS closed_call_id,
    if(closer = '', toString(m.closed_workplace), closer) AS closed_employee,
    if(m.called_back_at IS NULL, NULL, toUInt64(greatest(date_diff('millisecond', m.missed_at, assumeNotNull(m.called_back_at)), 0))) AS to_callback_ms,
    if(m.closed_at IS NULL, NULL, toUInt64(greatest(date_diff('millisecond', m.missed_at, assumeNotNull(m.closed_at)), 0))) AS to_close_ms,
    multiIf(m.client_number = '', 'hidden', m.closed_by = 'us', 'called back', m.closed_by = 'client', 'came back',
        m.open_until > now(), 'open', 'lapsed') AS state
FROM missed_calls AS m FINAL;

-- The same by hour and external number.
CREATE OR REPLACE VIEW report_callbacks AS
WITH
    date_diff('millisecond', m.missed_at, m.called_back_at) AS first_try,
    date_diff('millisecond', m.missed_at, m.closed_at) AS closing
SELECT
    toStartOfHour(m.started_at) AS started_at,
    toDate(m.local_time) AS local_day, toHour(m.local_time) AS local_hour, m.weekday AS weekday, m.working AS working,
    m.integration AS integration, m.external_number AS external_number,
    count() AS missed,
    countIf(m.client_number = '') AS hidden,
    countIf(m.closed_by = 'us') AS called_back,
    countIf(m.closed_by = 'client') AS came_back,
    countIf(m.client_number != '' AND m.closed_by = '' AND m.open_until > now()) AS open,
    countIf(m.client_number != '' AND m.closed_by = '' AND m.open_until <= now()) AS lapsed,
    countIf(m.called_back_at IS NOT NULL) AS attempted,
    countIf(first_try <= 900000) AS attempted_in_15m,
    countIf(first_try <= 3600000) AS attempted_in_60m,
    sum(toUInt64(greatest(ifNull(first_try, 0), 0))) AS to_callback_ms,
    sum(toUInt64(greatest(ifNull(closing, 0), 0))) AS to_close_ms
FROM missed_calls AS m FINAL
GROUP BY started_at, local_day, local_hour, weekday, working, integration, external_number;

-- Whom to call back now, a line per client, the longest waiting first.
CREATE OR REPLACE VIEW report_callbacks_open AS
SELECT
    m.integration AS integration, m.client_number AS client_number,
    count() AS missed,
    min(m.started_at) AS first_missed_at,
    max(m.started_at) AS last_missed_at,
    toUInt64(date_diff('second', first_missed_at, now())) AS open_s,
    max(m.wait_ms) AS longest_wait_ms,
    argMax(m.external_number, m.started_at) AS external_number,
    argMax(m.employee, m.started_at) AS employee,
    argMax(m.department, m.started_at) AS department,
    max(m.called_back_at) AS last_attempt_at,
    countIf(m.working) AS missed_in_working_hours
FROM report_missed AS m
WHERE m.state = 'open' AND m.started_at > now() - toIntervalDay(31)
GROUP BY integration, client_number;

CREATE OR REPLACE VIEW report_callers AS
SELECT started_at, local_day, local_hour, weekday, working, integration, external_number,
    calls, hidden, callers, new_callers, repeated_calls
FROM hourly_callers FINAL;

CREATE OR REPLACE VIEW report_employees AS
WITH dictGet('directory_account', ('employee', 'department'), (toString(e.integration), toString(e.workplace)), toDateTime64(e.started_at, 3, 'UTC')) AS who
SELECT
    e.started_at AS started_at, e.local_day AS local_day, e.local_hour AS local_hour, e.weekday AS weekday, e.working AS working,
    e.integration AS integration, e.workplace AS workplace,
    if(who.1 = '', toString(e.workplace), who.1) AS employee, who.2 AS department,
    e.rang AS rang, e.answered AS answered, e.missed AS missed, e.outgoing AS outgoing, e.reached AS reached, e.internal AS internal, e.transfers AS transfers,
    e.incoming_talk_ms AS incoming_talk_ms, e.outgoing_talk_ms AS outgoing_talk_ms, e.internal_talk_ms AS internal_talk_ms,
    e.answered_ring_ms AS answered_ring_ms, e.answered_rings AS answered_rings,
    e.calls_received AS calls_received, e.calls_answered AS calls_answered, e.calls_missed AS calls_missed, e.calls_short_abandons AS calls_short_abandons
FROM hourly_workplaces AS e FINAL;

-- The same by department, each call counted once, where it belongs.
CREATE OR REPLACE VIEW report_departments AS
SELECT
    e.started_at AS started_at, e.local_day AS local_day, e.local_hour AS local_hour, e.weekday AS weekday, e.working AS working,
    e.integration AS integration, e.department AS department,
    sum(e.calls_received) AS received, sum(e.calls_answered) AS answered, sum(e.calls_missed) AS missed, sum(e.calls_short_abandons) AS short_abandons,
    sum(e.outgoing) AS outgoing, sum(e.reached) AS reached, sum(e.transfers) AS transfers,
    sum(e.incoming_talk_ms) AS incoming_talk_ms, sum(e.outgoing_talk_ms) AS outgoing_talk_ms
FROM report_employees AS e
GROUP BY started_at, local_day, local_hour, weekday, working, integration, department;

-- The calls that waited longest: the first 20 of each day (UTC) and number.
CREATE OR REPLACE VIEW report_longest_waits AS
WITH dictGet('directory_account', ('employee', 'department'), (toString(w.integration), toString(w.workplace)), w.started_at) AS who
SELECT
    w.started_at AS started_at, w.local_time AS local_time, toDate(w.local_time) AS local_day, w.working AS working,
    w.integration AS integration, w.call_id AS call_id, w.client_number AS client_number, w.external_number AS external_number,
    w.workplace AS workplace, if(who.1 = '', toString(w.workplace), who.1) AS employee, who.2 AS department,
    w.outcome AS outcome, w.wait_ms AS wait_ms
FROM longest_waits AS w FINAL;

-- Are answered calls recorded, and are the recordings here?
CREATE OR REPLACE VIEW report_recordings AS
SELECT started_at, local_day, local_hour, weekday, working, integration, external_number,
    answered, recorded, not_recorded, recordings, archived, waiting, lost, erased, bytes
FROM hourly_recordings FINAL;

CREATE OR REPLACE VIEW report_data_quality AS
SELECT started_at, local_day, local_hour, weekday, working, integration, external_number,
    calls, all_answered AS answered, answered_external, answered_without_recording, going_on, without_end,
    start_inexact, end_inexact, talk_inexact, answered_by_duration, bad_times,
    direction_unknown, outcome_unknown, number_unknown
FROM hourly_calls FINAL;

CREATE OR REPLACE VIEW report_orphan_recordings AS
SELECT integration, recording_id, announced_at, state, platform_call_id, account_id, size
FROM recordings FINAL
WHERE (integration, recording_id) IN (SELECT integration, recording_id FROM orphan_recordings FINAL);

-- Spans of an hour and more between the starts of two calls, and since the last.
CREATE OR REPLACE VIEW report_silence AS
WITH
    (SELECT groupArray(day) FROM calendar FINAL WHERE kind = 'holiday') AS holidays,
    (SELECT groupArray(day) FROM calendar FINAL WHERE kind = 'working') AS working_days
SELECT
    g.integration AS integration, g.from_at AS started_at, g.until_at AS until_at, g.silence_ms AS silence_ms,
    toUInt32(arrayCount(
        wall -> toHour(wall) * 60 >= s.work_from[if(s.work_to[toDayOfWeek(wall)] = 0 AND has(working_days, toDate(wall)), 1, toDayOfWeek(wall))]
            AND toHour(wall) * 60 < s.work_to[if(s.work_to[toDayOfWeek(wall)] = 0 AND has(working_days, toDate(wall)), 1, toDayOfWeek(wall))]
            AND NOT has(holidays, toDate(wall)),
        arrayMap(n -> toStartOfHour(g.from_at) + toIntervalHour(n + 1) + toIntervalSecond(s.utc_offset_s),
            range(toUInt64(least(date_diff('hour', g.from_at, g.until_at), 20000)))))) AS working_hours,
    g.going_on AS going_on
FROM
(
    SELECT
        h.integration AS integration, h.until_at AS until_at, h.going_on AS going_on,
        lagInFrame(h.last_at) OVER (PARTITION BY h.integration ORDER BY h.until_at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS from_at,
        toUInt64(greatest(date_diff('millisecond', from_at, h.until_at), 0)) AS silence_ms
    FROM
    (
        SELECT integration, min(first_call_at) AS until_at, max(last_call_at) AS last_at, false AS going_on
        FROM hourly_calls FINAL GROUP BY integration, started_at
        UNION ALL
        SELECT integration, now64(3, 'UTC'), now64(3, 'UTC'), true FROM hourly_calls FINAL GROUP BY integration
    ) AS h
) AS g
ASOF LEFT JOIN (SELECT * FROM report_settings FINAL) AS s ON g.integration = s.integration AND g.from_at >= s.since
WHERE g.from_at > toDateTime64('1970-01-02 00:00:00', 3, 'UTC') AND g.silence_ms >= 3600000
SETTINGS join_use_nulls = 0;
