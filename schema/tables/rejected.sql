-- What came in and could not be used, as it came, with the reason; replayed_at
-- tells that it was put through again and taken.
CREATE TABLE IF NOT EXISTS rejected
(
    integration      LowCardinality(String),
    rejected_id      UInt64,
    received_at      DateTime64(3, 'UTC'),
    reason           LowCardinality(String),
    detail           String,
    content_type     LowCardinality(String),
    content_encoding LowCardinality(String),
    body             String COMMENT 'raw bytes, perhaps cut' CODEC(ZSTD(1)),
    replayed_at      Nullable(DateTime64(3, 'UTC')),
    version          UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (integration, rejected_id)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1;

-- Where a reader of the warehouse stands. It belongs to the installation, not
-- to one integration, so that its key has none.
CREATE TABLE IF NOT EXISTS progress
(
    name       String,
    position   String,
    version    UInt64,
    updated_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(version)
ORDER BY name
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
