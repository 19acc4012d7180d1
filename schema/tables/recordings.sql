-- The catalogue: one row per recording. version orders the states, so that a
-- late announcement or a second worker's 404 never overwrites "archived".
CREATE TABLE IF NOT EXISTS recordings
(
    integration      LowCardinality(String),
    recording_id     String COMMENT '32 hex digits of (integration, link without its query)',
    state            LowCardinality(String) COMMENT 'announced, retrying, missing, refused, expired, quarantined, archived or erased',
    url              String,
    group_id         UInt64 COMMENT 'calls.group_id',
    platform_call_id String,
    platform_leg_id  String,
    account_id       LowCardinality(String),
    sha256           String COMMENT 'of the stored bytes, lower-case hex',
    size             UInt64 COMMENT 'bytes',
    duration_ms      UInt32,
    announced_at     DateTime64(3, 'UTC') COMMENT 'when its announcement was first received',
    expires_at       DateTime64(3, 'UTC') COMMENT 'estimate of when the operator deletes it',
    bucket           LowCardinality(String),
    key              String,
    reason           String COMMENT 'why it is not archived',
    attempt          UInt32 COMMENT 'tries made',
    next_attempt_at  Nullable(DateTime64(3, 'UTC')),
    archived_at      Nullable(DateTime64(3, 'UTC')),
    version          UInt64,
    updated_at       DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),
    -- Finds what is still to be fetched without reading what is archived.
    INDEX by_state state TYPE set(8) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (integration, recording_id)
SETTINGS index_granularity = 256, fsync_after_insert = 1, fsync_part_directory = 1;

-- The chain of custody: only ever added to. The whole row is the key, so that
-- a step that is written again because its answer was lost stays one step.
CREATE TABLE IF NOT EXISTS custody
(
    integration  LowCardinality(String),
    recording_id String,
    at           DateTime64(3, 'UTC'),
    step         LowCardinality(String),
    attempt      UInt32,
    sha256       String,
    detail       String
)
ENGINE = ReplacingMergeTree
ORDER BY (integration, recording_id, at, step, attempt, sha256, detail)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1;

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
    group_id         UInt64,
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
    version          UInt64,
    is_deleted       UInt8
)
ENGINE = ReplacingMergeTree(version, is_deleted)
ORDER BY (integration, recording_id)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1,
    allow_experimental_replacing_merge_with_cleanup = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS recordings_opened TO recordings_open AS
SELECT integration, recording_id, state, url, group_id, platform_call_id, platform_leg_id, account_id, sha256, size, duration_ms,
    announced_at, expires_at, bucket, key, reason, attempt, next_attempt_at, archived_at, version, toUInt8(0) AS is_deleted
FROM recordings
WHERE state NOT IN ('archived', 'erased');

-- Of what is settled only the key and the version.
CREATE MATERIALIZED VIEW IF NOT EXISTS recordings_settled TO recordings_open AS
SELECT integration, recording_id, state, version, toUInt8(1) AS is_deleted
FROM recordings
WHERE state IN ('archived', 'erased');
