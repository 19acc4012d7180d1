-- Of the catalogue it reads what the span's calls name.
INSERT INTO hourly_recordings
(
    started_at, integration, external_number, local_hour, working, local_day, weekday, answered, recorded,
    not_recorded, recordings, archived, waiting, quarantined, lost, erased, bytes, version, is_deleted
)
SELECT
    toStartOfHour(c.started_at) AS started_at, c.integration AS integration, c.external_number AS external_number,
    c.local_hour AS local_hour, c.working AS working, c.local_day AS local_day, c.weekday AS weekday,
    uniqExact(c.call_id) AS answered,
    uniqExactIf(c.call_id, c.recording_id != '') AS recorded,
    uniqExactIf(c.call_id, c.recording_id = '') AS not_recorded,
    countIf(c.recording_id != '' AND r.copy_of = '') AS recordings,
    countIf(r.state = 'archived' AND r.copy_of = '') AS archived,
    countIf(c.recording_id != '' AND r.state NOT IN ('archived', 'quarantined', 'expired', 'erased')) AS waiting,
    countIf(r.state = 'quarantined' AND isNotNull(r.next_attempt_at)) AS quarantined,
    countIf(r.state = 'expired' OR r.state = 'quarantined' AND isNull(r.next_attempt_at)) AS lost,
    countIf(r.state = 'erased') AS erased,
    sumIf(r.size, r.state = 'archived' AND r.copy_of = '') AS bytes,
    {version} AS version, 0 AS is_deleted
FROM
(
    SELECT started_at, integration, external_number, call_id, local_hour, working, local_day, weekday, recording_id
    FROM report_calls LEFT ARRAY JOIN recordings AS recording_id
    WHERE started_at >= {from} AND started_at < {to} AND outcome = 'answered' AND direction IN ('incoming', 'outgoing') AND talk_ms > 0
) AS c
LEFT JOIN
(
    SELECT integration, recording_id, state, size, copy_of, next_attempt_at FROM recordings FINAL
    WHERE (integration, recording_id) IN (
        SELECT integration, arrayJoin(recordings) FROM calls FINAL WHERE started_at >= {from} AND started_at < {to})
) AS r ON c.integration = r.integration AND c.recording_id = r.recording_id
GROUP BY started_at, c.integration, c.external_number, c.local_hour, c.working, c.local_day, c.weekday
SETTINGS join_use_nulls = 0;

-- What it has in the span and was not written anew is no more.
INSERT INTO hourly_recordings ({columns}, version, is_deleted)
SELECT {columns}, {version} AS version, 1 AS is_deleted
FROM hourly_recordings AS t FINAL
WHERE t.version < {version} AND started_at >= {from} AND started_at < {to};
