-- Spans of an hour and more between the starts of two calls, and since the last.
CREATE OR REPLACE VIEW report_silence AS
WITH
    (SELECT groupArray(day) FROM calendar FINAL WHERE kind = 'holiday') AS holidays,
    (SELECT groupArray(day) FROM calendar FINAL WHERE kind = 'working') AS working_days,
    (SELECT groupArray(day) FROM calendar FINAL WHERE kind = 'short') AS short_days,
    -- The hours that begin within the span, by the company's clock.
    arrayMap(n -> toStartOfHour(g.from_at) + toIntervalHour(n + 1) + toIntervalSecond(s.utc_offset_s),
        range(toUInt64(least(date_diff('hour', g.from_at, g.until_at), 20000)))) AS hours
SELECT
    g.integration AS integration, g.from_at AS started_at, g.until_at AS until_at, g.silence_ms AS silence_ms,
    toUInt32(arrayCount(
        h -> h.1 >= s.work_from[h.2] AND h.1 < s.work_to[h.2] - h.3,
        arrayMap(
            wall -> (
                toHour(wall) * 60,
                if(s.work_to[toDayOfWeek(wall)] = 0 AND has(working_days, toDate(wall)), 1, toDayOfWeek(wall)),
                if(has(short_days, toDate(wall)), s.short_day_minutes, 0)),
            arrayFilter(wall -> NOT has(holidays, toDate(wall)), hours)))) AS working_hours,
    g.going_on AS going_on
FROM
(
    SELECT
        h.integration AS integration, h.until_at AS until_at, h.going_on AS going_on,
        lagInFrame(h.last_at) OVER (PARTITION BY h.integration ORDER BY h.until_at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS from_at,
        toUInt64(greatest(date_diff('millisecond', from_at, h.until_at), 0)) AS silence_ms
    FROM
    (
        SELECT integration, first_call_at AS until_at, last_call_at AS last_at, false AS going_on FROM hourly_starts FINAL
        UNION ALL
        SELECT DISTINCT integration, now64(3, 'UTC'), now64(3, 'UTC'), true FROM report_settings FINAL
    ) AS h
) AS g
ASOF LEFT JOIN (SELECT * FROM report_settings FINAL) AS s ON g.integration = s.integration AND g.from_at >= s.since
WHERE g.from_at > toDateTime64('1970-01-02 00:00:00', 3, 'UTC') AND g.silence_ms >= 3600000
SETTINGS join_use_nulls = 0
