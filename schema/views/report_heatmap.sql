-- Calls by hour, for weekday by hour.
CREATE OR REPLACE VIEW report_heatmap AS
SELECT started_at, local_day, local_hour, weekday, working, integration, external_number,
    calls, received, answered, missed, short_abandons AS abandoned, outgoing, reached, incoming_talk_ms, outgoing_talk_ms
FROM hourly_calls FINAL
