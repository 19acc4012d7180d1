-- The 20 longest waits of each day (UTC) and external number. Read it for all of
-- history only: a filter on the time does not reach the key below LIMIT BY.
CREATE OR REPLACE VIEW live_longest_waits AS
SELECT * FROM live_waits ORDER BY wait_ms DESC, call_id LIMIT 20 BY toDate(started_at), integration, external_number
