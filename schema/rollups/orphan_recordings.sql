-- Of the recordings that {which} chooses: those whose call is not known, and what is
-- no orphan any more.
INSERT INTO orphan_recordings (integration, recording_id, version, is_deleted)
SELECT integration, recording_id, {version} AS version, owned AS is_deleted
FROM
(
    SELECT integration, recording_id,
        state = 'erased' OR (integration, group_id) IN (
            SELECT integration, group_id FROM call_keys
            WHERE (integration, group_id) IN (SELECT integration, group_id FROM recordings WHERE {which})) AS owned
    FROM recordings FINAL WHERE {which}
)
WHERE owned = ((integration, recording_id) IN (SELECT integration, recording_id FROM orphan_recordings FINAL));
