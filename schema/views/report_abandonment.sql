-- How many calls were given up, and after what wait, by hour and external number.
CREATE OR REPLACE VIEW report_abandonment AS
SELECT started_at, local_day, local_hour, weekday, working, integration, external_number,
    received, answered, missed, short_abandons, missed_wait_ms, missed_waits
FROM hourly_calls FINAL
