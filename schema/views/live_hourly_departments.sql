-- What each department did, by hour, by the departments that the directory names now.
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
GROUP BY started_at, integration, department, local_hour, working, local_day, weekday
