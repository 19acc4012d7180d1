-- Packages that were exported, and what the salts of custody chains are made from.

-- +goose NO TRANSACTION
-- +goose Up
CREATE TABLE IF NOT EXISTS exports
(
    export_id    String COMMENT 'the first 16 digits of query_sha256',
    at           DateTime64(3, 'UTC') COMMENT 'when the selection was fixed' CODEC(Delta(8), ZSTD(1)),
    actor        LowCardinality(String) COMMENT 'who asked for it, as in audit',
    case_name    String COMMENT 'as in the audit' CODEC(ZSTD(1)),
    reason       String COMMENT 'in words; stands in no chain of hashes, so that it can be erased' CODEC(ZSTD(1)),
    destination  String COMMENT 'where to: a path; -: into a pipe' CODEC(ZSTD(1)),
    state        LowCardinality(String) COMMENT 'begun or done',
    calls        UInt64,
    unanswered   UInt64 COMMENT 'of them, answered by nobody',
    recordings   UInt64 COMMENT 'that the calls name',
    files        UInt64 COMMENT 'of recordings, in the package',
    missing      UInt64 COMMENT 'rows of its missing.csv',
    query_sha256 String COMMENT 'of its query.json, lower-case hex; the audit names it' CODEC(ZSTD(1)),
    salt         String COMMENT 'of its query.json: without it the digest tells nothing' CODEC(ZSTD(1)),
    manifest_sha256 String COMMENT 'of its tag manifest, lower-case hex; the audit names it; empty: not done' CODEC(ZSTD(1)),
    version      UInt64 COMMENT 'unix milliseconds of writing'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (at, export_id)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1;

-- A row of its own for each migrator: of several the least one counts.
CREATE TABLE IF NOT EXISTS custody_secret
(
    secret String COMMENT '32 hex digits; the least one counts'
)
ENGINE = ReplacingMergeTree
ORDER BY secret
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

INSERT INTO custody_secret SELECT lower(hex(randomString(16))) WHERE (SELECT count() FROM custody_secret) = 0;
