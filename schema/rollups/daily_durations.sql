INSERT INTO daily_durations
(
    started_at, utc_day, local_day, integration, external_number, direction, measure, durations_ms, calls,
    version, is_deleted
)
SELECT
    started_at, utc_day, local_day, integration, external_number, direction, measure, durations_ms, calls,
    {version} AS version, 0 AS is_deleted
FROM live_daily_durations
WHERE utc_day >= toDate({from}) AND utc_day < toDate({to});

-- The days of the span are found by the key: a local day begins near its day (UTC).
-- What it has in the span and was not written anew is no more.
INSERT INTO daily_durations ({columns}, version, is_deleted)
SELECT {columns}, {version} AS version, 1 AS is_deleted
FROM daily_durations AS t FINAL
WHERE t.version < {version} AND utc_day >= toDate({from}) AND utc_day < toDate({to})
    AND started_at >= {from} - toIntervalDay(2) AND started_at < {to} + toIntervalDay(1);
