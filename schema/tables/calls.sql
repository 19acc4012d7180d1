-- One row per call and start. A call is written anew with a higher version when
-- it changes; when its start moves, the row under the old start is written once
-- more with is_deleted = 1. Read it with FINAL (or final = 1).
-- Granules of 1024 rows read single calls twice as fast as the usual 8192, and
-- whole months no slower.
-- The key falls as started_at rises, so that ORDER BY started_at DESC reads
-- forwards and ends where LIMIT does: under FINAL the server (26.7) cannot read
-- backwards, and its own descending keys are an experiment to it
-- (allow_experimental_reverse_key). started_at is in the key as well, since the
-- server merges months apart only where the partition follows from the key.
-- A call takes 121 bytes on disk and a leg 83. ZSTD over ids and numbers as they came would
-- save 35 and 22 of them, and was rejected: reading whole calls or legs then takes 30 %
-- more processor time, and single calls by their key 15 %.
-- Times: answered_at is null if nobody answered or only a duration tells so;
-- ended_at is null while the call goes on, and where it was missed and nobody
-- knows when it ended. A null ring_ms or wait_ms: not known.
CREATE TABLE IF NOT EXISTS calls
(
    integration          LowCardinality(String),
    call_id              UInt64,
    group_id             UInt64 COMMENT 'events.group_id of its notifications',
    platform_call_id     String COMMENT 'the operator''s id without its leg suffix',
    direction            LowCardinality(String) COMMENT 'incoming, outgoing, internal or unknown',
    outcome              LowCardinality(String) COMMENT 'answered, missed, abandoned, no_answer or unknown',
    client_number        String COMMENT 'digits; empty: hidden or not a number',
    client_number_raw    String COMMENT 'as it came',
    external_number      LowCardinality(String) COMMENT 'digits',
    external_number_raw  LowCardinality(String) COMMENT 'as it came',
    account_id           LowCardinality(String) COMMENT 'the terminal of ours that talked first, else rang first',
    caller               LowCardinality(String) COMMENT 'of an internal call: the account that called',
    caller_extension     LowCardinality(String) COMMENT 'of an internal call, as announced',
    caller_name          LowCardinality(String) COMMENT 'of an internal call, as announced',
    callee               LowCardinality(String) COMMENT 'of an internal call: the account that was called first',
    callee_extension     LowCardinality(String) COMMENT 'of an internal call, as announced or dialled',
    callee_name          LowCardinality(String) COMMENT 'of an internal call, as announced',
    hung_up              LowCardinality(String) COMMENT 'us, client or unknown',
    newest               Decimal64(3) MATERIALIZED -CAST(started_at, 'Decimal64(3)') COMMENT 'started_at, negated: the key begins with it' CODEC(Delta(8), ZSTD(1)),
    started_at           DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    answered_at          Nullable(DateTime64(3, 'UTC')) CODEC(Delta(8), ZSTD(1)),
    ended_at             Nullable(DateTime64(3, 'UTC')) CODEC(Delta(8), ZSTD(1)),
    ring_ms              Nullable(UInt32) CODEC(T64, ZSTD(1)),
    wait_ms              Nullable(UInt32) CODEC(T64, ZSTD(1)),
    talk_ms              UInt32 CODEC(T64, ZSTD(1)),
    attendant_ms         UInt32 COMMENT 'in which an automaton talked, no person' CODEC(T64, ZSTD(1)),
    recordings           Array(String) COMMENT 'recording ids',
    transfers            UInt16 COMMENT 'accounts that connected, less one',
    legs                 UInt16,
    events               UInt32 COMMENT 'distinct notifications it is made of',
    partial              Bool COMMENT 'no end was announced for long: ended by inference',
    start_inexact        Bool COMMENT 'started_at is a receive time',
    end_inexact          Bool COMMENT 'the end rests on receive times, or is unknown because of them',
    talk_inexact         Bool COMMENT 'talk_ms rests on receive times',
    answered_by_duration Bool COMMENT 'known to be answered by a duration only',
    bad_times            Bool COMMENT 'some time could not be read',
    version              UInt64,
    is_deleted           UInt8,
    -- Finds the calls that go on without reading the rest of history.
    INDEX still_open isNull(ended_at) TYPE minmax GRANULARITY 1,
    -- Serves filters on the start, which is not first in the key.
    INDEX started started_at TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(started_at)
ORDER BY (newest, started_at, integration, call_id)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1,
    min_age_to_force_merge_seconds = 86400, min_age_to_force_merge_on_partition_only = 1;

-- One row per leg of a call. started_at is the start of the call, so that a
-- leg's rows lie where its call's lie.
CREATE TABLE IF NOT EXISTS legs
(
    integration      LowCardinality(String),
    call_id          UInt64,
    leg_id           UInt64,
    platform_leg_id  String COMMENT 'the Call-ID as it came',
    kind             LowCardinality(String) COMMENT 'parking, workplace, attendant or forwarded',
    account_id       LowCardinality(String) COMMENT 'terminal, or the external number of a parking leg',
    type             LowCardinality(String) COMMENT 'incoming, outgoing, or what came',
    caller           LowCardinality(String) COMMENT 'of an internal call: the account that calls',
    caller_extension LowCardinality(String),
    caller_name      LowCardinality(String) COMMENT 'as announced',
    callee           LowCardinality(String) COMMENT 'of an internal call: the account that is called',
    callee_extension LowCardinality(String),
    callee_name      LowCardinality(String) COMMENT 'as announced',
    started_at       DateTime64(3, 'UTC') COMMENT 'start of the call' CODEC(Delta(8), ZSTD(1)),
    leg_started_at   Nullable(DateTime64(3, 'UTC')) CODEC(Delta(8), ZSTD(1)),
    leg_answered_at  Nullable(DateTime64(3, 'UTC')) CODEC(Delta(8), ZSTD(1)),
    leg_ended_at     Nullable(DateTime64(3, 'UTC')) CODEC(Delta(8), ZSTD(1)),
    ring_ms          Nullable(UInt32) CODEC(T64, ZSTD(1)),
    talk_ms          UInt32 CODEC(T64, ZSTD(1)),
    answered         Bool,
    talk_inexact     Bool,
    finished         Bool COMMENT 'its end was announced',
    reason           LowCardinality(String),
    reason_code      LowCardinality(String),
    tag              String,
    transport_id     LowCardinality(String),
    events           UInt32,
    version          UInt64,
    is_deleted       UInt8
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(started_at)
ORDER BY (started_at, integration, call_id, leg_id)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1,
    min_age_to_force_merge_seconds = 86400, min_age_to_force_merge_on_partition_only = 1;

-- Every (start, call) under which rows of calls and legs may ever have been
-- written, by the group of notifications that they come from. A key is written
-- before its rows, so that whoever writes a call finds every row it must
-- replace. A key without a row is harmless.
CREATE TABLE IF NOT EXISTS call_keys
(
    integration LowCardinality(String),
    group_id    UInt64,
    started_at  DateTime64(3, 'UTC'),
    call_id     UInt64
)
ENGINE = ReplacingMergeTree
ORDER BY (integration, group_id, started_at, call_id)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1;

-- The calls of a client, found by number. A row here is written with its call's,
-- not by a view: a view's part that failed would be missing for good, since a
-- call that changes nothing is not written again. Where a call's client number
-- changed, the old number's row is written once more with is_deleted = 1.
CREATE TABLE IF NOT EXISTS calls_by_client
(
    integration     LowCardinality(String),
    client_number   String,
    started_at      DateTime64(3, 'UTC'),
    call_id         UInt64,
    direction       LowCardinality(String),
    outcome         LowCardinality(String),
    external_number LowCardinality(String),
    account_id      LowCardinality(String),
    talk_ms         UInt32 CODEC(T64, ZSTD(1)),
    version         UInt64,
    is_deleted      UInt8
)
ENGINE = ReplacingMergeTree(version, is_deleted)
ORDER BY (integration, client_number, started_at, call_id)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1;
