-- How many calls took how long, by local day: a row has all durations of one
-- kind. They are rounded to the next second below a minute, then to 5 seconds
-- below ten minutes, 30 seconds below an hour, and 5 minutes.
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
SETTINGS join_use_nulls = 0
