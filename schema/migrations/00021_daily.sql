-- +goose NO TRANSACTION
-- +goose Up

-- Days of the company's clock. A row bears the start of its local day and the
-- day (UTC) whose calls it counts: a local day has calls of two of these, and
-- each is worked out by itself.

-- The clock's offsets by local time, for the start of a local day.
CREATE OR REPLACE VIEW live_offsets AS
SELECT toString(integration) AS integration, toInt64(toUnixTimestamp(since)) + utc_offset_s AS local_since, utc_offset_s
FROM report_settings FINAL;

CREATE TABLE IF NOT EXISTS daily_calls
(
    started_at         DateTime('UTC') COMMENT 'start of the local day' CODEC(Delta(4), ZSTD(1)),
    utc_day            Date CODEC(Delta(2), ZSTD(1)),
    local_day          Date CODEC(Delta(2), ZSTD(1)),
    integration        LowCardinality(String),
    received           UInt32,
    answered           UInt32,
    missed             UInt32,
    short_abandons     UInt32,
    outgoing           UInt32,
    reached            UInt32,
    internal           UInt32,
    incoming_talk_ms   UInt64,
    outgoing_talk_ms   UInt64,
    answered_wait_ms   UInt64,
    answered_waits     UInt32,
    answered_in_target UInt32,
    target_s           UInt16,
    longest_wait_ms    UInt32,
    version            UInt64 CODEC(Delta(8), ZSTD(1)),
    is_deleted         UInt8
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(started_at)
ORDER BY (started_at, integration, utc_day)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1,
    min_age_to_force_merge_seconds = 120, min_age_to_force_merge_on_partition_only = 1;

CREATE OR REPLACE VIEW live_daily_calls AS
SELECT
    toDateTime(toInt64(toUnixTimestamp(toDateTime(d.local_day, 'UTC'))) - z.utc_offset_s, 'UTC') AS started_at,
    d.* EXCEPT at
FROM
(
    SELECT
        toDate(h.started_at) AS utc_day, h.local_day AS local_day, h.integration AS integration,
        sum(h.received) AS received, sum(h.answered) AS answered, sum(h.missed) AS missed, sum(h.short_abandons) AS short_abandons,
        sum(h.outgoing) AS outgoing, sum(h.reached) AS reached, sum(h.internal) AS internal,
        sum(h.incoming_talk_ms) AS incoming_talk_ms, sum(h.outgoing_talk_ms) AS outgoing_talk_ms,
        sum(h.answered_wait_ms) AS answered_wait_ms, sum(h.answered_waits) AS answered_waits,
        sum(h.answered_in_target) AS answered_in_target, max(h.target_s) AS target_s, max(h.longest_wait_ms) AS longest_wait_ms,
        toInt64(toUnixTimestamp(toDateTime(local_day, 'UTC'))) AS at
    FROM hourly_calls AS h FINAL
    GROUP BY utc_day, local_day, integration
) AS d
ASOF LEFT JOIN live_offsets AS z ON toString(d.integration) = z.integration AND d.at >= z.local_since
SETTINGS join_use_nulls = 0;

-- A day at a glance, its rates worked out.
CREATE OR REPLACE VIEW report_daily AS
SELECT
    v.started_at AS started_at, v.local_day AS local_day, v.integration AS integration,
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
FROM daily_calls AS v FINAL
GROUP BY started_at, local_day, integration;

-- How many calls took how long, by local day: a row has all durations of one
-- kind, a thirtieth of the rows that one for each took. durations_ms is rounded
-- to the next second below a minute, then to 5 seconds below ten minutes, 30
-- seconds below an hour, and 5 minutes.
CREATE OR REPLACE TABLE daily_durations
(
    started_at      DateTime('UTC') COMMENT 'start of the local day' CODEC(Delta(4), ZSTD(1)),
    utc_day         Date CODEC(Delta(2), ZSTD(1)),
    local_day       Date CODEC(Delta(2), ZSTD(1)),
    integration     LowCardinality(String),
    external_number LowCardinality(String),
    direction       LowCardinality(String),
    measure         LowCardinality(String) COMMENT 'wait, ring, talk or missed wait',
    durations_ms    Array(UInt32) COMMENT 'each once, rising',
    calls           Array(UInt32) COMMENT 'how many took each' CODEC(T64, ZSTD(1)),
    version         UInt64 CODEC(Delta(8), ZSTD(1)),
    is_deleted      UInt8
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(started_at)
ORDER BY (measure, started_at, integration, external_number, direction, utc_day)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1,
    min_age_to_force_merge_seconds = 120, min_age_to_force_merge_on_partition_only = 1;

CREATE OR REPLACE VIEW live_daily_durations AS
SELECT
    toDateTime(toInt64(toUnixTimestamp(toDateTime(d.local_day, 'UTC'))) - z.utc_offset_s, 'UTC') AS started_at,
    d.utc_day AS utc_day, d.local_day AS local_day, d.integration AS integration, d.external_number AS external_number,
    d.direction AS direction, d.measure AS measure, d.by_duration.1 AS durations_ms, d.by_duration.2 AS calls
FROM
(
    WITH multiIf(c.duration_ms < 59500, 1000, c.duration_ms < 597500, 5000, c.duration_ms < 3585000, 30000, 300000) AS step
    SELECT
        toDate(c.started_at) AS utc_day, c.local_day AS local_day, c.integration AS integration,
        c.external_number AS external_number, c.direction AS direction, c.measure AS measure,
        sumMapWithOverflow([toUInt32(intDiv(c.duration_ms + intDiv(step, 2), step) * step)], [toUInt32(1)]) AS by_duration,
        toInt64(toUnixTimestamp(toDateTime(local_day, 'UTC'))) AS at
    FROM live_durations AS c
    GROUP BY utc_day, local_day, integration, external_number, direction, measure
) AS d
ASOF LEFT JOIN live_offsets AS z ON toString(d.integration) = z.integration AND d.at >= z.local_since
SETTINGS join_use_nulls = 0;

-- How many calls waited, rang and talked how long: for averages and quantiles
-- over any time.
CREATE OR REPLACE VIEW report_durations AS
SELECT d.started_at AS started_at, d.local_day AS local_day, d.integration AS integration, d.external_number AS external_number,
    d.direction AS direction, d.measure AS measure, duration_ms, calls
FROM (SELECT started_at, local_day, integration, external_number, direction, measure, durations_ms, daily_durations.calls AS counts FROM daily_durations FINAL) AS d
ARRAY JOIN d.durations_ms AS duration_ms, d.counts AS calls;
