-- +goose NO TRANSACTION
-- +goose Up

-- Calls that rang at no workplace – parked, given up in the menu, after hours –
-- get rows with an empty workplace, so that the workplaces' calls_… add up to all
-- calls.
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
    UNION ALL
    SELECT
        n.started_at, n.integration, n.call_id, '', n.local_hour, n.working, n.local_day, n.weekday,
        n.direction, n.outcome, n.own_call, n.transfers, toUInt8(1), toUInt8(0), toBool(false), toUInt8(0), toUInt64(0), CAST(NULL AS Nullable(UInt32))
    FROM report_calls AS n
    WHERE n.account_id = ''
) AS w
GROUP BY started_at, integration, workplace, local_hour, working, local_day, weekday
SETTINGS join_use_nulls = 0;

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
FROM hourly_workplaces AS e FINAL
WHERE e.workplace != '';

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
FROM daily_workplaces AS e FINAL
WHERE e.workplace != '';

-- What each department did, by hour. The name is that of the hour, so that a
-- change of departments works all hours out again: two seconds for 1.5 million
-- rows of workplaces, which to look up and add up at each question takes 400 ms.
CREATE TABLE IF NOT EXISTS hourly_departments
(
    started_at       DateTime('UTC') COMMENT 'the hour''s start' CODEC(Delta(4), ZSTD(1)),
    integration      LowCardinality(String),
    department       LowCardinality(String) COMMENT 'empty: none',
    local_hour       UInt8,
    working          Bool,
    local_day        Date CODEC(Delta(2), ZSTD(1)),
    weekday          UInt8,
    received         UInt32,
    answered         UInt32,
    missed           UInt32,
    short_abandons   UInt32,
    nowhere          UInt32 COMMENT 'of received: rang at no workplace',
    outgoing         UInt32,
    reached          UInt32,
    transfers        UInt32,
    incoming_talk_ms UInt64,
    outgoing_talk_ms UInt64,
    version          UInt64 CODEC(Delta(8), ZSTD(1)),
    is_deleted       UInt8
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(started_at)
ORDER BY (started_at, integration, department, local_hour, working)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1,
    min_age_to_force_merge_seconds = 120, min_age_to_force_merge_on_partition_only = 1;

CREATE OR REPLACE VIEW live_hourly_departments AS
WITH dictGet('directory_account', 'department', (toString(h.integration), toString(h.workplace)), toDateTime64(h.started_at, 3, 'UTC')) AS theirs
SELECT
    h.started_at AS started_at, h.integration AS integration, theirs AS department,
    h.local_hour AS local_hour, h.working AS working, h.local_day AS local_day, h.weekday AS weekday,
    sum(h.calls_received) AS received, sum(h.calls_answered) AS answered, sum(h.calls_missed) AS missed,
    sum(h.calls_short_abandons) AS short_abandons, sumIf(h.calls_received, h.workplace = '') AS nowhere,
    sum(h.outgoing) AS outgoing, sum(h.reached) AS reached, sum(h.transfers) AS transfers,
    sum(h.incoming_talk_ms) AS incoming_talk_ms, sum(h.outgoing_talk_ms) AS outgoing_talk_ms
FROM hourly_workplaces AS h FINAL
GROUP BY started_at, integration, department, local_hour, working, local_day, weekday;

CREATE OR REPLACE VIEW report_departments AS
SELECT started_at, local_day, local_hour, weekday, working, integration, department,
    received, answered, missed, short_abandons, nowhere, outgoing, reached, transfers, incoming_talk_ms, outgoing_talk_ms
FROM hourly_departments FINAL;
