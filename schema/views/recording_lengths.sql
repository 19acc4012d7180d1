-- How long each recording plays: what the dictionary recording_length asks.
CREATE OR REPLACE VIEW recording_lengths AS
SELECT integration, recording_id, duration_ms
FROM recordings FINAL
