-- Missed calls and what came of them, by hour and external number.
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
GROUP BY started_at, integration, external_number, local_hour, working, local_day, weekday
