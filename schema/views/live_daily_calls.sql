-- Days of the company's clock. A row bears the start of its local day and the
-- day (UTC) whose calls it counts: a local day has calls of two of these, and
-- each is worked out by itself.
CREATE OR REPLACE VIEW live_daily_calls AS
SELECT
    toDateTime(toInt64(toUnixTimestamp(toDateTime(d.local_day, 'UTC'))) - z.utc_offset_s, 'UTC') AS started_at,
    d.* EXCEPT at
FROM
(
    SELECT
        toDate(h.started_at) AS utc_day, h.local_day AS local_day, h.integration AS integration,
        sum(h.received) AS received, sum(h.answered) AS answered, sum(h.missed) AS missed, sum(h.short_abandons) AS short_abandons,
        sum(h.outgoing) AS outgoing, sum(h.reached) AS reached, sum(h.internal) AS internal,
        sum(h.incoming_talk_ms) AS incoming_talk_ms, sum(h.outgoing_talk_ms) AS outgoing_talk_ms,
        sum(h.answered_wait_ms) AS answered_wait_ms, sum(h.answered_waits) AS answered_waits,
        sum(h.answered_in_target) AS answered_in_target, max(h.target_s) AS target_s, max(h.longest_wait_ms) AS longest_wait_ms,
        toInt64(toUnixTimestamp(toDateTime(local_day, 'UTC'))) AS at
    FROM hourly_calls AS h FINAL
    GROUP BY utc_day, local_day, integration
) AS d
ASOF LEFT JOIN live_offsets AS z ON toString(d.integration) = z.integration AND d.at >= z.local_since
SETTINGS join_use_nulls = 0
