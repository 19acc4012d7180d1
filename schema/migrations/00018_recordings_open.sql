-- +goose NO TRANSACTION
-- +goose Up

-- What is announced and not stored: of millions of recordings the few that
-- somebody must still care for, and those that are lost. The server itself keeps
-- it from recordings, whoever writes there, under the same key and version, so
-- that here, too, the highest version holds. What is archived or erased has
-- is_deleted = 1 here and is cleaned away now and then. After that a late and
-- lower version may show up again: who acts on a row asks recordings first.
CREATE TABLE IF NOT EXISTS recordings_open
(
    integration      LowCardinality(String),
    recording_id     String,
    state            LowCardinality(String),
    url              String,
    call_id          UInt64,
    platform_call_id String,
    platform_leg_id  String,
    account_id       LowCardinality(String),
    sha256           String,
    size             UInt64,
    duration_ms      UInt32,
    announced_at     DateTime64(3, 'UTC'),
    expires_at       DateTime64(3, 'UTC'),
    bucket           LowCardinality(String),
    key              String,
    reason           String,
    attempt          UInt32,
    next_attempt_at  Nullable(DateTime64(3, 'UTC')),
    archived_at      Nullable(DateTime64(3, 'UTC')),
    -- As in recordings, but for what is said of archived ones alone.
    reason_code        LowCardinality(String),
    failed_host        String,
    http_status        UInt16,
    got_bytes          UInt64,
    want_bytes         UInt64,
    own_failures       UInt32,
    denied_at          Nullable(DateTime64(3, 'UTC')),
    given_up_at        Nullable(DateTime64(3, 'UTC')),
    kept_attempt       UInt32,
    note               String,
    version          UInt64,
    is_deleted       UInt8
)
ENGINE = ReplacingMergeTree(version, is_deleted)
ORDER BY (integration, recording_id)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1,
    allow_experimental_replacing_merge_with_cleanup = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS recordings_opened TO recordings_open AS
SELECT integration, recording_id, state, url, call_id, platform_call_id, platform_leg_id, account_id, sha256, size, duration_ms,
    announced_at, expires_at, bucket, key, reason, attempt, next_attempt_at, archived_at,
    reason_code, failed_host, http_status, got_bytes, want_bytes, own_failures, denied_at, given_up_at, kept_attempt, note, version, toUInt8(0) AS is_deleted
FROM recordings
WHERE state NOT IN ('archived', 'erased');

-- Of what is settled only the key and the version.
CREATE MATERIALIZED VIEW IF NOT EXISTS recordings_settled TO recordings_open AS
SELECT integration, recording_id, state, version, toUInt8(1) AS is_deleted
FROM recordings
WHERE state IN ('archived', 'erased');

-- What was there before. The views are older: nothing is missed between them.
INSERT INTO recordings_open
SELECT integration, recording_id, state, url, call_id, platform_call_id, platform_leg_id, account_id, sha256, size, duration_ms,
    announced_at, expires_at, bucket, key, reason, attempt, next_attempt_at, archived_at,
    reason_code, failed_host, http_status, got_bytes, want_bytes, own_failures, denied_at, given_up_at, kept_attempt, note, version, 0
FROM recordings FINAL
WHERE state NOT IN ('archived', 'erased');
