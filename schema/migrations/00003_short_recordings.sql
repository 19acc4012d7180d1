-- Recordings that play for less than their talk took are fetched again: rows that say
-- archived, with a next attempt, are open as well.
-- +goose NO TRANSACTION
-- +goose Up
ALTER TABLE recordings
    ADD COLUMN IF NOT EXISTS short_talk_ms UInt32 COMMENT 'talk of its leg, by the CDR, of which an archived one plays less than nine tenths, and 5 s less; 0: it does not' AFTER mismatched_talk_ms,
    ADD COLUMN IF NOT EXISTS short_since Nullable(DateTime64(3, 'UTC')) COMMENT 'when that was found first' CODEC(T64, ZSTD(1)) AFTER short_talk_ms,
    ADD COLUMN IF NOT EXISTS short_confirmed_at Nullable(DateTime64(3, 'UTC')) COMMENT 'when the operator''s server gave the same file again' CODEC(T64, ZSTD(1)) AFTER short_since;

ALTER TABLE recordings_open ADD COLUMN IF NOT EXISTS short_talk_ms UInt32 AFTER kept_attempt;

DROP VIEW IF EXISTS recordings_opened SYNC;

CREATE MATERIALIZED VIEW IF NOT EXISTS recordings_opened TO recordings_open AS
SELECT integration, recording_id, state, url, group_id, platform_call_id, platform_leg_id, account_id, sha256, size, duration_ms,
    announced_at, expires_at, bucket, key, format, reason, attempt, next_attempt_at, archived_at,
    reason_code, failed_host, http_status, got_bytes, want_bytes, own_failures, failed_format, denied_at, given_up_at, kept_attempt, short_talk_ms, note,
    version, toUInt8(0) AS is_deleted
FROM recordings
WHERE state NOT IN ('archived', 'erased') OR state = 'archived' AND isNotNull(next_attempt_at);

DROP VIEW IF EXISTS recordings_settled SYNC;

-- Of what is settled only the key and the version.
CREATE MATERIALIZED VIEW IF NOT EXISTS recordings_settled TO recordings_open AS
SELECT integration, recording_id, state, version, toUInt8(1) AS is_deleted
FROM recordings
WHERE state = 'erased' OR state = 'archived' AND isNull(next_attempt_at);

-- What was inserted while there was no view.
INSERT INTO recordings_open (integration, recording_id, state, url, group_id, platform_call_id, platform_leg_id, account_id, sha256, size, duration_ms,
    announced_at, expires_at, bucket, key, format, reason, attempt, next_attempt_at, archived_at,
    reason_code, failed_host, http_status, got_bytes, want_bytes, own_failures, failed_format, denied_at, given_up_at, kept_attempt, short_talk_ms, note,
    version, is_deleted)
SELECT integration, recording_id, state, url, group_id, platform_call_id, platform_leg_id, account_id, sha256, size, duration_ms,
    announced_at, expires_at, bucket, key, format, reason, attempt, next_attempt_at, archived_at,
    reason_code, failed_host, http_status, got_bytes, want_bytes, own_failures, failed_format, denied_at, given_up_at, kept_attempt, short_talk_ms, note,
    version, toUInt8(state = 'erased' OR state = 'archived' AND isNull(next_attempt_at))
FROM recordings FINAL
WHERE if(state = 'erased' OR state = 'archived' AND isNull(next_attempt_at),
    (integration, recording_id) IN (SELECT integration, recording_id FROM recordings_open FINAL),
    (integration, recording_id, version) NOT IN (SELECT integration, recording_id, version FROM recordings_open FINAL));
