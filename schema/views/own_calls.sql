-- Calls that a makeCall of ours produced, each once. Their first "connected" may
-- be our own employee who picks up, so that their ring and wait say nothing:
-- leave them out of such statistics by
--   (integration, call_id) NOT IN (SELECT integration, call_id FROM own_calls)
CREATE OR REPLACE VIEW own_calls AS
SELECT integration, call_id, started_at, action_id, confidence, evidence
FROM call_links FINAL
WHERE kind = 'own'
