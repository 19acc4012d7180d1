INSERT INTO hourly_starts
(
    started_at, integration, first_call_at, last_call_at, version, is_deleted
)
SELECT
    started_at, integration, first_call_at, last_call_at, {version} AS version, 0 AS is_deleted
FROM live_hourly_starts
WHERE started_at >= {from} AND started_at < {to};

-- What it has in the span and was not written anew is no more.
INSERT INTO hourly_starts ({columns}, version, is_deleted)
SELECT {columns}, {version} AS version, 1 AS is_deleted
FROM hourly_starts AS t FINAL
WHERE t.version < {version} AND started_at >= {from} AND started_at < {to};
