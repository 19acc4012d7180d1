-- It reads some days before the span, whose calls make a call of the span one of the
-- same day or a repeated one.
INSERT INTO hourly_callers
(
    started_at, integration, external_number, local_hour, working, local_day, weekday, calls, hidden, callers,
    new_callers, repeated_calls, version, is_deleted
)
SELECT
    toStartOfHour(c.started_at) AS started_at, c.integration AS integration, c.external_number AS external_number,
    c.local_hour AS local_hour, c.working AS working, c.local_day AS local_day, c.weekday AS weekday,
    countIf(c.client_number != '') AS calls,
    countIf(c.client_number = '') AS hidden,
    countIf(c.client_number != '' AND c.nth_of_day = 1) AS callers,
    countIf(c.client_number != '' AND c.nth_of_day = 1 AND f.first_at = c.started_at) AS new_callers,
    countIf(c.client_number != '' AND c.previous_at > toDateTime64(0, 3, 'UTC') AND c.started_at <= c.previous_at + toIntervalHour(c.repeat_hours)) AS repeated_calls,
    {version} AS version, 0 AS is_deleted
FROM
(
    SELECT started_at, integration, external_number, client_number, local_hour, working, local_day, weekday, repeat_hours,
        row_number() OVER (PARTITION BY integration, client_number, local_day ORDER BY started_at, call_id) AS nth_of_day,
        lagInFrame(started_at) OVER (PARTITION BY integration, client_number ORDER BY started_at, call_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS previous_at
    FROM report_calls
    WHERE started_at >= {before} AND started_at < {to} AND direction = 'incoming'
) AS c
LEFT JOIN
(
    SELECT integration, client_number, min(started_at) AS first_at
    FROM calls_by_client FINAL
    WHERE (integration, client_number) IN (
        SELECT integration, client_number FROM calls WHERE started_at >= {from} AND started_at < {to} AND client_number != '')
    GROUP BY integration, client_number
) AS f ON c.integration = f.integration AND c.client_number = f.client_number
WHERE c.started_at >= {from}
GROUP BY started_at, c.integration, c.external_number, c.local_hour, c.working, c.local_day, c.weekday
SETTINGS join_use_nulls = 0;

-- What it has in the span and was not written anew is no more.
INSERT INTO hourly_callers ({columns}, version, is_deleted)
SELECT {columns}, {version} AS version, 1 AS is_deleted
FROM hourly_callers AS t FINAL
WHERE t.version < {version} AND started_at >= {from} AND started_at < {to};
