-- Are answered calls recorded, and are the recordings here?
CREATE OR REPLACE VIEW report_recordings AS
SELECT started_at, local_day, local_hour, weekday, working, integration, external_number,
    answered, recorded, not_recorded, recordings, archived, waiting, quarantined, lost, erased, bytes
FROM hourly_recordings FINAL
