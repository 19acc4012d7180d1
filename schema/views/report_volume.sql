-- Calls by hour and external number.
CREATE OR REPLACE VIEW report_volume AS
SELECT started_at, local_day, local_hour, weekday, working, integration, external_number,
    calls, received, answered, missed, short_abandons AS abandoned, outgoing, reached, internal, hidden, transferred,
    incoming_talk_ms, outgoing_talk_ms, answered_wait_ms, answered_waits, missed_wait_ms, missed_waits, longest_wait_ms,
    answered_in_10s, answered_in_20s, answered_in_30s, answered_in_60s, answered_in_target, target_s,
    first_call_at, last_call_at
FROM hourly_calls FINAL
