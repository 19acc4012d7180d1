-- What this installation asked the operator to do with calls. It is written
-- before the operator is asked, and again with what came of it.
CREATE TABLE IF NOT EXISTS call_actions
(
    integration      LowCardinality(String),
    action_id        String,
    at               DateTime64(3, 'UTC') COMMENT 'when the operator was asked',
    kind             LowCardinality(String) COMMENT 'make, transfer or drop_leg',
    account_id       LowCardinality(String) COMMENT 'make: SIP id of the workplace that rings first',
    number           String COMMENT 'make and transfer: who is called; digits, or a SIP id',
    platform_call_id String COMMENT 'make: the Call-ID that the operator returned; else the leg''s Call-ID',
    outcome          LowCardinality(String) COMMENT 'begun, done, refused, failed or unknown',
    version          UInt64 COMMENT 'unix milliseconds of writing'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (integration, at, action_id)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1;

-- What belongs together under different ids: two calls that are one
-- conversation, or an action of ours and the call that it produced. Talk is not
-- moved between calls.
CREATE TABLE IF NOT EXISTS call_links
(
    integration       LowCardinality(String),
    kind              LowCardinality(String) COMMENT 'own: the action made this call; click_to_call: both legs of a makeCall of ours; transfer: by our transferCall; forwarded: by the operator''s own means',
    call_id           UInt64 COMMENT 'the earlier call',
    started_at        DateTime64(3, 'UTC') COMMENT 'the earlier call''s',
    linked_call_id    UInt64 COMMENT 'the later call; own: 0',
    linked_started_at DateTime64(3, 'UTC') COMMENT 'the later call''s; own: the action''s time',
    action_id         String COMMENT 'of call_actions; forwarded: empty',
    confidence        LowCardinality(String) COMMENT 'certain: the operator returned this call''s id to our makeCall; inferred: the only one that fits',
    evidence          String COMMENT 'why, in words',
    version           UInt64 COMMENT 'unix milliseconds of writing',
    is_deleted        UInt8
)
ENGINE = ReplacingMergeTree(version, is_deleted)
ORDER BY (integration, started_at, call_id, linked_call_id, kind)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1;

-- What this installation told the operator to park: the operator cannot be asked.
CREATE TABLE IF NOT EXISTS parking
(
    integration LowCardinality(String),
    number      String COMMENT 'external number, digits',
    at          DateTime64(3, 'UTC') COMMENT 'when the operator was asked',
    parked      Bool,
    outcome     LowCardinality(String) COMMENT 'done; unknown: it may have been',
    raw         String COMMENT 'the number as it was sent',
    version     UInt64 COMMENT 'unix milliseconds of writing'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (integration, number, at)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1;
