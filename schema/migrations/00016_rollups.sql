-- +goose NO TRANSACTION
-- +goose Up

-- Rollups that are made of other rollups, for reports over months and years.

-- What each workplace did, by day: a tenth of hourly_workplaces.
CREATE TABLE IF NOT EXISTS daily_workplaces
(
    started_at           DateTime('UTC') COMMENT 'the day''s start' CODEC(Delta(4), ZSTD(1)),
    integration          LowCardinality(String),
    workplace            LowCardinality(String) COMMENT 'SIP id, of the terminal where the directory knows no workplace',
    working              Bool,
    local_day            Date CODEC(Delta(2), ZSTD(1)),
    weekday              UInt8,
    rang                 UInt32,
    answered             UInt32,
    missed               UInt32,
    outgoing             UInt32,
    reached              UInt32,
    internal             UInt32,
    transfers            UInt32,
    incoming_talk_ms     UInt64,
    outgoing_talk_ms     UInt64,
    internal_talk_ms     UInt64,
    answered_ring_ms     UInt64,
    answered_rings       UInt32,
    calls_received       UInt32,
    calls_answered       UInt32,
    calls_missed         UInt32,
    calls_short_abandons UInt32,
    answered_by_hour     Array(UInt32) COMMENT 'answered by local hour, 24 of them',
    version              UInt64 CODEC(Delta(8), ZSTD(1)),
    is_deleted           UInt8
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(started_at)
ORDER BY (started_at, integration, workplace, working, local_day)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1,
    min_age_to_force_merge_seconds = 86400, min_age_to_force_merge_on_partition_only = 1;

-- Missed calls and what came of them, by hour and external number. What is
-- still open depends on the time of asking: of each call that is not closed it
-- says until when it is.
CREATE TABLE IF NOT EXISTS hourly_callbacks
(
    started_at       DateTime('UTC') COMMENT 'the hour''s start' CODEC(Delta(4), ZSTD(1)),
    integration      LowCardinality(String),
    external_number  LowCardinality(String),
    local_hour       UInt8,
    working          Bool,
    local_day        Date CODEC(Delta(2), ZSTD(1)),
    weekday          UInt8,
    missed           UInt32,
    hidden           UInt32 COMMENT 'of missed: without a number',
    called_back      UInt32 COMMENT 'closed by a call of ours',
    came_back        UInt32 COMMENT 'closed by the client',
    open_until       Array(DateTime64(3, 'UTC')) COMMENT 'of those that nobody closed',
    attempted        UInt32,
    attempted_in_15m UInt32,
    attempted_in_60m UInt32,
    to_callback_ms   UInt64,
    to_close_ms      UInt64,
    version          UInt64 CODEC(Delta(8), ZSTD(1)),
    is_deleted       UInt8
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(started_at)
ORDER BY (started_at, integration, external_number, local_hour, working)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1,
    min_age_to_force_merge_seconds = 86400, min_age_to_force_merge_on_partition_only = 1;

CREATE OR REPLACE VIEW live_daily_workplaces AS
SELECT
    toStartOfDay(h.started_at) AS started_at, h.integration AS integration, h.workplace AS workplace,
    h.working AS working, h.local_day AS local_day, h.weekday AS weekday,
    sum(h.rang) AS rang, sum(h.answered) AS answered, sum(h.missed) AS missed,
    sum(h.outgoing) AS outgoing, sum(h.reached) AS reached, sum(h.internal) AS internal, sum(h.transfers) AS transfers,
    sum(h.incoming_talk_ms) AS incoming_talk_ms, sum(h.outgoing_talk_ms) AS outgoing_talk_ms, sum(h.internal_talk_ms) AS internal_talk_ms,
    sum(h.answered_ring_ms) AS answered_ring_ms, sum(h.answered_rings) AS answered_rings,
    sum(h.calls_received) AS calls_received, sum(h.calls_answered) AS calls_answered,
    sum(h.calls_missed) AS calls_missed, sum(h.calls_short_abandons) AS calls_short_abandons,
    sumForEach(arrayMap(n -> if(n = h.local_hour, h.answered, 0), range(24))) AS answered_by_hour
FROM hourly_workplaces AS h FINAL
GROUP BY started_at, integration, workplace, working, local_day, weekday;

CREATE OR REPLACE VIEW live_hourly_callbacks AS
WITH
    date_diff('millisecond', m.missed_at, m.called_back_at) AS first_try,
    date_diff('millisecond', m.missed_at, m.closed_at) AS closing
SELECT
    toStartOfHour(m.started_at) AS started_at,
    m.integration AS integration, m.external_number AS external_number,
    toHour(m.local_time) AS local_hour, m.working AS working, toDate(m.local_time) AS local_day, m.weekday AS weekday,
    count() AS missed,
    countIf(m.client_number = '') AS hidden,
    countIf(m.closed_by = 'us') AS called_back,
    countIf(m.closed_by = 'client') AS came_back,
    arraySort(groupArrayIf(m.open_until, m.client_number != '' AND m.closed_by = '')) AS open_until,
    countIf(m.called_back_at IS NOT NULL) AS attempted,
    countIf(first_try <= 900000) AS attempted_in_15m,
    countIf(first_try <= 3600000) AS attempted_in_60m,
    sum(toUInt64(greatest(ifNull(first_try, 0), 0))) AS to_callback_ms,
    sum(toUInt64(greatest(ifNull(closing, 0), 0))) AS to_close_ms
FROM missed_calls AS m FINAL
GROUP BY started_at, integration, external_number, local_hour, working, local_day, weekday;

-- What was rolled up before these tables were there.
INSERT INTO daily_workplaces SELECT *, toUnixTimestamp64Micro(now64(6)), 0 FROM live_daily_workplaces SETTINGS max_partitions_per_insert_block = 0;
INSERT INTO hourly_callbacks SELECT *, toUnixTimestamp64Micro(now64(6)), 0 FROM live_hourly_callbacks SETTINGS max_partitions_per_insert_block = 0;

-- Incoming calls that waited; of them come the 20 longest waits of each day and
-- number. A filter on the time reaches the key here, and not below LIMIT BY.
CREATE OR REPLACE VIEW live_waits AS
SELECT started_at, integration, call_id, local_time, working, client_number, external_number, workplace, outcome, assumeNotNull(c.wait_ms) AS wait_ms
FROM report_calls AS c
WHERE direction = 'incoming' AND NOT own_call AND c.wait_ms > 0;

CREATE OR REPLACE VIEW live_longest_waits AS
SELECT * FROM live_waits ORDER BY wait_ms DESC, call_id LIMIT 20 BY toDate(started_at), integration, external_number;

CREATE OR REPLACE VIEW report_callbacks AS
SELECT
    h.started_at AS started_at, h.local_day AS local_day, h.local_hour AS local_hour, h.weekday AS weekday, h.working AS working,
    h.integration AS integration, h.external_number AS external_number,
    toUInt64(h.missed) AS missed, toUInt64(h.hidden) AS hidden, toUInt64(h.called_back) AS called_back, toUInt64(h.came_back) AS came_back,
    toUInt64(arrayCount(until -> until > now(), h.open_until)) AS open,
    toUInt64(arrayCount(until -> until <= now(), h.open_until)) AS lapsed,
    toUInt64(h.attempted) AS attempted, toUInt64(h.attempted_in_15m) AS attempted_in_15m, toUInt64(h.attempted_in_60m) AS attempted_in_60m,
    h.to_callback_ms AS to_callback_ms, h.to_close_ms AS to_close_ms
FROM hourly_callbacks AS h FINAL;

-- report_employees by day, for windows of months and years. A day (UTC) in
-- which a name changed bears the one that it began with.
CREATE OR REPLACE VIEW report_employees_daily AS
WITH dictGet('directory_account', ('employee', 'department'), (toString(e.integration), toString(e.workplace)), toDateTime64(e.started_at, 3, 'UTC')) AS who
SELECT
    e.started_at AS started_at, e.local_day AS local_day, e.weekday AS weekday, e.working AS working,
    e.integration AS integration, e.workplace AS workplace,
    if(who.1 = '', toString(e.workplace), who.1) AS employee, who.2 AS department,
    e.rang AS rang, e.answered AS answered, e.missed AS missed, e.outgoing AS outgoing, e.reached AS reached, e.internal AS internal, e.transfers AS transfers,
    e.incoming_talk_ms AS incoming_talk_ms, e.outgoing_talk_ms AS outgoing_talk_ms, e.internal_talk_ms AS internal_talk_ms,
    e.answered_ring_ms AS answered_ring_ms, e.answered_rings AS answered_rings,
    e.calls_received AS calls_received, e.calls_answered AS calls_answered, e.calls_missed AS calls_missed, e.calls_short_abandons AS calls_short_abandons,
    e.answered_by_hour AS answered_by_hour
FROM daily_workplaces AS e FINAL;

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
        SELECT DISTINCT integration, now64(3, 'UTC'), now64(3, 'UTC'), true FROM report_settings FINAL
    ) AS h
) AS g
ASOF LEFT JOIN (SELECT * FROM report_settings FINAL) AS s ON g.integration = s.integration AND g.from_at >= s.since
WHERE g.from_at > toDateTime64('1970-01-02 00:00:00', 3, 'UTC') AND g.silence_ms >= 3600000
SETTINGS join_use_nulls = 0;
