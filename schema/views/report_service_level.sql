-- How soon calls were answered, by hour and external number.
CREATE OR REPLACE VIEW report_service_level AS
SELECT started_at, local_day, local_hour, weekday, working, integration, external_number,
    received, answered, missed, short_abandons AS abandoned,
    answered_waits, answered_wait_ms,
    answered_in_10s, answered_in_20s, answered_in_30s, answered_in_60s, answered_in_target, target_s
FROM hourly_calls FINAL
