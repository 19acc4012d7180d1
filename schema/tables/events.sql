-- Each distinct notification once, its body as it came. Nothing of the receive
-- time is in the key, so that a later delivery of the same notification falls
-- onto the same row; first_wins falls as the receive time grows, so that the
-- earliest delivery is the one that stays. received_at is computed from it: a
-- column of its own would take 4 bytes an event more and say nothing new.
-- A million realistic events of 474 bytes take 52 bytes each on disk, merged:
-- body 37, event_id 8, first_wins 3.5, group_id 2, state 0.6.
--
-- A call is read whole by its id, and ids are hashes: a thousand calls lie in a
-- thousand granules, whose bodies are unpacked for them. 256 rows instead of
-- 1024 cost 1.9 bytes an event and unpack a quarter.
CREATE TABLE IF NOT EXISTS events
(
    integration LowCardinality(String),
    group_id    UInt64 COMMENT '0: an event of no call',
    event_id    UInt64 CODEC(NONE),
    first_wins  UInt64 COMMENT '9999999999999 - unix milliseconds of the receive time' CODEC(T64, ZSTD(1)),
    received_at DateTime64(3, 'UTC') ALIAS fromUnixTimestamp64Milli(9999999999999 - toInt64(first_wins), 'UTC'),
    kind        LowCardinality(String) COMMENT 'call, directory or unknown',
    state       LowCardinality(String),
    body        String CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(first_wins)
ORDER BY (integration, group_id, event_id)
SETTINGS index_granularity = 256, fsync_after_insert = 1, fsync_part_directory = 1;

-- The deriver's feed: which call got an event, and when the server took it in.
-- A delivery again touches again, which costs one derivation and changes
-- nothing. No deduplication of inserts here or on events: an insert that failed
-- half-way (the event stored, the touch not) must touch when it is repeated.
CREATE TABLE IF NOT EXISTS touched
(
    inserted_at DateTime64(6, 'UTC'),
    integration LowCardinality(String),
    group_id    UInt64
)
ENGINE = MergeTree
PARTITION BY toYYYYMMDD(inserted_at)
ORDER BY (inserted_at, integration, group_id)
TTL toDateTime(inserted_at) + INTERVAL 30 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS touched_by_events TO touched AS
SELECT DISTINCT now64(6, 'UTC') AS inserted_at, integration, group_id
FROM events
WHERE group_id != 0;
