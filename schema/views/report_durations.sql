-- How many calls waited, rang and talked how long: for averages and quantiles
-- over any time.
CREATE OR REPLACE VIEW report_durations AS
SELECT d.started_at AS started_at, d.local_day AS local_day, d.integration AS integration, d.external_number AS external_number,
    d.direction AS direction, d.measure AS measure, duration_ms, calls
FROM (SELECT started_at, local_day, integration, external_number, direction, measure, durations_ms, daily_durations.calls AS counts FROM daily_durations FINAL) AS d
ARRAY JOIN d.durations_ms AS duration_ms, d.counts AS calls
