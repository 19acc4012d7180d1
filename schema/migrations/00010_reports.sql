-- +goose NO TRANSACTION
-- +goose Up

-- What the reports go by, one row per integration and change of its zone's
-- offset, so that one ASOF join gives every call its local time. Written by
-- serve from the configuration. Arrays have seven members, Monday first.
CREATE TABLE IF NOT EXISTS report_settings
(
    integration       LowCardinality(String),
    since             DateTime('UTC') COMMENT 'the offset holds from then on',
    zone              LowCardinality(String) COMMENT 'of the company, such as Europe/Moscow',
    utc_offset_s      Int32 COMMENT 'seconds to add to UTC',
    work_from         Array(UInt16) COMMENT 'minute of the day when work begins',
    work_to           Array(UInt16) COMMENT 'minute of the day when it ends, 0: no work that day',
    short_day_minutes UInt16 COMMENT 'that a shortened day is shorter',
    service_level_s   UInt16 COMMENT 'seconds within which a call should be answered',
    callback_days     UInt16 COMMENT 'days in which a missed call can be called back',
    repeat_hours      UInt16 COMMENT 'hours in which the next call of a client is a repeated one',
    version           UInt64,
    is_deleted        UInt8
)
ENGINE = ReplacingMergeTree(version, is_deleted)
ORDER BY (integration, since)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Days that differ from their weekday: the production calendar of the country,
-- the same for every integration.
CREATE TABLE IF NOT EXISTS calendar
(
    day        Date,
    kind       LowCardinality(String) COMMENT 'holiday: no work, working: work on a day that is else free, short: an hour less',
    version    UInt64,
    is_deleted UInt8
)
ENGINE = ReplacingMergeTree(version, is_deleted)
ORDER BY day
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Each call with the company's own time and the people's names.
CREATE VIEW IF NOT EXISTS report_calls AS
WITH
    c.started_at + toIntervalSecond(s.utc_offset_s) AS wall,
    toDate(wall) AS day,
    toHour(wall) * 60 + toMinute(wall) AS minute,
    toDayOfWeek(wall) AS own_weekday,
    -- A free day that became a working one has the hours of a Monday.
    if(s.work_to[own_weekday] = 0 AND day IN (SELECT day FROM calendar FINAL WHERE kind = 'working'), 1, own_weekday) AS as_weekday
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
    toString(c.account_id) AS workplace,
    toString(c.account_id) AS employee,
    '' AS department,
    c.answered_at AS answered_at,
    c.ended_at AS ended_at,
    c.ring_ms AS ring_ms,
    c.wait_ms AS wait_ms,
    c.talk_ms AS talk_ms,
    c.hung_up AS hung_up,
    c.transfers AS transfers,
    c.legs AS legs,
    c.recordings AS recordings,
    false AS own_call,
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
ASOF LEFT JOIN (SELECT * FROM report_settings FINAL) AS s ON c.integration = s.integration AND c.started_at >= s.since;

-- Calls by hour and external number.
CREATE VIEW IF NOT EXISTS report_volume AS
SELECT
    toStartOfHour(c.started_at) AS started_at,
    c.local_day AS local_day, c.local_hour AS local_hour, c.weekday AS weekday, c.working AS working,
    c.integration AS integration,
    c.external_number AS external_number,
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
    maxIf(ifNull(wait_ms, 0), direction = 'incoming' AND NOT own_call) AS longest_wait_ms,
    countIf(direction = 'incoming' AND outcome = 'answered' AND NOT own_call AND wait_ms <= 10000) AS answered_in_10s,
    countIf(direction = 'incoming' AND outcome = 'answered' AND NOT own_call AND wait_ms <= 20000) AS answered_in_20s,
    countIf(direction = 'incoming' AND outcome = 'answered' AND NOT own_call AND wait_ms <= 30000) AS answered_in_30s,
    countIf(direction = 'incoming' AND outcome = 'answered' AND NOT own_call AND wait_ms <= 60000) AS answered_in_60s,
    countIf(direction = 'incoming' AND outcome = 'answered' AND NOT own_call AND wait_ms <= 1000 * service_level_s) AS answered_in_target,
    max(service_level_s) AS target_s,
    min(c.started_at) AS first_call_at,
    max(c.started_at) AS last_call_at
FROM report_calls AS c
GROUP BY started_at, local_day, local_hour, weekday, working, integration, external_number;

CREATE VIEW IF NOT EXISTS report_heatmap AS
SELECT started_at, local_day, local_hour, weekday, working, integration, external_number,
    calls, received, answered, missed, short_abandons, outgoing, reached, incoming_talk_ms, outgoing_talk_ms
FROM report_volume;

CREATE VIEW IF NOT EXISTS report_service_level AS
SELECT started_at, local_day, local_hour, weekday, working, integration, external_number,
    received, answered, missed, short_abandons,
    answered_waits, answered_wait_ms,
    answered_in_10s, answered_in_20s, answered_in_30s, answered_in_60s, answered_in_target, target_s
FROM report_volume;

CREATE VIEW IF NOT EXISTS report_abandonment AS
SELECT started_at, local_day, local_hour, weekday, working, integration, external_number,
    received, answered, missed, short_abandons, missed_wait_ms
FROM report_volume;

-- A day at a glance, its rates worked out.
CREATE VIEW IF NOT EXISTS report_daily AS
SELECT
    local_day, integration,
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
FROM report_volume AS v
GROUP BY local_day, integration;

-- How many calls waited, rang and talked how long: for quantiles over any time.
CREATE VIEW IF NOT EXISTS report_durations AS
SELECT
    c.started_at AS started_at, c.local_day AS local_day, c.integration AS integration, c.external_number AS external_number, c.direction AS direction,
    m.1 AS measure,
    toUInt32(m.2) AS duration_ms,
    toUInt64(1) AS calls
FROM report_calls AS c
ARRAY JOIN arrayFilter(x -> isNotNull(x.2), [
    ('wait', if(direction = 'incoming' AND outcome = 'answered' AND NOT own_call, wait_ms, NULL)),
    ('ring', if(direction IN ('incoming', 'outgoing') AND outcome = 'answered' AND NOT own_call, ring_ms, NULL)),
    ('talk', if(direction IN ('incoming', 'outgoing') AND outcome = 'answered' AND talk_ms > 0, talk_ms, NULL)),
    ('missed wait', if(direction = 'incoming' AND outcome = 'missed', wait_ms, NULL))]) AS m;

-- Each missed call, and what came of it.
CREATE VIEW IF NOT EXISTS report_missed AS
SELECT
    m.integration AS integration, m.call_id AS call_id, m.started_at AS started_at,
    m.local_time AS local_time, m.local_day AS local_day, m.local_hour AS local_hour, m.weekday AS weekday, m.working AS working,
    m.client_number AS client_number, m.external_number AS external_number,
    m.workplace AS workplace, m.employee AS employee, m.department AS department,
    m.wait_ms AS wait_ms,
    m.ended_at AS missed_at,
    if(o.started_at > m.started_at + toIntervalDay(m.callback_days), NULL, nullIf(o.started_at, toDateTime64(0, 3, 'UTC'))) AS called_back_at,
    if(a.started_at > m.started_at + toIntervalDay(m.callback_days), NULL, nullIf(a.started_at, toDateTime64(0, 3, 'UTC'))) AS closed_at,
    multiIf(closed_at IS NULL, '', a.direction = 'outgoing', 'us', 'client') AS closed_by,
    if(closed_at IS NULL, 0, a.call_id) AS closed_call_id,
    if(closed_at IS NULL, '', a.employee) AS closed_employee,
    if(called_back_at IS NULL, NULL, toUInt64(greatest(date_diff('millisecond', coalesce(missed_at, m.started_at), called_back_at), 0))) AS to_callback_ms,
    if(closed_at IS NULL, NULL, toUInt64(greatest(date_diff('millisecond', coalesce(missed_at, m.started_at), closed_at), 0))) AS to_close_ms,
    multiIf(m.client_number = '', 'hidden', closed_by = 'us', 'called back', closed_by = 'client', 'came back',
        m.started_at + toIntervalDay(m.callback_days) > now(), 'open', 'lapsed') AS state
FROM (SELECT * FROM report_calls WHERE direction = 'incoming' AND outcome = 'missed') AS m
ASOF LEFT JOIN (SELECT integration, client_number, started_at FROM calls FINAL WHERE direction = 'outgoing' AND client_number != '') AS o
    ON m.integration = o.integration AND m.client_number = o.client_number AND m.started_at < o.started_at
ASOF LEFT JOIN (SELECT integration, client_number, started_at, direction, call_id, toString(account_id) AS employee FROM calls FINAL WHERE direction IN ('incoming', 'outgoing') AND outcome = 'answered' AND client_number != '') AS a
    ON m.integration = a.integration AND m.client_number = a.client_number AND m.started_at < a.started_at;

CREATE VIEW IF NOT EXISTS report_callbacks AS
SELECT
    toStartOfHour(m.started_at) AS started_at,
    m.local_day AS local_day, m.local_hour AS local_hour, m.weekday AS weekday, m.working AS working,
    m.integration AS integration, m.external_number AS external_number,
    count() AS missed,
    countIf(m.state = 'hidden') AS hidden,
    countIf(m.state = 'called back') AS called_back,
    countIf(m.state = 'came back') AS came_back,
    countIf(m.state = 'open') AS open,
    countIf(m.state = 'lapsed') AS lapsed,
    countIf(m.called_back_at IS NOT NULL) AS attempted,
    countIf(m.to_callback_ms <= 900000) AS attempted_in_15m,
    countIf(m.to_callback_ms <= 3600000) AS attempted_in_60m,
    sum(ifNull(m.to_callback_ms, 0)) AS to_callback_ms,
    sum(ifNull(m.to_close_ms, 0)) AS to_close_ms
FROM report_missed AS m
GROUP BY started_at, local_day, local_hour, weekday, working, integration, external_number;

-- Whom to call back now: a line per client.
CREATE VIEW IF NOT EXISTS report_callbacks_open AS
SELECT
    m.integration AS integration, m.client_number AS client_number,
    count() AS missed,
    min(m.started_at) AS first_missed_at,
    max(m.started_at) AS last_missed_at,
    toUInt64(date_diff('second', first_missed_at, now())) AS open_s,
    max(ifNull(m.wait_ms, 0)) AS longest_wait_ms,
    argMax(m.external_number, m.started_at) AS external_number,
    argMax(m.employee, m.started_at) AS employee,
    argMax(m.department, m.started_at) AS department,
    max(m.called_back_at) AS last_attempt_at,
    countIf(m.working) AS missed_in_working_hours
FROM report_missed AS m
WHERE m.state = 'open'
GROUP BY integration, client_number;

-- Clients by hour: new, known, and calling again.
CREATE VIEW IF NOT EXISTS report_callers AS
SELECT
    toStartOfHour(c.started_at) AS started_at,
    c.local_day AS local_day, c.local_hour AS local_hour, c.weekday AS weekday, c.working AS working,
    c.integration AS integration, c.external_number AS external_number,
    countIf(c.client_number != '') AS calls,
    countIf(c.client_number = '') AS hidden,
    countIf(c.nth_of_day = 1) AS callers,
    countIf(c.nth = 1 AND c.first_at = c.started_at) AS new_callers,
    countIf(c.nth > 1 AND c.started_at <= c.previous_at + toIntervalHour(c.repeat_hours)) AS repeated_calls
FROM
(
    SELECT r.*,
        if(client_number = '', 0, row_number() OVER (PARTITION BY r.integration, client_number, local_day ORDER BY r.started_at, call_id)) AS nth_of_day,
        if(client_number = '', 0, row_number() OVER (PARTITION BY r.integration, client_number ORDER BY r.started_at, call_id)) AS nth,
        lagInFrame(r.started_at) OVER (PARTITION BY r.integration, client_number ORDER BY r.started_at, call_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS previous_at,
        f.first_at AS first_at
    FROM report_calls AS r
    LEFT JOIN (SELECT integration, client_number, min(started_at) AS first_at FROM calls FINAL WHERE client_number != '' GROUP BY integration, client_number) AS f
        ON r.integration = f.integration AND r.client_number = f.client_number
    WHERE direction = 'incoming'
) AS c
GROUP BY started_at, local_day, local_hour, weekday, working, integration, external_number;

-- What each workplace did, by hour. A workplace missed a call that rang there
-- and was answered nowhere, several of its phones being one ring. The columns
-- calls_… are of the calls that belong to it: it talked first, else rang first.
CREATE VIEW IF NOT EXISTS report_employees AS
SELECT
    toStartOfHour(w.started_at) AS started_at,
    w.local_day AS local_day, w.local_hour AS local_hour, w.weekday AS weekday, w.working AS working,
    w.integration AS integration, w.workplace AS workplace, w.workplace AS employee, '' AS department,
    countIf(direction = 'incoming' AND w.rang) AS rang,
    countIf(direction = 'incoming' AND w.talked) AS answered,
    countIf(direction = 'incoming' AND outcome IN ('missed', 'abandoned') AND w.rang) AS missed,
    countIf(direction = 'outgoing' AND w.owner) AS outgoing,
    countIf(direction = 'outgoing' AND w.owner AND outcome = 'answered') AS reached,
    countIf(direction = 'internal' AND w.talked) AS internal,
    countIf(w.talked AND w.passed_on) AS transfers,
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
    SELECT
        l.integration AS integration, l.call_id AS call_id, l.started_at AS started_at, l.account_id AS workplace,
        any(c.local_day) AS local_day, any(c.local_hour) AS local_hour, any(c.weekday) AS weekday, any(c.working) AS working,
        any(c.direction) AS direction, any(c.outcome) AS outcome, any(c.own_call) AS own_call,
        max(l.account_id = c.account_id) AS owner,
        max(l.type != 'outgoing' OR c.direction != 'outgoing') AS rang,
        max(l.answered) AS talked,
        max(l.answered AND l.leg_answered_at < c.last_answered_at) AS passed_on,
        sum(l.talk_ms) AS talk_ms,
        minIf(l.ring_ms, l.answered) AS ring_ms
    FROM legs AS l FINAL
    INNER JOIN
    (
        SELECT r.*, a.last_answered_at AS last_answered_at FROM report_calls AS r
        LEFT JOIN (SELECT integration, call_id, started_at, max(leg_answered_at) AS last_answered_at FROM legs FINAL WHERE kind = 'workplace' AND answered GROUP BY ALL) AS a
            ON r.integration = a.integration AND r.call_id = a.call_id AND r.started_at = a.started_at
    ) AS c ON l.started_at = c.started_at AND l.integration = c.integration AND l.call_id = c.call_id
    WHERE l.kind = 'workplace'
    GROUP BY integration, call_id, started_at, workplace
) AS w
GROUP BY started_at, local_day, local_hour, weekday, working, integration, workplace;

-- The same by department, each call counted once, where it belongs.
CREATE VIEW IF NOT EXISTS report_departments AS
SELECT
    e.started_at AS started_at, e.local_day AS local_day, e.local_hour AS local_hour, e.weekday AS weekday, e.working AS working,
    e.integration AS integration, e.department AS department,
    sum(e.calls_received) AS received, sum(e.calls_answered) AS answered, sum(e.calls_missed) AS missed, sum(e.calls_short_abandons) AS short_abandons,
    sum(e.outgoing) AS outgoing, sum(e.reached) AS reached, sum(e.transfers) AS transfers,
    sum(e.incoming_talk_ms) AS incoming_talk_ms, sum(e.outgoing_talk_ms) AS outgoing_talk_ms
FROM report_employees AS e
GROUP BY started_at, local_day, local_hour, weekday, working, integration, department;

CREATE VIEW IF NOT EXISTS report_longest_waits AS
SELECT
    started_at, local_time, local_day, working, integration, call_id, client_number, external_number,
    workplace, employee, department, outcome, wait_ms
FROM report_calls
WHERE direction = 'incoming' AND NOT own_call AND wait_ms > 0;

-- Are answered calls recorded, and are the recordings here?
CREATE VIEW IF NOT EXISTS report_recordings AS
SELECT
    toStartOfHour(c.started_at) AS started_at,
    c.local_day AS local_day, c.local_hour AS local_hour, c.weekday AS weekday, c.working AS working,
    c.integration AS integration, c.external_number AS external_number,
    count() AS answered,
    countIf(notEmpty(c.recordings)) AS recorded,
    countIf(empty(c.recordings)) AS not_recorded,
    sum(length(c.recordings)) AS recordings,
    sum(r.archived) AS archived,
    sum(r.waiting) AS waiting,
    sum(r.lost) AS lost,
    sum(r.erased) AS erased,
    sum(r.bytes) AS bytes
FROM report_calls AS c
LEFT JOIN
(
    SELECT integration, call_id AS group_id,
        countIf(state = 'archived') AS archived,
        countIf(state IN ('announced', 'retrying', 'missing', 'refused', 'quarantined')) AS waiting,
        countIf(state = 'expired') AS lost,
        countIf(state = 'erased') AS erased,
        sumIf(size, state = 'archived') AS bytes
    FROM recordings FINAL
    GROUP BY integration, group_id
) AS r ON c.integration = r.integration AND c.group_id = r.group_id
WHERE c.outcome = 'answered' AND c.direction IN ('incoming', 'outgoing') AND c.talk_ms > 0
GROUP BY started_at, local_day, local_hour, weekday, working, integration, external_number;

CREATE VIEW IF NOT EXISTS report_data_quality AS
SELECT
    toStartOfHour(c.started_at) AS started_at,
    c.local_day AS local_day, c.integration AS integration, c.external_number AS external_number,
    count() AS calls,
    countIf(outcome = 'answered') AS answered,
    countIf(outcome = 'answered' AND direction IN ('incoming', 'outgoing') AND talk_ms > 0 AND empty(recordings)) AS answered_without_recording,
    countIf(ended_at IS NULL) AS going_on,
    countIf(partial) AS without_end,
    countIf(start_inexact) AS start_inexact,
    countIf(end_inexact AND outcome = 'answered') AS end_inexact,
    countIf(talk_inexact) AS talk_inexact,
    countIf(answered_by_duration) AS answered_by_duration,
    countIf(bad_times) AS bad_times,
    countIf(direction = 'unknown') AS direction_unknown,
    countIf(outcome = 'unknown' AND ended_at IS NOT NULL) AS outcome_unknown,
    countIf(external_number = '' AND direction = 'incoming') AS number_unknown
FROM report_calls AS c
GROUP BY started_at, local_day, integration, external_number;

CREATE VIEW IF NOT EXISTS report_orphan_recordings AS
SELECT integration, recording_id, announced_at, state, platform_call_id, account_id, size
FROM recordings FINAL
WHERE (integration, call_id) NOT IN (SELECT integration, group_id FROM calls FINAL);

-- Spans of an hour and more between the starts of two calls.
CREATE VIEW IF NOT EXISTS report_silence AS
SELECT integration, from_at AS started_at, until_at, silence_ms, working_hours
FROM
(
    SELECT
        integration, until_at,
        lagInFrame(last_at) OVER (PARTITION BY integration ORDER BY hour ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS from_at,
        toUInt64(greatest(date_diff('millisecond', from_at, until_at), 0)) AS silence_ms,
        toUInt32(0) AS working_hours
    FROM
    (
        SELECT integration, started_at AS hour, min(first_call_at) AS until_at, max(last_call_at) AS last_at
        FROM report_volume GROUP BY integration, hour
    )
)
WHERE from_at > toDateTime64('1970-01-02 00:00:00', 3, 'UTC') AND silence_ms >= 3600000;
