-- What each workplace did, by hour, with the name that its employee had then.
CREATE OR REPLACE VIEW report_employees AS
WITH dictGet('directory_account', ('employee', 'department'), (toString(e.integration), toString(e.workplace)), toDateTime64(e.started_at, 3, 'UTC')) AS who
SELECT
    e.started_at AS started_at, e.local_day AS local_day, e.local_hour AS local_hour, e.weekday AS weekday, e.working AS working,
    e.integration AS integration, e.workplace AS workplace,
    if(who.1 = '', toString(e.workplace), who.1) AS employee, who.2 AS department,
    e.rang AS rang, e.answered AS answered, e.missed AS missed, e.outgoing AS outgoing, e.reached AS reached, e.internal AS internal, e.transfers AS transfers,
    e.incoming_talk_ms AS incoming_talk_ms, e.outgoing_talk_ms AS outgoing_talk_ms, e.internal_talk_ms AS internal_talk_ms,
    e.answered_ring_ms AS answered_ring_ms, e.answered_rings AS answered_rings,
    e.calls_received AS calls_received, e.calls_answered AS calls_answered, e.calls_missed AS calls_missed, e.calls_short_abandons AS calls_abandoned
FROM hourly_workplaces AS e FINAL
WHERE e.workplace != ''
