-- Recordings whose call is not known.
CREATE OR REPLACE VIEW report_recordings_without_call AS
SELECT integration, recording_id, announced_at, state, platform_call_id, account_id, size
FROM recordings FINAL
WHERE (integration, recording_id) IN (SELECT integration, recording_id FROM orphan_recordings FINAL)
