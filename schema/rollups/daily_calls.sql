INSERT INTO daily_calls
(
    started_at, utc_day, local_day, integration, received, answered, missed, short_abandons, outgoing, reached,
    internal, incoming_talk_ms, outgoing_talk_ms, answered_wait_ms, answered_waits, answered_in_target,
    target_s, longest_wait_ms, version, is_deleted
)
SELECT
    started_at, utc_day, local_day, integration, received, answered, missed, short_abandons, outgoing, reached,
    internal, incoming_talk_ms, outgoing_talk_ms, answered_wait_ms, answered_waits, answered_in_target,
    target_s, longest_wait_ms, {version} AS version, 0 AS is_deleted
FROM live_daily_calls
WHERE utc_day >= toDate({from}) AND utc_day < toDate({to});

-- The days of the span are found by the key: a local day begins near its day (UTC).
-- What it has in the span and was not written anew is no more.
INSERT INTO daily_calls ({columns}, version, is_deleted)
SELECT {columns}, {version} AS version, 1 AS is_deleted
FROM daily_calls AS t FINAL
WHERE t.version < {version} AND utc_day >= toDate({from}) AND utc_day < toDate({to})
    AND started_at >= {from} - toIntervalDay(2) AND started_at < {to} + toIntervalDay(1);
