INSERT INTO hourly_departments
(
    started_at, integration, department, local_hour, working, local_day, weekday, received, answered, missed,
    short_abandons, nowhere, outgoing, reached, transfers, incoming_talk_ms, outgoing_talk_ms, version,
    is_deleted
)
SELECT
    started_at, integration, department, local_hour, working, local_day, weekday, received, answered, missed,
    short_abandons, nowhere, outgoing, reached, transfers, incoming_talk_ms, outgoing_talk_ms, {version} AS
    version, 0 AS is_deleted
FROM live_hourly_departments
WHERE started_at >= {from} AND started_at < {to};

-- What it has in the span and was not written anew is no more.
INSERT INTO hourly_departments ({columns}, version, is_deleted)
SELECT {columns}, {version} AS version, 1 AS is_deleted
FROM hourly_departments AS t FINAL
WHERE t.version < {version} AND started_at >= {from} AND started_at < {to};
