-- The first and the last call of each hour.
CREATE OR REPLACE VIEW live_hourly_starts AS
SELECT h.started_at AS started_at, h.integration AS integration, min(h.first_call_at) AS first_call_at, max(h.last_call_at) AS last_call_at
FROM hourly_calls AS h FINAL
GROUP BY started_at, integration
