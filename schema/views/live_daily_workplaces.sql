-- What each workplace did, by day (UTC).
CREATE OR REPLACE VIEW live_daily_workplaces AS
SELECT
    toStartOfDay(h.started_at) AS started_at, h.integration AS integration, h.workplace AS workplace,
    h.working AS working, h.local_day AS local_day, h.weekday AS weekday,
    sum(h.rang) AS rang, sum(h.answered) AS answered, sum(h.missed) AS missed,
    sum(h.outgoing) AS outgoing, sum(h.reached) AS reached, sum(h.internal) AS internal, sum(h.transfers) AS transfers,
    sum(h.incoming_talk_ms) AS incoming_talk_ms, sum(h.outgoing_talk_ms) AS outgoing_talk_ms, sum(h.internal_talk_ms) AS internal_talk_ms,
    sum(h.answered_ring_ms) AS answered_ring_ms, sum(h.answered_rings) AS answered_rings,
    sum(h.calls_received) AS calls_received, sum(h.calls_answered) AS calls_answered,
    sum(h.calls_missed) AS calls_missed, sum(h.calls_short_abandons) AS calls_short_abandons,
    sumForEach(arrayMap(n -> if(n = h.local_hour, h.answered, 0), range(24))) AS answered_by_hour
FROM hourly_workplaces AS h FINAL
GROUP BY started_at, integration, workplace, working, local_day, weekday
