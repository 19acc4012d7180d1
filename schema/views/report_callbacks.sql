-- Missed calls and what came of them, by hour and external number.
CREATE OR REPLACE VIEW report_callbacks AS
SELECT
    h.started_at AS started_at, h.local_day AS local_day, h.local_hour AS local_hour, h.weekday AS weekday, h.working AS working,
    h.integration AS integration, h.external_number AS external_number,
    toUInt64(h.missed) AS missed, toUInt64(h.hidden) AS hidden, toUInt64(h.called_back) AS called_back, toUInt64(h.came_back) AS came_back,
    toUInt64(arrayCount(until -> until > now(), h.open_until)) AS open,
    toUInt64(arrayCount(until -> until <= now(), h.open_until)) AS lapsed,
    toUInt64(h.attempted) AS attempted, toUInt64(h.attempted_in_15m) AS attempted_in_15m, toUInt64(h.attempted_in_60m) AS attempted_in_60m,
    h.to_callback_ms AS to_callback_ms, h.to_close_ms AS to_close_ms
FROM hourly_callbacks AS h FINAL
