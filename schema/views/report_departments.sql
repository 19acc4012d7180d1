-- What each department did, by hour, each call counted once, where it belongs.
CREATE OR REPLACE VIEW report_departments AS
SELECT started_at, local_day, local_hour, weekday, working, integration, department,
    received, answered, missed, short_abandons AS abandoned, nowhere, outgoing, reached, transfers, incoming_talk_ms, outgoing_talk_ms
FROM hourly_departments FINAL
