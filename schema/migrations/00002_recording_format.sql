-- Recordings are of any format: until here each was an mp3. What is in the bucket
-- already is one, which its key says.
-- +goose NO TRANSACTION
-- +goose Up
ALTER TABLE recordings ADD COLUMN IF NOT EXISTS format LowCardinality(String) DEFAULT if(key = '', '', 'mp3') COMMENT 'what the object is, and the extension of its key: mp3, mp2, mp1, wav, ogg, m4a or aac, and others in quarantine; empty: there is none' AFTER key;
ALTER TABLE recordings ADD COLUMN IF NOT EXISTS failed_format LowCardinality(String) COMMENT 'of the last try: what the damaged audio is that came; empty: none came' AFTER own_failures;
ALTER TABLE recordings ADD COLUMN IF NOT EXISTS text_before UInt32 COMMENT 'bytes of text before the audio, as of a server''s warning' AFTER proxied;

ALTER TABLE recordings_open ADD COLUMN IF NOT EXISTS format LowCardinality(String) DEFAULT if(key = '', '', 'mp3') COMMENT 'as in recordings' AFTER key;
ALTER TABLE recordings_open ADD COLUMN IF NOT EXISTS failed_format LowCardinality(String) COMMENT 'as in recordings' AFTER own_failures;

DROP VIEW IF EXISTS recordings_opened SYNC;
CREATE MATERIALIZED VIEW IF NOT EXISTS recordings_opened TO recordings_open AS
SELECT integration, recording_id, state, url, group_id, platform_call_id, platform_leg_id, account_id, sha256, size, duration_ms,
    announced_at, expires_at, bucket, key, format, reason, attempt, next_attempt_at, archived_at,
    reason_code, failed_host, http_status, got_bytes, want_bytes, own_failures, failed_format, denied_at, given_up_at, kept_attempt, note,
    version, toUInt8(0) AS is_deleted
FROM recordings
WHERE state NOT IN ('archived', 'erased');

-- What was written between the two.
INSERT INTO recordings_open (integration, recording_id, state, url, group_id, platform_call_id, platform_leg_id, account_id, sha256, size, duration_ms,
    announced_at, expires_at, bucket, key, format, reason, attempt, next_attempt_at, archived_at,
    reason_code, failed_host, http_status, got_bytes, want_bytes, own_failures, failed_format, denied_at, given_up_at, kept_attempt, note,
    version, is_deleted)
SELECT integration, recording_id, state, url, group_id, platform_call_id, platform_leg_id, account_id, sha256, size, duration_ms,
    announced_at, expires_at, bucket, key, format, reason, attempt, next_attempt_at, archived_at,
    reason_code, failed_host, http_status, got_bytes, want_bytes, own_failures, failed_format, denied_at, given_up_at, kept_attempt, note,
    version, toUInt8(0)
FROM recordings FINAL
WHERE state NOT IN ('archived', 'erased');
