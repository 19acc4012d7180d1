-- Who did what: shipped from the writers' own files (DIR/audit), which are the
-- record; only ever added to. Each writer's rows are a chain: hash covers the
-- row and prev_hash. The hash is part of the key, so that a row that somebody
-- forged stays beside the true one and both are found.
CREATE TABLE IF NOT EXISTS audit
(
    writer      LowCardinality(String) COMMENT 'the data folder that wrote it, by a random name',
    seq         UInt64 COMMENT 'from 1, without a gap, per writer' CODEC(Delta(8), ZSTD(1)),
    at          DateTime64(3, 'UTC') COMMENT 'never goes back within a writer' CODEC(Delta(8), ZSTD(1)),
    actor       LowCardinality(String) COMMENT 'the system''s user, or who was named with --as',
    action      LowCardinality(String) COMMENT 'call.make, recording.listen, directory.import, …',
    integration LowCardinality(String) COMMENT 'empty: none',
    target      String COMMENT 'what it was done to; phone numbers are masked' CODEC(ZSTD(1)),
    outcome     LowCardinality(String) COMMENT 'begun, done, refused, failed or unknown',
    detail      String COMMENT 'no personal data' CODEC(ZSTD(1)),
    prev_hash   String COMMENT 'hash of the row before, empty in the first' CODEC(ZSTD(1)),
    encoding    UInt8 COMMENT 'version of the encoding that hash covers',
    hash        String COMMENT 'SHA-256, lower-case hex' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY (writer, seq, integration, hash)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1;
