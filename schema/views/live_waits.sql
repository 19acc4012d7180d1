-- Incoming calls that waited; of them come the longest waits of each day and
-- number. A filter on the time reaches the key.
CREATE OR REPLACE VIEW live_waits AS
SELECT started_at, integration, call_id, local_time, working, client_number, external_number, workplace, outcome, assumeNotNull(c.wait_ms) AS wait_ms
FROM report_calls AS c
WHERE direction = 'incoming' AND NOT own_call AND c.wait_ms > 0
