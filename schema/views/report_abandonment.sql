-- How many calls nobody answered, missed and abandoned apart, and how long the missed
-- ones waited, by hour and external number.
CREATE OR REPLACE VIEW report_abandonment AS
SELECT started_at, local_day, local_hour, weekday, working, integration, external_number,
    received, answered, missed, short_abandons AS abandoned, missed_wait_ms, missed_waits
FROM hourly_calls FINAL
