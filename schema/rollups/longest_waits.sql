-- live_longest_waits of a span: a view with LIMIT BY would read all calls for it.
INSERT INTO longest_waits
(
    started_at, integration, call_id, local_time, working, client_number, external_number, workplace, outcome,
    wait_ms, version, is_deleted
)
SELECT
    started_at, integration, call_id, local_time, working, client_number, external_number, workplace, outcome,
    wait_ms, {version} AS version, 0 AS is_deleted
FROM live_waits
WHERE started_at >= {from} AND started_at < {to}
ORDER BY wait_ms DESC, call_id
LIMIT 20 BY toDate(started_at), integration, external_number;

-- What it has in the span and was not written anew is no more.
INSERT INTO longest_waits ({columns}, version, is_deleted)
SELECT {columns}, {version} AS version, 1 AS is_deleted
FROM longest_waits AS t FINAL
WHERE t.version < {version} AND started_at >= {from} AND started_at < {to};
