-- The catalogue: one row per recording. version orders the states, so that a
-- late announcement or a second worker's 404 never overwrites "archived".
-- An archived one takes 172 bytes on disk: sha256 32, platform_leg_id 27,
-- platform_call_id 26, url 22, key 19, recording_id 16, group_id 8. ZSTD finds that
-- hex digits have four bits each, where LZ4 finds nothing: with it a row takes 300.
-- To unpack it whole takes 0.8 µs and not 0.4, which a page of 5000 hardly shows.
-- Binary columns with a hexadecimal alias were rejected: they save 0.3 bytes more, and
-- SELECT * would show the digits no longer.
-- Recordings are looked up by id, and ids are hashes: blocks of a granule's size are
-- unpacked for one, not of 64 KiB.
CREATE TABLE IF NOT EXISTS recordings
(
    integration      LowCardinality(String),
    recording_id     String COMMENT '32 hex digits of (integration, link without its signature)' CODEC(ZSTD(1)),
    state            LowCardinality(String) COMMENT 'announced, retrying, missing, refused, expired, quarantined, archived or erased',
    url              String CODEC(ZSTD(1)),
    group_id         UInt64 COMMENT 'calls.group_id',
    platform_call_id String CODEC(ZSTD(1)),
    platform_leg_id  String CODEC(ZSTD(1)),
    account_id       LowCardinality(String) CODEC(ZSTD(1)),
    sha256           String COMMENT 'of the stored bytes, lower-case hex' CODEC(ZSTD(1)),
    size             UInt64 COMMENT 'bytes' CODEC(T64, ZSTD(1)),
    duration_ms      UInt32 CODEC(ZSTD(1)),
    announced_at     DateTime64(3, 'UTC') COMMENT 'when its announcement was first received' CODEC(T64, ZSTD(1)),
    expires_at       DateTime64(3, 'UTC') COMMENT 'estimate of when the operator deletes it' CODEC(ZSTD(1)),
    bucket           LowCardinality(String),
    key              String CODEC(ZSTD(1)),
    reason           String COMMENT 'what there is to explain, in English; written from the columns behind it and never read' CODEC(ZSTD(1)),
    attempt          UInt32 COMMENT 'tries made',
    next_attempt_at  Nullable(DateTime64(3, 'UTC')),
    archived_at      Nullable(DateTime64(3, 'UTC')) CODEC(T64, ZSTD(1)),
    -- What reason is written from, and what is decided by.
    reason_code        LowCardinality(String) COMMENT 'the first thing that reason says, in a word',
    failed_host        String COMMENT 'of the last try: the server that it failed at' CODEC(ZSTD(1)),
    http_status        UInt16 COMMENT 'of the last try: what the server answered; 0: nothing',
    got_bytes          UInt64 COMMENT 'of the last try: bytes that came' CODEC(T64, ZSTD(1)),
    want_bytes         UInt64 COMMENT 'of the last try: bytes that were announced; of too_large our limit' CODEC(T64, ZSTD(1)),
    own_failures       UInt32 COMMENT 'of own_failure: how often Fonoteka itself failed',
    denied_at          Nullable(DateTime64(3, 'UTC')) COMMENT 'when the server said after the end of all tries that there is no such file; it is asked once more a day later' CODEC(T64, ZSTD(1)),
    given_up_at        Nullable(DateTime64(3, 'UTC')) COMMENT 'when it said so again and the recording was given up' CODEC(T64, ZSTD(1)),
    kept_attempt       UInt32 COMMENT 'the try that brought the damaged audio under key; 0: none is kept',
    unmeasured         Bool COMMENT 'the server did not say how long the file is',
    proxied            Bool COMMENT 'a proxy said (203) that it has changed the file on its way',
    mismatched_talk_ms UInt32 COMMENT 'talk of its call as known when it was archived, where the recording plays for another time; 0: it does not',
    copy_of            String COMMENT 'recording of the same call, announced before, whose link has the same path and brought the same file; empty: none' CODEC(ZSTD(1)),
    conflicts          UInt32 COMMENT 'different files that are kept beside this one',
    fault              LowCardinality(String) COMMENT 'what the last check found wrong: altered, absent or unreadable; empty: nothing',
    fault_part         LowCardinality(String) COMMENT 'of which: recording or sidecar',
    fault_at           Nullable(DateTime64(3, 'UTC')) COMMENT 'when that was found first' CODEC(T64, ZSTD(1)),
    last_good_at       Nullable(DateTime64(3, 'UTC')) COMMENT 'when it was known to be right last' CODEC(T64, ZSTD(1)),
    found_sha256       String COMMENT 'of the recording as it was found; empty: it could not be read' CODEC(ZSTD(1)),
    found_size         UInt64 COMMENT 'likewise, bytes' CODEC(T64, ZSTD(1)),
    former_key         String COMMENT 'object that was named before, where this one is a copy of it; empty: this is the first' CODEC(ZSTD(1)),
    former_fault       LowCardinality(String) COMMENT 'what that was found with: altered, absent or unreadable',
    former_at          Nullable(DateTime64(3, 'UTC')) COMMENT 'when' CODEC(T64, ZSTD(1)),
    note               String COMMENT 'words of a sidecar of form 1, for people' CODEC(ZSTD(1)),
    version          UInt64 CODEC(T64, ZSTD(1)),
    updated_at       DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') CODEC(ZSTD(1)),
    -- Finds what is still to be fetched without reading what is archived.
    INDEX by_state state TYPE set(8) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (integration, recording_id)
SETTINGS index_granularity = 256, min_compress_block_size = 16384, max_compress_block_size = 16384,
    fsync_after_insert = 1, fsync_part_directory = 1;

-- Which calls name a recording: one, unless two have one link. Filled by the server
-- itself, as catalogued rows show the first call alone.
CREATE TABLE IF NOT EXISTS recording_calls
(
    integration  LowCardinality(String),
    recording_id FixedString(16) COMMENT 'recordings.recording_id, as bytes',
    group_id     UInt64 COMMENT 'of a call that names it',
    announced_at SimpleAggregateFunction(min, DateTime) COMMENT 'when it first did' CODEC(Delta, ZSTD(1))
)
ENGINE = AggregatingMergeTree
ORDER BY (integration, recording_id, group_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS recording_calls_named TO recording_calls AS
SELECT integration, toFixedString(substring(unhex(recording_id), 1, 16), 16) AS recording_id, group_id, toDateTime(announced_at) AS announced_at
FROM recordings
WHERE state = 'announced' AND group_id != 0;

-- The chain of custody: only ever added to. The whole row is the key, so that
-- a step that is written again because its answer was lost stays one step. It is
-- sealed by written_on, not by at: a step may be written long after its own time, as
-- after an outage, but nothing is written on a day that is over. written_on is in the
-- key, so that what was sealed stays a row of its own where the same step is written
-- again on a later day.
-- A step takes 12 bytes on disk, with the codecs of the server 21: as every
-- recording is checked each month, this becomes the table with the most rows.
CREATE TABLE IF NOT EXISTS custody
(
    integration  LowCardinality(String),
    recording_id String CODEC(ZSTD(1)),
    at           DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    step         LowCardinality(String),
    attempt      UInt32 CODEC(T64, ZSTD(1)),
    sha256       String CODEC(ZSTD(1)),
    detail       String CODEC(ZSTD(1)),
    written_on   Date COMMENT 'day on which the step was written (UTC); 1970-01-01: before days were noted' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY (integration, recording_id, at, step, attempt, sha256, detail, written_on)
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
SELECT integration, recording_id, state, url, group_id, platform_call_id, platform_leg_id, account_id, sha256, size, duration_ms,
    announced_at, expires_at, bucket, key, reason, attempt, next_attempt_at, archived_at,
    reason_code, failed_host, http_status, got_bytes, want_bytes, own_failures, denied_at, given_up_at, kept_attempt, note,
    version, toUInt8(0) AS is_deleted
FROM recordings
WHERE state NOT IN ('archived', 'erased');

-- Of what is settled only the key and the version.
CREATE MATERIALIZED VIEW IF NOT EXISTS recordings_settled TO recordings_open AS
SELECT integration, recording_id, state, version, toUInt8(1) AS is_deleted
FROM recordings
WHERE state IN ('archived', 'erased');
