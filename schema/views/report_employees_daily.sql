-- report_employees by day, for windows of months and years. A day (UTC) in
-- which a name changed bears the one that it began with.
CREATE OR REPLACE VIEW report_employees_daily AS
WITH dictGet('directory_account', ('employee', 'department'), (toString(e.integration), toString(e.workplace)), toDateTime64(e.started_at, 3, 'UTC')) AS who
SELECT
    e.started_at AS started_at, e.local_day AS local_day, e.weekday AS weekday, e.working AS working,
    e.integration AS integration, e.workplace AS workplace,
    if(who.1 = '', toString(e.workplace), who.1) AS employee, who.2 AS department,
    e.rang AS rang, e.answered AS answered, e.missed AS missed, e.outgoing AS outgoing, e.reached AS reached, e.internal AS internal, e.transfers AS transfers,
    e.incoming_talk_ms AS incoming_talk_ms, e.outgoing_talk_ms AS outgoing_talk_ms, e.internal_talk_ms AS internal_talk_ms,
    e.answered_ring_ms AS answered_ring_ms, e.answered_rings AS answered_rings,
    e.calls_received AS calls_received, e.calls_answered AS calls_answered, e.calls_missed AS calls_missed, e.calls_short_abandons AS calls_abandoned,
    e.answered_by_hour AS answered_by_hour
FROM daily_workplaces AS e FINAL
WHERE e.workplace != ''
