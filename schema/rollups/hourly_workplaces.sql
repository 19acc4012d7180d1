INSERT INTO hourly_workplaces
(
    started_at, integration, workplace, local_hour, working, local_day, weekday, rang, answered, missed,
    outgoing, reached, internal, transfers, incoming_talk_ms, outgoing_talk_ms, internal_talk_ms,
    answered_ring_ms, answered_rings, calls_received, calls_answered, calls_missed, calls_short_abandons,
    version, is_deleted
)
SELECT
    started_at, integration, workplace, local_hour, working, local_day, weekday, rang, answered, missed,
    outgoing, reached, internal, transfers, incoming_talk_ms, outgoing_talk_ms, internal_talk_ms,
    answered_ring_ms, answered_rings, calls_received, calls_answered, calls_missed, calls_short_abandons,
    {version} AS version, 0 AS is_deleted
FROM live_hourly_workplaces
WHERE started_at >= {from} AND started_at < {to};

-- What it has in the span and was not written anew is no more.
INSERT INTO hourly_workplaces ({columns}, version, is_deleted)
SELECT {columns}, {version} AS version, 1 AS is_deleted
FROM hourly_workplaces AS t FINAL
WHERE t.version < {version} AND started_at >= {from} AND started_at < {to};
