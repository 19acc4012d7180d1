-- The clock's offsets by local time, for the start of a local day.
CREATE OR REPLACE VIEW live_offsets AS
SELECT toString(integration) AS integration, toInt64(toUnixTimestamp(since)) + utc_offset_s AS local_since, utc_offset_s
FROM report_settings FINAL
