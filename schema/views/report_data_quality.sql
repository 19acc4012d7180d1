-- How many calls rest on inference or lack something, by hour and external number.
CREATE OR REPLACE VIEW report_data_quality AS
SELECT started_at, local_day, local_hour, weekday, working, integration, external_number,
    calls, all_answered AS answered, answered_external, answered_without_recording, going_on, without_end,
    start_inexact, end_inexact, talk_inexact, answered_by_duration, bad_times,
    direction_unknown, outcome_unknown, number_unknown
FROM hourly_calls FINAL
