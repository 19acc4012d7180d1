-- Clients who called, by hour and external number.
CREATE OR REPLACE VIEW report_callers AS
SELECT started_at, local_day, local_hour, weekday, working, integration, external_number,
    calls, hidden, callers, new_callers, repeated_calls
FROM hourly_callers FINAL
