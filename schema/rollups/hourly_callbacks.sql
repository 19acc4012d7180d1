-- The hours of the span, and those before it with a missed call that was written
-- with it: so it comes after missed_calls.
INSERT INTO hourly_callbacks
(
    started_at, integration, external_number, local_hour, working, local_day, weekday, missed, hidden,
    called_back, came_back, open_until, attempted, attempted_in_15m, attempted_in_60m, to_callback_ms,
    to_close_ms, version, is_deleted
)
SELECT
    started_at, integration, external_number, local_hour, working, local_day, weekday, missed, hidden,
    called_back, came_back, open_until, attempted, attempted_in_15m, attempted_in_60m, to_callback_ms,
    to_close_ms, {version} AS version, 0 AS is_deleted
FROM live_hourly_callbacks
WHERE started_at >= {back} AND started_at < {to} AND (started_at >= {from} OR started_at IN (
    SELECT toStartOfHour(started_at) FROM missed_calls WHERE started_at >= {back} AND started_at < {from} AND version = {version}))
SETTINGS max_partitions_per_insert_block = 0;

-- What it has in the span and was not written anew is no more.
INSERT INTO hourly_callbacks ({columns}, version, is_deleted)
SELECT {columns}, {version} AS version, 1 AS is_deleted
FROM hourly_callbacks AS t FINAL
WHERE t.version < {version} AND (started_at >= {back} AND started_at < {to} AND (started_at >= {from} OR started_at IN (
    SELECT toStartOfHour(started_at) FROM missed_calls WHERE started_at >= {back} AND started_at < {from} AND version = {version})));
