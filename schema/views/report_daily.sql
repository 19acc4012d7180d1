-- A day at a glance, its rates worked out.
CREATE OR REPLACE VIEW report_daily AS
SELECT
    v.started_at AS started_at, v.local_day AS local_day, v.integration AS integration,
    sum(v.received) AS received, sum(v.answered) AS answered, sum(v.missed) AS missed, sum(v.short_abandons) AS abandoned,
    sum(v.outgoing) AS outgoing, sum(v.reached) AS reached, sum(v.internal) AS internal,
    answered / nullIf(answered + missed, 0) AS answer_rate,
    missed / nullIf(answered + missed, 0) AS missed_rate,
    abandoned / nullIf(received, 0) AS abandoned_rate,
    sum(v.answered_in_target) / nullIf(sum(v.answered_waits), 0) AS service_level_of_answered,
    sum(v.answered_in_target) / nullIf(sum(v.answered_waits) + missed, 0) AS service_level_of_received,
    max(v.target_s) AS target_s,
    reached / nullIf(outgoing, 0) AS reach_rate,
    sum(v.answered_wait_ms) / nullIf(sum(v.answered_waits), 0) AS average_wait_ms,
    sum(v.incoming_talk_ms) / nullIf(answered, 0) AS average_incoming_talk_ms,
    sum(v.outgoing_talk_ms) / nullIf(reached, 0) AS average_outgoing_talk_ms,
    max(v.longest_wait_ms) AS longest_wait_ms
FROM daily_calls AS v FINAL
GROUP BY started_at, local_day, integration
