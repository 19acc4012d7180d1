-- How long each call waited, rang and talked: a row for each of them that is known.
CREATE OR REPLACE VIEW live_durations AS
SELECT
    c.started_at AS started_at, c.integration AS integration, c.external_number AS external_number, c.direction AS direction,
    m.1 AS measure, c.local_day AS local_day, assumeNotNull(m.2) AS duration_ms
FROM report_calls AS c
ARRAY JOIN arrayFilter(x -> isNotNull(x.2), [
    ('wait', if(direction = 'incoming' AND outcome = 'answered' AND NOT own_call, wait_ms, NULL)),
    ('ring', if(direction IN ('incoming', 'outgoing') AND outcome = 'answered' AND NOT own_call, ring_ms, NULL)),
    ('talk', if(direction IN ('incoming', 'outgoing') AND outcome = 'answered' AND talk_ms > 0, talk_ms, NULL)),
    ('missed wait', if(direction = 'incoming' AND outcome = 'missed', wait_ms, NULL))]) AS m
